// Sums, and lines of text.
#include "sdk/bench/gateway_tally.h"

#include <algorithm>
#include <charconv>

#include "proto/wire/keys.h"

namespace mas::ctl {

namespace {

/// Numbers and `number:number` pairs, separated by spaces, behind a word.
class LineReader {
 public:
  LineReader(std::string_view line, std::string_view word) : rest_(line) {
    ok_ = rest_.starts_with(word);
    if (ok_) rest_.remove_prefix(word.size());
  }
  uint64_t number() { return skip(' ') ? digits() : 0; }
  bool pair(uint64_t& ret_first, uint64_t& ret_second) {
    if (!ok_ || rest_.empty() || !skip(' ')) return false;
    ret_first = digits();
    ret_second = skip(':') ? digits() : 0;
    return ok_;
  }
  bool ended() const { return ok_ && rest_.empty(); }

 private:
  bool skip(char mark) {
    ok_ = ok_ && !rest_.empty() && rest_[0] == mark;
    if (ok_) rest_.remove_prefix(1);
    return ok_;
  }
  uint64_t digits() {
    uint64_t value = 0;
    auto [end, failed] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    ok_ = ok_ && failed == std::errc{};
    if (ok_) rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }

  std::string_view rest_;
  bool ok_ = true;
};

Error bad_line(std::string_view line) {
  return Error{Errc::kInternal, "a bench process answered '" + std::string(line.substr(0, 100)) + "'"};
}

void append_number(std::string& line, uint64_t value) { line += " " + std::to_string(value); }
void append_pair(std::string& line, uint64_t first, uint64_t second) {
  line += " " + std::to_string(first) + ":" + std::to_string(second);
}

}  // namespace

uint64_t id_weight(std::string_view message_id) {
  // FNV spreads its last bytes poorly over the high bits; the multiplication and the shift make up for it.
  uint64_t hash = fnv1a64(message_id) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 32;
}

uint64_t SentTally::refusals() const {
  uint64_t sum = 0;
  for (const auto& [decision, count] : refused) sum += count;
  return sum;
}

void SentTally::add(const SentTally& other) {
  sent += other.sent;
  accepted += other.accepted;
  unknown += other.unknown;
  ids += other.ids;
  cpu += other.cpu;
  for (const auto& [decision, count] : other.refused) refused[decision] += count;
}

std::string SentTally::to_line() const {
  std::string line = "sent";
  for (uint64_t value : {sent, accepted, unknown, ids, cpu}) append_number(line, value);
  for (const auto& [decision, count] : refused) append_pair(line, static_cast<unsigned>(decision), count);
  return line;
}

Result<SentTally> SentTally::from_line(std::string_view line) {
  LineReader reader(line, "sent");
  SentTally tally;
  for (uint64_t* value : {&tally.sent, &tally.accepted, &tally.unknown, &tally.ids, &tally.cpu})
    *value = reader.number();
  uint64_t decision = 0, count = 0;
  while (reader.pair(decision, count)) tally.refused[static_cast<Decision>(decision)] = count;
  return reader.ended() ? Result<SentTally>(std::move(tally)) : Result<SentTally>(bad_line(line));
}

void ReceivedTally::add(const ReceivedTally& other) {
  arrivals += other.arrivals;
  doubled += other.doubled;
  reordered += other.reordered;
  ids += other.ids;
  cpu += other.cpu;
  if (other.first != 0 && (first == 0 || other.first < first)) first = other.first;
  last = std::max(last, other.last);
  latency.merge(other.latency);
}

std::string ReceivedTally::to_line() const {
  std::string line = "received";
  for (uint64_t value : {arrivals, doubled, reordered, ids, first, last, cpu}) append_number(line, value);
  latency.for_each_bucket([&line](uint64_t edge, uint64_t count) { append_pair(line, edge, count); });
  return line;
}

Result<ReceivedTally> ReceivedTally::from_line(std::string_view line) {
  LineReader reader(line, "received");
  ReceivedTally tally;
  for (uint64_t* value :
       {&tally.arrivals, &tally.doubled, &tally.reordered, &tally.ids, &tally.first, &tally.last, &tally.cpu}) {
    *value = reader.number();
  }
  uint64_t edge = 0, count = 0;
  while (reader.pair(edge, count)) tally.latency.record_n(edge, count);
  return reader.ended() ? Result<ReceivedTally>(std::move(tally)) : Result<ReceivedTally>(bad_line(line));
}

bool PairCheck::arrived(uint64_t stamp_number) {
  SequenceCheck& check = by_sender_[sender_of_stamp(stamp_number)];
  uint64_t doubled = check.doubled();
  check.arrived(number_of_stamp(stamp_number));
  return check.doubled() == doubled;
}

uint64_t PairCheck::doubled() const {
  uint64_t sum = 0;
  for (const auto& [sender, check] : by_sender_) sum += check.doubled();
  return sum;
}

uint64_t PairCheck::reordered() const {
  uint64_t sum = 0;
  for (const auto& [sender, check] : by_sender_) sum += check.reordered();
  return sum;
}

void Ledger::add(const Ledger& other) {
  sent += other.sent;
  accepted += other.accepted;
  refused += other.refused;
  unknown += other.unknown;
  delivered += other.delivered;
  lost += other.lost;
  stray += other.stray;
  doubled += other.doubled;
  reordered += other.reordered;
  unaudited += other.unaudited;
}

Ledger ledger_of(const SentTally& sent, const ReceivedTally& received) {
  Ledger ledger;
  ledger.sent = sent.sent;
  ledger.accepted = sent.accepted;
  ledger.refused = sent.refusals();
  ledger.unknown = sent.unknown;
  ledger.delivered = received.arrivals - received.doubled;
  ledger.lost = sent.accepted - std::min(sent.accepted, ledger.delivered);
  uint64_t expected = sent.accepted + sent.unknown;
  ledger.stray = ledger.delivered - std::min(expected, ledger.delivered);
  // As many, but not the same ones: at least one of each.
  if (ledger.lost + ledger.stray + sent.unknown == 0 && sent.ids != received.ids) ledger.lost = ledger.stray = 1;
  ledger.doubled = received.doubled;
  ledger.reordered = received.reordered;
  return ledger;
}

}  // namespace mas::ctl
