// Walks proto/vectors: every golden message, every envelope to accept and every envelope to refuse.
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include "proto/wire/envelope.h"
#include "proto/wire/events.h"
#include "tests/unit/wire/vector_file.h"

using namespace mas;
using namespace mas::test;

namespace {

const std::filesystem::path kVectors = kProto / "vectors";

using Object = VectorObject;

Object object(const std::string& json) { return vector_object(json); }

/// vectors.json names every file of accept/ and reject/, and no other.
Object index_of(const std::string& folder) {
  Object index = object(object(read_file(kVectors / "vectors.json")).at(folder));
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(kVectors / folder))
    files.insert(entry.path().filename().string());
  std::set<std::string> named;
  for (const auto& [name, entry] : index) named.insert(name);
  CHECK(files == named);
  return index;
}

std::string shortest(double number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}

std::string field(const Envelope& envelope, const std::string& name) {
  if (name == "sender_id") return std::string(envelope.sender_id);
  if (name == "target_id") return std::string(envelope.target_id);
  if (name == "message_type") return std::string(envelope.message_type);
  if (name == "message_id") return std::string(envelope.message_id);
  if (name == "data") return std::string(envelope.data);
  if (name == "timestamp") return shortest(envelope.timestamp);
  if (name == "meta.version") return std::to_string(envelope.meta.version);
  if (name == "meta.correlation_id") return std::string(envelope.meta.correlation_id);
  if (name == "meta.instance") return std::string(envelope.meta.instance);
  if (name == "meta.priority") return std::string(envelope.meta.priority);
  if (name == "meta.traceparent") return std::string(envelope.meta.traceparent);
  if (name == "meta.tracestate") return std::string(envelope.meta.tracestate);
  if (name == "meta.conversation_id") return std::string(envelope.meta.conversation_id);
  if (name == "meta.deadline") return shortest(envelope.meta.deadline.value_or(0));
  if (name == "meta.hops") return std::to_string(envelope.meta.hops);
  if (name == "meta.chain") return std::string(envelope.meta.chain);
  if (name == "meta.error.code") return std::string(envelope.meta.error.code);
  if (name == "meta.error.message") return std::string(envelope.meta.error.message);
  FAIL("vectors.json expects a field that the envelope has not: " << name);
  return {};
}

}  // namespace

TEST_CASE("vectors: accepted envelopes") {
  EnvelopeDecoder decoder;
  for (const auto& [name, entry] : index_of("accept")) {
    INFO(name);
    std::string bytes = read_file(kVectors / "accept" / name);
    auto expected = object(object(entry).at("fields"));
    auto check = [&, &file = name](const Result<Envelope>& envelope) {
      INFO(file << (envelope ? "" : ": " + envelope.error().message));
      REQUIRE(envelope.ok());
      CHECK(envelope->raw == bytes);
      for (const auto& [key, value] : expected) {
        INFO(key);
        CHECK(field(*envelope, key) == value);
      }
    };
    check(decoder.decode(bytes));
  }
}

TEST_CASE("vectors: refused envelopes, with the reason and without their bytes") {
  EnvelopeDecoder decoder;
  for (const auto& [name, entry] : index_of("reject")) {
    INFO(name);
    std::string bytes = read_file(kVectors / "reject" / name);
    std::string reason = object(entry).at("error");
    auto check = [&](const Result<Envelope>& envelope) {
      REQUIRE_FALSE(envelope.ok());
      const Error& error = envelope.error();
      INFO(error.message);
      CHECK((error.code == Errc::kMalformed || error.code == Errc::kTooLarge));
      CHECK(error.message.starts_with("envelope: "));
      CHECK(error.message.find(reason) != std::string::npos);
      CHECK(error.message.find("alice") == std::string::npos);
    };
    check(decoder.decode(bytes));
  }
}

TEST_CASE("vectors: our encoder writes the Python framework's bytes") {
  EnvelopeDecoder decoder;
  for (const char* name : {"envelope_send.json", "envelope_request.json", "envelope_reply.json"}) {
    INFO(name);
    std::string golden = read_file(kVectors / "golden" / name);
    auto envelope = decoder.decode(golden);
    REQUIRE(envelope.ok());
    EnvelopeFields fields{envelope->sender_id, envelope->target_id,   envelope->message_type, envelope->data,
                          envelope->meta,      1'795'350'097'000'000, envelope->message_id};
    std::string ours;
    append_envelope(ours, fields);
    // Python writes the shortest decimal of a double, we write six decimals.
    size_t at = golden.find("\"timestamp\":") + 12;
    golden.replace(at, golden.find(',', at) - at, "1795350097.000000");
    CHECK(ours == golden);
  }
}

TEST_CASE("vectors: events as the Python framework sends them") {
  std::string golden = read_file(kVectors / "golden" / "event_register.json");
  auto event = decode_event(golden);
  REQUIRE(event.ok());
  CHECK(event->type == EventType::kRegister);
  CHECK(event->capabilities == std::vector<std::string>{"chat", "maße"});
  CHECK(register_event(event->agent_id, event->capabilities) == golden);

  golden = read_file(kVectors / "golden" / "event_deregister.json");
  event = decode_event(golden);
  REQUIRE(event.ok());
  CHECK(event->type == EventType::kDeregister);
  CHECK(deregister_event(event->agent_id) == golden);
}
