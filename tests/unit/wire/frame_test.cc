// Ingress frames: the test vectors, and that no byte of a signed frame can change.
#include "proto/wire/frame.h"

#include "proto/base/bytes.h"
#include "proto/wire/keys.h"
#include "proto/wire/limits.h"
#include "tests/unit/wire/vector_file.h"

using namespace mas;
using namespace mas::test;

namespace {

Id128 id_of(const std::string& hex) {
  Id128 id;
  std::string bytes = unhex(hex);
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

std::vector<Digest> digests_of(const Frame& frame) {
  std::vector<Digest> digests;
  for (const auto& record : frame.records) digests.push_back(sha256(record.envelope));
  return digests;
}

std::string mac_input(const Frame& frame, std::string_view ns, unsigned partition) {
  std::string input;
  append_frame_mac_input(input, ns, partition, frame.header, frame.records, digests_of(frame));
  return input;
}

/// A signed frame of two records, and the key it is signed with.
struct Signed {
  HmacKey key{"0123456789abcdef0123456789abcdef"};
  std::string bytes;
  Frame frame;

  explicit Signed(const std::string& ns = "", unsigned partition = 7) {
    std::string records;
    append_record(records, R"({"sender_id":"alice"})", std::string(kTicketBytes, 't'));
    append_record(records, "{}");
    RecordReader reader(records);
    for (Record record; reader.next(record);) frame.records.push_back(record);
    FrameHeader& header = frame.header;
    header.kind = CredentialKind::kKey;
    header.id = new_instance_id();
    header.instance = new_instance_id();
    header.first_sequence = 5;
    header.timestamp = 1'795'350'097'286'038;
    header.sender = "alice";
    header.credential = "k1";
    frame.mac = key.tag(mac_input(frame, ns, partition));
    append_frame(bytes, header, &frame.mac, 2, records);
    REQUIRE(decode_frame(bytes, frame).ok());
  }

  bool fits(std::string_view element, const std::string& ns = "", unsigned partition = 7) const {
    Frame read;
    if (!decode_frame(element, read).ok()) return false;
    // The owner of the partition looks for the key under the sender and the key id that the frame names.
    bool known =
        read.header.kind == CredentialKind::kKey && read.header.sender == "alice" && read.header.credential == "k1";
    return known && equal_in_constant_time(key.tag(mac_input(read, ns, partition)), read.mac);
  }
};

std::string error_of(const std::string& element) {
  Frame frame;
  auto status = decode_frame(element, frame);
  return status.ok() ? "" : status.error().message;
}

}  // namespace

TEST_CASE("frames: the test vectors are written and read as they stand") {
  for (const auto& [name, json] : vector_file("frames.json")) {
    INFO(name);
    VectorObject vector = vector_object(json);
    FrameHeader header;
    bool with_key = vector.at("credential") == "key";
    header.kind = with_key ? CredentialKind::kKey : CredentialKind::kToken;
    header.id = id_of(vector.at("frame_id"));
    header.instance = id_of(vector.at("instance"));
    header.first_sequence = std::stoull(vector.at("first_sequence"));
    header.timestamp = std::stoll(vector.at("timestamp_us"));
    header.sender = vector.at("sender");
    header.credential = vector.at(with_key ? "key_id" : "token");
    auto partition = static_cast<unsigned>(std::stoul(vector.at("partition")));
    CHECK(fnv1a64(header.sender) % std::stoul(vector.at("partitions")) == partition);

    std::string records;
    VectorObject listed = vector_object(vector.at("records"));
    for (size_t i = 0; i < listed.size(); ++i) {
      VectorObject record = vector_object(listed.at(std::to_string(i)));
      auto flags = static_cast<uint8_t>(std::stoul(record.at("flags")) & ~unsigned{Record::kTicket});
      append_record(records, record.at("envelope"), unhex(record.at("ticket")), flags);
    }
    std::string expected = unhex(vector.at("frame"));
    Frame frame;
    REQUIRE(decode_frame(expected, frame).ok());
    CHECK(frame.records.size() == listed.size());
    CHECK(frame.header.sender == header.sender);
    CHECK(frame.header.credential == header.credential);
    CHECK(frame.header.first_sequence == header.first_sequence);
    CHECK(frame.header.timestamp == header.timestamp);
    CHECK(frame_id_of(expected) == header.id);
    if (with_key) {
      std::string input = mac_input(frame, vector.at("namespace"), partition);
      CHECK(input == unhex(vector.at("mac_input")));
      CHECK(to_hex(HmacKey(unhex(vector.at("key"))).tag(input)) == vector.at("mac"));
      CHECK(to_hex(frame.mac) == vector.at("mac"));
    }
    std::string written;
    append_frame(written, header, with_key ? &frame.mac : nullptr, static_cast<uint32_t>(listed.size()), records);
    CHECK(written == expected);
  }
}

TEST_CASE("a signed frame fits its namespace and partition, and no other") {
  Signed sent;
  CHECK(sent.fits(sent.bytes));
  CHECK_FALSE(sent.fits(sent.bytes, "acme"));
  CHECK_FALSE(sent.fits(sent.bytes, "", 8));
  CHECK(Signed("acme", 7).fits(Signed("acme", 7).bytes, "acme", 7));
}

TEST_CASE("every bit of a signed frame is protected") {
  Signed sent;
  for (size_t at = 0; at < sent.bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = sent.bytes;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      INFO("byte " << at << " bit " << bit);
      CHECK_FALSE(sent.fits(changed));
    }
}

TEST_CASE("a signed frame that is cut or longer is none") {
  Signed sent;
  for (size_t size = 0; size < sent.bytes.size(); ++size) CHECK_FALSE(sent.fits(sent.bytes.substr(0, size)));
  CHECK_FALSE(sent.fits(sent.bytes + '\0'));
  std::string more = sent.bytes;
  append_record(more, "{}");
  CHECK_FALSE(sent.fits(more));
}

TEST_CASE("records cannot be exchanged, taken over from another frame, or lose their ticket") {
  Signed sent;
  std::string input = mac_input(sent.frame, "", 7);
  Frame other = sent.frame;
  std::swap(other.records[0], other.records[1]);
  CHECK(mac_input(other, "", 7) != input);
  other = sent.frame;
  other.records.pop_back();
  CHECK(mac_input(other, "", 7) != input);
  other = sent.frame;
  other.records[0].ticket = {};
  other.records[0].flags = 0;
  CHECK(mac_input(other, "", 7) != input);
  other = sent.frame;
  other.header.first_sequence += 1;
  CHECK(mac_input(other, "", 7) != input);
  // Sender and key id are length-prefixed: moving a letter from one to the other changes the input.
  other = sent.frame;
  other.header.sender = "alicek";
  other.header.credential = "1";
  CHECK(mac_input(other, "", 7) != input);
}

TEST_CASE("what a frame may not say") {
  Signed sent;
  auto with = [&sent](size_t at, char value) {
    std::string changed = sent.bytes;
    changed[at] = value;
    return changed;
  };
  CHECK(error_of(with(0, 2)).find("version") != std::string::npos);
  CHECK(error_of(with(1, 3)).find("credential") != std::string::npos);
  CHECK(error_of("").find("version") != std::string::npos);

  auto build = [](FrameHeader header, uint32_t count, size_t records) {
    std::string raw, out;
    for (size_t i = 0; i < records; ++i) append_record(raw, "{}");
    append_frame(out, header, nullptr, count, raw);
    return out;
  };
  FrameHeader good;
  good.sender = "alice";
  good.credential = "token";
  CHECK(error_of(build(good, 1, 1)).empty());
  CHECK(error_of(build(good, limits::kFrameRecords, limits::kFrameRecords)).empty());
  CHECK(error_of(build(good, limits::kFrameRecords + 1, limits::kFrameRecords + 1)).find("1024") != std::string::npos);
  CHECK(error_of(build(good, 0, 0)).find("no records") != std::string::npos);
  CHECK(error_of(build(good, 1, 2)).find("more records") != std::string::npos);
  CHECK(error_of(build(good, 2, 1)).find("fewer records") != std::string::npos);
  FrameHeader bad = good;
  bad.sender = "not an id";
  CHECK(error_of(build(bad, 1, 1)).find("sender") != std::string::npos);
  bad = good;
  bad.first_sequence = 0;
  CHECK(error_of(build(bad, 1, 1)).find("sequence") != std::string::npos);
  bad.first_sequence = UINT64_MAX;
  CHECK(error_of(build(bad, 1, 1)).find("sequence") != std::string::npos);
  bad = good;
  bad.timestamp = -1;
  CHECK(error_of(build(bad, 1, 1)).find("timestamp") != std::string::npos);
  bad = good;
  std::string long_token(limits::kCredentialBytes + 1, 't');
  bad.credential = long_token;
  std::string message = error_of(build(bad, 1, 1));
  CHECK(message.find("too long") != std::string::npos);
  CHECK(message.find("ttt") == std::string::npos);
}

TEST_CASE("a frame that is cut still has its id, for the receipt") {
  Signed sent;
  CHECK(frame_id_of(sent.bytes) == sent.frame.header.id);
  CHECK(frame_id_of(sent.bytes.substr(0, 18)) == sent.frame.header.id);
  CHECK(frame_id_of(sent.bytes.substr(0, 17)) == Id128{});
  CHECK(frame_id_of("") == Id128{});
}

TEST_CASE("a Frame is reused without anything left of the frame before") {
  Signed sent;
  Frame frame;
  REQUIRE(decode_frame(sent.bytes, frame).ok());
  CHECK(frame.records.size() == 2);
  FrameHeader header;
  header.sender = "bob";
  std::string raw, bytes;
  append_record(raw, "{}");
  append_frame(bytes, header, nullptr, 1, raw);
  REQUIRE(decode_frame(bytes, frame).ok());
  CHECK(frame.records.size() == 1);
  CHECK(frame.header.kind == CredentialKind::kToken);
  CHECK(frame.header.sender == "bob");
}
