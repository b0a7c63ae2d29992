// Signed heads: what is signed comes back, what was changed is not believed, gaps in their order are
// told; files of retired blocks and queries.
#include "daemons/gatewayd/audit/heads.h"

#include "daemons/gatewayd/audit/query.h"
#include "daemons/gatewayd/audit/retired_blocks.h"
#include "tests/unit/catch.h"
#include "tests/unit/gatewayd/audit_chain.h"

using namespace mas;
using namespace mas::gateway::audit;
using namespace mas::gateway::audit::testing;

namespace {

SigningKey key_of(char seed) { return std::move(*SigningKey::from_seed(std::string(32, seed))); }

std::vector<VerifyKey> public_keys(const std::vector<const SigningKey*>& keys) {
  std::vector<VerifyKey> list;
  for (const SigningKey* key : keys) list.push_back(std::move(*VerifyKey::from_text(key->public_text())));
  return list;
}

Digest filled(unsigned char byte) {
  Digest digest;
  digest.fill(byte);
  return digest;
}

Head sample() {
  Head head;
  head.time = kNow;
  head.ns = "prod";
  head.gateway = "00112233445566778899aabbccddeeff";
  head.heads = {{0, 12, filled(1)}, {15, 7, filled(2)}};
  head.trimmed = {{0, 3, filled(3)}};
  head.previous = filled(4);
  return head;
}

}  // namespace

TEST_CASE("a signed head comes back as it was and is believed under its key only") {
  SigningKey key = key_of('a');
  Digest hash;
  std::string line = sign_head(sample(), key, hash);
  auto head = parse_head(line + "\n");
  INFO((head.ok() ? line : head.error().message));
  REQUIRE(head.ok());
  CHECK(head->hash == hash);
  CHECK(head->head.time == kNow);
  CHECK(head->head.ns == "prod");
  CHECK(head->head.gateway == sample().gateway);
  CHECK(head->head.key == key.id());
  CHECK(head->head.heads == sample().heads);
  CHECK(head->head.trimmed == sample().trimmed);
  CHECK(head->head.previous == filled(4));
  CHECK(head->signed_by(public_keys({&key})[0]));
  SigningKey other = key_of('b');
  CHECK_FALSE(head->signed_by(public_keys({&other})[0]));
}

TEST_CASE("a head that was changed anywhere is refused or not believed") {
  SigningKey key = key_of('a');
  auto keys = public_keys({&key});
  Digest hash;
  std::string line = sign_head(sample(), key, hash);
  for (size_t i = 0; i < line.size(); ++i) {
    std::string changed_line = line;
    changed_line[i] = static_cast<char>(changed_line[i] ^ 1);
    auto head = parse_head(changed_line);
    INFO(changed_line);
    REQUIRE_FALSE((head.ok() && head->signed_by(keys[0])));
  }
}

TEST_CASE("a head that names lost blocks comes back as it was, and the ledger has them by partition") {
  SigningKey key = key_of('a');
  auto keys = public_keys({&key});
  Head head = sample();
  head.lost = {{3, 120, 131, filled(7), filled(8), kNow}, {9, 1, 1, filled(9), {}, kNow + 5}};
  Digest hash;
  const std::string line = sign_head(head, key, hash);
  auto read = parse_head(line);
  REQUIRE(read.ok());
  CHECK(read->head.lost == head.lost);
  HeadLedger ledger(keys, "prod");
  ledger.add_in_order(line, "1-0");
  REQUIRE(ledger.of(3).lost.size() == 1);
  CHECK(ledger.of(3).lost[0].blocks == head.lost[0]);
  CHECK(ledger.of(3).lost[0].trusted);
  CHECK(ledger.of(0).lost.empty());
  for (const auto& [from, to] : {std::pair{"\"first\":120", "\"first\":132"}, {"\"last\":131", "\"last\":\"x\""}})
    CHECK_FALSE(parse_head(changed(line, from, to)).ok());
}

TEST_CASE("what is no head is refused") {
  for (std::string_view line : {"", "{}", "[]", "{\"head\":{},\"signature\":\"00\"}", "{\"head\":1}"})
    CHECK_FALSE(parse_head(line).ok());
}

TEST_CASE("the ledger sorts what heads say by partition, and believes known keys") {
  SigningKey key = key_of('a');
  SigningKey stranger = key_of('b');
  auto keys = public_keys({&key});
  Digest hash, ignored;
  HeadLedger ledger(keys, "prod");
  ledger.add_in_order(sign_head(sample(), key, hash), "1-0");
  Head forged = sample();
  forged.heads[0].number = 99;
  ledger.add_in_order(sign_head(forged, stranger, ignored), "2-0");
  ledger.add_in_order("garbage", "3-0");
  Head next = sample();
  next.previous = hash;
  next.heads[0] = {0, 20, filled(9)};
  ledger.add_in_order(sign_head(next, key, ignored), "4-0");
  CHECK(ledger.trusted() == 2);
  CHECK(ledger.untrusted() == 1);
  REQUIRE(ledger.complaints().size() == 1);
  CHECK(ledger.complaints()[0].starts_with("3-0: "));
  CHECK(ledger.partitions() == std::vector<uint32_t>{0, 15});
  REQUIRE(ledger.of(0).heads.size() == 2);
  CHECK(ledger.of(0).heads[1].number == 20);
  CHECK(ledger.of(0).heads[1].trusted);
  CHECK(ledger.of(0).trimmed.size() == 1);
  CHECK(ledger.of(7).heads.empty());
}

TEST_CASE("a signed head that was taken out of the stream is missed") {
  SigningKey key = key_of('a');
  auto keys = public_keys({&key});
  std::vector<std::string> lines;
  Digest previous{};
  for (int i = 0; i < 3; ++i) {
    Head head = sample();
    head.previous = previous;
    lines.push_back(sign_head(head, key, previous));
  }
  HeadLedger whole(keys, "prod");
  for (const auto& line : lines) whole.add_in_order(line, "x");
  CHECK(whole.complaints().empty());
  HeadLedger gap(keys, "prod");
  gap.add_in_order(lines[0], "1-0");
  gap.add_in_order(lines[2], "3-0");
  CHECK(gap.complaints().size() == 1);
  HeadLedger loose(keys, "prod");
  loose.add_loose(lines[0], "1-0");
  loose.add_loose(lines[2], "3-0");
  CHECK(loose.complaints().empty());
}

TEST_CASE("a signed head in the middle of the stream that names no head before it is told") {
  SigningKey key = key_of('a');
  auto keys = public_keys({&key});
  Digest hash;
  HeadLedger ledger(keys, "prod");
  ledger.add_in_order(sign_head(sample(), key, hash), "1-0");
  Head anew = sample();
  anew.previous = Digest{};
  ledger.add_in_order(sign_head(anew, key, hash), "2-0");
  REQUIRE(ledger.complaints().size() == 1);
  CHECK(ledger.complaints()[0].starts_with("2-0: "));
}

TEST_CASE("a head of another namespace says nothing about these chains") {
  SigningKey key = key_of('a');
  auto keys = public_keys({&key});
  Digest hash;
  HeadLedger ledger(keys);
  ledger.add_in_order(sign_head(sample(), key, hash), "1-0");
  ledger.add_marks(sign_head(sample(), key, hash));
  CHECK(ledger.trusted() == 0);
  CHECK(ledger.partitions().empty());
  CHECK(ledger.complaints() ==
        std::vector<std::string>{"1-0: a head of namespace 'prod'; expected one of no namespace"});
}

TEST_CASE("without a key heads are collected but not trusted") {
  SigningKey key = key_of('a');
  std::vector<VerifyKey> none;
  Digest hash;
  HeadLedger ledger(none, "prod");
  ledger.add_in_order(sign_head(sample(), key, hash), "1-0");
  CHECK(ledger.trusted() == 0);
  REQUIRE(ledger.of(0).heads.size() == 1);
  CHECK_FALSE(ledger.of(0).heads[0].trusted);
}

TEST_CASE("a file of retired blocks gives back its frames and says where a torn one begins") {
  auto chain = make_chain(1, 3);
  std::string bytes(kRetiredBlocksMagic);
  size_t whole = 0;
  for (const Link& link : chain) {
    whole = bytes.size();
    append_retired_block(bytes, {"17-" + std::to_string(whole), link.bytes});
  }
  RetiredBlockReader reader(bytes);
  RetiredBlockFrame frame;
  for (const Link& link : chain) {
    REQUIRE(reader.next(frame));
    CHECK(frame.entry.starts_with("17-"));
    CHECK(frame.block == link.bytes);
  }
  CHECK_FALSE(reader.next(frame));
  CHECK(reader.status().ok());
  CHECK(reader.good_bytes() == bytes.size());
  for (size_t size = whole + 1; size < bytes.size(); ++size) {
    RetiredBlockReader torn(std::string_view(bytes).substr(0, size));
    while (torn.next(frame)) {
    }
    REQUIRE_FALSE(torn.status().ok());
    REQUIRE(torn.good_bytes() == whole);
  }
  RetiredBlockReader other("something else");
  CHECK_FALSE(other.next(frame));
  CHECK(other.good_bytes() == 0);
}

TEST_CASE("names of files of retired blocks sort by partition and block, and no other name is one") {
  CHECK(retired_file_name(3, 42) == "audit-0003-00000000000000000042.mas");
  auto name = parse_retired_file_name("audit-0003-00000000000000000042.mas");
  REQUIRE(name.has_value());
  CHECK(name->partition == 3);
  CHECK(name->first_block == 42);
  for (std::string_view other :
       {"audit-3-42.mas", "audit-0003-42.mas", "audit-.mas", "audit-", "x", "", "audit-0003-00000000000000000042.mas~"})
    CHECK_FALSE(parse_retired_file_name(other).has_value());
}

TEST_CASE("filters ask for what they name") {
  AuditRecord record;
  record.time = 100;
  record.sender = "a";
  record.target = "b";
  record.type = "t";
  record.message_id = "m";
  record.decision = Decision::kRateLimited;
  Filter filter;
  CHECK(matches(filter, record));
  filter = {"a", "b", "t", "m", Decision::kRateLimited, 100, 101};
  CHECK(matches(filter, record));
  for (auto field : {&Filter::sender, &Filter::target, &Filter::type, &Filter::message_id}) {
    Filter other = filter;
    other.*field = "x";
    CHECK_FALSE(matches(other, record));
  }
  filter.decision = Decision::kAllowed;
  CHECK_FALSE(matches(filter, record));
  filter = {};
  filter.until = 100;
  CHECK_FALSE(matches(filter, record));
  filter = {};
  filter.since = 101;
  CHECK_FALSE(matches(filter, record));
}

TEST_CASE("a record in text") {
  std::string_view detectors[] = {"card", "iban"};
  Block block;
  block.head = {3, 17, {}};
  AuditRecord record;
  record.time = kNow;
  record.sender = "a,\"b\"";
  record.type = "\xff";
  record.decision = Decision::kDlpBlocked;
  record.detectors = detectors;
  block.records = {record};
  std::string json, csv;
  append_json(json, block, 0);
  CHECK(json.starts_with(R"({"time":"2026-11-22T12:21:37.286038Z","partition":3,"block":17,"record":0,)"
                         R"("decision":"DLP_BLOCKED","sender":"a,\"b\"","target":"","type":")"
                         "\xef\xbf\xbd"
                         R"(",)"));
  CHECK(json.find(R"("detectors":["card","iban"])") != std::string::npos);
  append_csv(csv, block, 0);
  CHECK(csv.starts_with("2026-11-22T12:21:37.286038Z,3,17,0,DLP_BLOCKED,\"a,\"\"b\"\"\",,"));
  CHECK(csv.ends_with(",0\r\n"));
  CHECK(csv_heading().starts_with("time,partition,block,record,decision,sender,target,type,"));
  auto columns = [](std::string_view line) { return std::count(line.begin(), line.end(), ','); };
  CHECK(columns(csv_heading()) + 1 == columns(csv));  // one comma is quoted
}

TEST_CASE("no text of a record is a formula to a spreadsheet") {
  Block block;
  block.records.resize(1);
  AuditRecord& record = block.records[0];
  record.sender = "=1+1";
  record.target = "@SUM(1,2)";
  record.type = "-2";
  record.reason = "+3";
  record.message_id = "\tx";
  std::string csv;
  append_csv(csv, block, 0);
  CHECK(csv.find(",'=1+1,\"'@SUM(1,2)\",'-2,'\tx,'+3,") != std::string::npos);
}
