// Envelopes: sizes, what is written, and that decoding undoes encoding. The rest is in vectors_test.cc.
#include "proto/wire/envelope.h"

#include "tests/unit/catch.h"

using namespace mas;

namespace {

constexpr std::string_view kShort =
    R"({"sender_id":"a","target_id":"b","message_type":"t","data":{},"meta":{"correlation_id":null}})";

Errc refusal(std::string_view bytes, size_t max_bytes = limits::kEnvelopeBytes) {
  EnvelopeDecoder decoder;
  auto envelope = decoder.decode(bytes, max_bytes);
  REQUIRE_FALSE(envelope.ok());
  return envelope.error().code;
}

std::string with_sender(const std::string& sender) {
  return R"({"sender_id":")" + sender + R"(","target_id":"b","message_type":"t","data":{}})";
}

}  // namespace

TEST_CASE("an envelope may be as large as allowed and no larger") {
  EnvelopeDecoder decoder;
  CHECK(decoder.decode(kShort, kShort.size()).ok());
  CHECK(refusal(kShort, kShort.size() - 1) == Errc::kTooLarge);

  std::string frame = R"({"sender_id":"a","target_id":"b","message_type":"t","data":{"x":""}})";
  std::string full = frame;
  full.insert(full.size() - 3, limits::kEnvelopeBytes - frame.size(), 'y');
  auto envelope = decoder.decode(full);
  REQUIRE(envelope.ok());
  CHECK(envelope->data.size() == limits::kEnvelopeBytes - frame.size() + 8);
  full.insert(full.size() - 3, 1, 'y');
  CHECK(refusal(full) == Errc::kTooLarge);
  // The decoder is still good, and gives the memory back.
  CHECK(decoder.decode(kShort).ok());
}

TEST_CASE("texts of an envelope have their limits") {
  CHECK(refusal(with_sender(std::string(513, 'a'))) == Errc::kTooLarge);
  CHECK(EnvelopeDecoder().decode(with_sender(std::string(512, 'a'))).ok());
  auto with_meta = [](const std::string& name, size_t bytes) {
    return R"({"sender_id":"a","target_id":"b","message_type":"t","data":{},"meta":{")" + name + "\":\"" +
           std::string(bytes, 'x') + "\"}}";
  };
  EnvelopeDecoder decoder;
  for (const char* name : {"instance", "priority", "traceparent", "tracestate", "conversation_id"}) {
    CHECK(decoder.decode(with_meta(name, limits::kMetaTextBytes)).ok());
    CHECK(refusal(with_meta(name, limits::kMetaTextBytes + 1)) == Errc::kTooLarge);
  }
  CHECK(decoder.decode(with_meta("correlation_id", limits::kCorrelationIdBytes)).ok());
  CHECK(refusal(with_meta("correlation_id", limits::kCorrelationIdBytes + 1)) == Errc::kTooLarge);
}

TEST_CASE("a trace context with room for other texts is content, too") {
  EnvelopeDecoder decoder;
  auto bare = [&decoder](const std::string& meta) {
    auto envelope =
        decoder.decode(R"({"sender_id":"a","target_id":"b","message_type":"t","data":{},"meta":{)" + meta + "}}");
    REQUIRE(envelope.ok());
    return envelope->bare;
  };
  const std::string ids = "-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  CHECK(bare(R"("traceparent":"00)" + ids + '"'));
  CHECK(bare(R"("traceparent":"00\u002d)" + ids.substr(1) + '"'));
  CHECK_FALSE(bare(R"("traceparent":"cc)" + ids + R"(-more")"));
  CHECK_FALSE(bare(R"("traceparent":"a secret")"));
  CHECK_FALSE(bare(R"("traceparent":"00)" + ids + R"(","tracestate":"a=b")"));
}

TEST_CASE("a member that stands there twice is told") {
  EnvelopeDecoder decoder;
  auto doubled = [&decoder](const std::string& outer, const std::string& meta) {
    auto envelope = decoder.decode(R"({"sender_id":"a","target_id":"b","message_type":"t","data":{},"timestamp":1.5,)" +
                                   outer + R"("message_id":"m","meta":{"version":1,"hops":1)" + meta + "}}");
    REQUIRE(envelope.ok());
    CHECK(envelope->bare == (!envelope->doubled && outer.empty() && meta.empty()));
    return envelope->doubled;
  };
  CHECK_FALSE(doubled("", ""));
  CHECK_FALSE(doubled(R"("other":1,"other":2,)", R"(,"mine":1,"mine":2)"));
  for (const char* member :
       {R"("timestamp":1,)", R"("sender_id":"a",)", R"("target_id":"b",)", R"("message_type":"t",)",
        R"("message_id":"n",)", R"("data":{},)", R"("meta":{},)", R"("timest\u0061mp":1,)"})
    CHECK(doubled(member, ""));
  for (const char* member : {R"(,"hops":2)", R"(,"version":1)", R"(,"h\u006fps":2)"}) CHECK(doubled("", member));
  CHECK(doubled("", R"(,"deadline":1,"deadline":2)"));
  CHECK(doubled("", R"(,"error":{"code":"X"},"error":null)"));
  CHECK(doubled("", R"(,"error":{"code":"X","code":"Y"})"));
}

TEST_CASE("refusals name the member and what was expected") {
  EnvelopeDecoder decoder;
  auto message = [&](std::string_view bytes) { return decoder.decode(bytes).error().message; };
  CHECK(message("{}") == "envelope: sender_id: missing; expected a string");
  CHECK(message(R"({"sender_id":"a","target_id":"b","message_type":"t","data":[]})") ==
        "envelope: data: expected an object");
  CHECK(message(R"({"sender_id":"a","target_id":"b","message_type":"t"})") ==
        "envelope: data: missing; expected an object");
  CHECK(message(R"({"sender_id":"a","target_id":"b","message_type":"t","data":{},"meta":{"hops":"x"}})") ==
        "envelope: meta.hops: expected an integer of 64 bits");
  CHECK(message("{\"sender_id\":") == "envelope: JSON: an object or array is not closed");
}

TEST_CASE("truncated anywhere, an envelope is refused") {
  EnvelopeDecoder decoder;
  for (size_t size = 0; size < kShort.size(); ++size) {
    INFO(size);
    CHECK(refusal(kShort.substr(0, size)) == Errc::kMalformed);
  }
}

TEST_CASE("optional members of meta are written when set, and come back") {
  EnvelopeFields fields;
  fields.sender_id = "alice";
  fields.target_id = "ma\"ße";
  fields.message_type = "t\n";
  fields.data = "{\"x\":[1, 2]}";
  fields.timestamp = 1'795'350'097'250'000;
  fields.message_id = "m";
  std::string plain;
  append_envelope(plain, fields);
  CHECK(plain ==
        "{\"sender_id\":\"alice\",\"target_id\":\"ma\\\"ße\",\"message_type\":\"t\\n\",\"data\":{\"x\":[1, 2]},"
        "\"meta\":{\"version\":1,\"correlation_id\":null,\"expects_reply\":false,\"is_reply\":false},"
        "\"timestamp\":1795350097.250000,\"message_id\":\"m\"}");

  fields.meta = {.version = 2,
                 .correlation_id = "c",
                 .expects_reply = true,
                 .is_reply = true,
                 .instance = "i",
                 .priority = "high",
                 .deadline = 1795350098.125,
                 .traceparent = "00-a",
                 .tracestate = "a=b",
                 .conversation_id = "v",
                 .hops = 7,
                 .chain = R"(["x","y"])",
                 .error = {.code = "X_1", .message = "a \"b\"\n"}};
  std::string full;
  append_envelope(full, fields);
  EnvelopeDecoder decoder;
  auto envelope = decoder.decode(full);
  REQUIRE(envelope.ok());
  CHECK(envelope->meta.version == 2);
  CHECK(envelope->meta.correlation_id == "c");
  CHECK(envelope->meta.expects_reply);
  CHECK(envelope->meta.is_reply);
  CHECK(envelope->meta.instance == "i");
  CHECK(envelope->meta.priority == "high");
  CHECK(envelope->meta.deadline == 1795350098.125);
  CHECK(envelope->meta.traceparent == "00-a");
  CHECK(envelope->meta.tracestate == "a=b");
  CHECK(envelope->meta.conversation_id == "v");
  CHECK(envelope->meta.hops == 7);
  CHECK(envelope->meta.chain == R"(["x","y"])");
  CHECK(envelope->meta.error.code == "X_1");
  CHECK(envelope->meta.error.message == "a \"b\"\n");
  CHECK_FALSE(envelope->bare);
  CHECK(envelope->timestamp == 1795350097.25);
  CHECK(envelope->data == fields.data);
}
