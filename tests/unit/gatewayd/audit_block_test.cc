// Audit blocks: what is built comes back when decoded; what is no block is refused; sizes and limits hold.
#include "daemons/gatewayd/audit/block.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway::audit;

namespace {

constexpr WallMicros kNow = 1'795'350'097'286'038;

Digest filled(unsigned char byte) {
  Digest digest;
  digest.fill(byte);
  return digest;
}

AuditRecord sample() {
  AuditRecord record;
  record.time = kNow + 250;
  record.message_id = "01a20334-6d86-7abc-8def-0123456789ab";
  record.sender = "planner-1";
  record.target = "worker-7";
  record.type = "sum.request";
  record.instance.bytes.fill(0x11);
  record.sequence = 41;
  record.payload = filled(0x77);
  return record;
}

void begin(BlockBuilder& builder, uint64_t number = 1) {
  builder.begin(3, 9, number, filled(0xaa), kNow, filled(0xbb), "prod");
}

std::string built(const std::vector<AuditRecord>& records) {
  BlockBuilder builder;
  begin(builder);
  for (const auto& record : records) builder.add(record);
  return std::string(builder.finish().bytes);
}

void require_same(const AuditRecord& a, const AuditRecord& b) {
  CHECK(a.time == b.time);
  CHECK(a.message_id == b.message_id);
  CHECK(a.sender == b.sender);
  CHECK(a.target == b.target);
  CHECK(a.type == b.type);
  CHECK(a.decision == b.decision);
  CHECK(a.reason == b.reason);
  CHECK(a.instance == b.instance);
  CHECK(a.sequence == b.sequence);
  CHECK(a.payload == b.payload);
  CHECK(std::vector(a.detectors.begin(), a.detectors.end()) == std::vector(b.detectors.begin(), b.detectors.end()));
  REQUIRE(a.shadow.has_value() == b.shadow.has_value());
  if (!a.shadow) return;
  CHECK(a.shadow->decision == b.shadow->decision);
  CHECK(a.shadow->reason == b.shadow->reason);
}

}  // namespace

TEST_CASE("a block comes back as it was built") {
  std::string_view detectors[] = {"card", "iban"};
  AuditRecord plain = sample();
  AuditRecord full = sample();
  full.message_id = "not a uuid";
  full.decision = Decision::kDlpBlocked;
  full.reason = "a card number";
  full.detectors = detectors;
  full.shadow = AuditRecord::Shadow{Decision::kAuthzDenied, "no rule"};
  AuditRecord bare;  // what is known of an element that does not parse
  bare.decision = Decision::kMalformed;
  bare.time = kNow - 5;

  BlockBuilder builder;
  begin(builder, 17);
  CHECK(builder.empty());
  for (const auto& record : {plain, full, bare}) builder.add(record);
  CHECK_FALSE(builder.empty());
  auto finished = builder.finish();

  Block block;
  auto status = decode_block(finished.bytes, block);
  INFO((status.ok() ? "" : status.error().message));
  REQUIRE(status.ok());
  CHECK(block.head == BlockHead{3, 17, finished.hash});
  CHECK(block.epoch == 9);
  CHECK(block.time == kNow);
  CHECK(block.previous == filled(0xaa));
  CHECK(block.policy == filled(0xbb));
  CHECK(block.ns == "prod");
  REQUIRE(block.records.size() == 3);
  require_same(block.records[0], plain);
  require_same(block.records[1], full);
  require_same(block.records[2], bare);

  auto head = block_head(finished.bytes);
  REQUIRE(head.ok());
  CHECK(*head == block.head);
  CHECK(block_hash(finished.bytes) == finished.hash);
}

TEST_CASE("a builder is used again for another block") {
  BlockBuilder builder;
  begin(builder);
  builder.add(sample());
  std::string first(builder.finish().bytes);
  begin(builder);
  AuditRecord other = sample();
  other.sender = "somebody-else";
  for (int i = 0; i < 1000; ++i) builder.add(other);
  begin(builder);  // not finished: forgotten
  builder.add(sample());
  CHECK(builder.finish().bytes == first);
}

TEST_CASE("repeated names cost their number only") {
  std::vector<AuditRecord> records(1000, sample());
  CHECK(built(records).size() <= 80 * records.size());
}

TEST_CASE("many different names fit, and a block says when it is full") {
  BlockBuilder builder;
  begin(builder);
  std::vector<std::string> names;
  for (size_t i = 0; i < kBlockRecords; ++i) names.push_back("agent-" + std::to_string(i));
  for (const auto& name : names) {
    REQUIRE_FALSE(builder.full());
    AuditRecord record = sample();
    record.sender = name;
    builder.add(record);
  }
  CHECK(builder.full());
  Block block;
  REQUIRE(decode_block(builder.finish().bytes, block).ok());
  for (size_t i = 0; i < names.size(); ++i) REQUIRE(block.records[i].sender == names[i]);
}

TEST_CASE("long texts are cut, further detectors left out, far times held at the end of the range") {
  std::string text(70'000, 'x');
  std::vector<std::string_view> detectors(kDetectorNames + 3, "card");
  AuditRecord record = sample();
  record.reason = text;
  record.message_id = text;
  record.detectors = detectors;
  record.time = 0;
  std::string bytes = built({record});
  Block block;
  REQUIRE(decode_block(bytes, block).ok());
  CHECK(block.records[0].reason == text.substr(0, kAuditTextBytes));
  CHECK(block.records[0].message_id == text.substr(0, kAuditTextBytes));
  CHECK(block.records[0].detectors.size() == kDetectorNames);
  CHECK(block.records[0].time == kNow - 2'147'483'648);
}

TEST_CASE("only canonical UUIDs are packed") {
  for (std::string id : {"01A20334-6d86-7abc-8def-0123456789ab", "01a20334x6d86-7abc-8def-0123456789ab",
                         "01a203346d867abc8def0123456789ab", "g1a20334-6d86-7abc-8def-0123456789ab", ""}) {
    CHECK_FALSE(parse_uuid(id).has_value());
    AuditRecord record = sample();
    record.message_id = id;
    std::string bytes = built({record});
    Block block;
    REQUIRE(decode_block(bytes, block).ok());
    CHECK(block.records[0].message_id == id);
  }
  CHECK(parse_uuid("01a20334-6d86-7abc-8def-0123456789ab").has_value());
}

TEST_CASE("a block that is cut or has more than it says is refused") {
  AuditRecord record = sample();
  record.message_id = "text";
  record.shadow = AuditRecord::Shadow{Decision::kAllowed, "would pass"};
  std::string bytes = built({sample(), record});
  Block block;
  for (size_t size = 0; size < bytes.size(); ++size) {
    INFO(size);
    CHECK_FALSE(decode_block(std::string_view(bytes).substr(0, size), block).ok());
  }
  CHECK_FALSE(decode_block(bytes + "x", block).ok());
  CHECK_FALSE(decode_block("", block).ok());
}

TEST_CASE("fields that are out of range are refused") {
  std::string bytes = built({sample()});
  size_t record = bytes.size() - 32 - 72;
  auto wrong = [&](size_t at, char value) {
    std::string changed = bytes;
    changed[at] = value;
    Block block;
    return !decode_block(changed, block).ok();
  };
  CHECK(wrong(0, 1));                 // version
  CHECK(wrong(0, 3));                 // version
  CHECK(wrong(93, 9));                // bytes of the namespace
  CHECK(wrong(95, '/'));              // the namespace
  CHECK(wrong(99, 2));                // records
  CHECK(wrong(103, 9));               // texts
  CHECK(wrong(record, 8));            // unknown flag
  CHECK(wrong(record, 1));            // a text id with bytes behind it
  CHECK(wrong(record, 4));            // detectors that are not there
  CHECK(wrong(record + 21, 99));      // sender
  CHECK(wrong(record + 27, 5));       // decision
  CHECK(wrong(record + 30, 1));       // an instance of nine bytes
  CHECK_FALSE(wrong(record + 5, 9));  // a message id may be anything: the hash tells
}
