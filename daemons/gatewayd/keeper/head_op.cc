// Writing a signed head.
#include "daemons/gatewayd/keeper/head_op.h"

#include <algorithm>

#include "daemons/gatewayd/keeper/retired_block_store.h"
#include "proto/redis/bounded_answer.h"
#include "proto/redis/reply_values.h"

namespace mas::gateway {
namespace {

using State = HeadOp::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kReading},
                                            {State::kReading, State::kAdding},
                                            {State::kReading, State::kIdle},
                                            {State::kAdding, State::kStoring},
                                            {State::kAdding, State::kIdle},
                                            {State::kStoring, State::kIdle}});

// Heads that are looked at for the last one under our key: others may have been put in by anybody.
constexpr std::string_view kLookBack = "16";

constexpr std::string_view kAdd =
    "local l=redis.call('XREVRANGE',KEYS[1],'+','-','COUNT',1) "
    "if (l[1] and l[1][1] or '')~=ARGV[1] then return false end "
    "return redis.call('XADD',KEYS[1],'*','b',ARGV[2])";

// The hash at the end of a block; its content stays where it is.
constexpr std::string_view kHashOf =
    "local e=redis.call('XRANGE',KEYS[1],ARGV[1],ARGV[1]) "
    "return e[1] and string.sub(e[1][2][2] or '',-32) or false";

/// @return the field `b` of an entry; empty where there is none.
std::string_view blob_of(const redis::Reply& entry) {
  const redis::Reply* blob = redis::entry_field(entry, "b");
  return blob == nullptr ? std::string_view() : blob->text;
}

}  // namespace

HeadOp::HeadOp(uv_loop_t* loop, redis::Client& redis, const Keys& keys, audit::ChainMemory& chains, HeadSigner signer,
               Done done)
    : redis_(redis),
      keys_(keys),
      chains_(chains),
      signer_(std::move(signer)),
      done_(std::move(done)),
      state_(State::kIdle, kMoves),
      work_(loop) {}

HeadOp::~HeadOp() { redis_.forget(this); }

void HeadOp::cancel() {
  redis_.forget(this);
  work_.forget();
  if (!idle()) state_.to(State::kIdle);
}

void HeadOp::start(HeadRequest request) {
  request_ = std::move(request);
  result_ = {};
  tips_.clear();
  read_.clear();
  gone_.clear();
  known_ = chains_.tips();
  last_entry_.clear();
  has_previous_ = false;
  previous_ = {};
  redis::Command command;
  std::erase_if(seen_, [this](const SeenBlock& one) { return one.block.partition >= request_.partitions; });
  for (const SeenBlock& one : seen_) command.add("EVAL", kHashOf, 1, keys_.audit(one.block.partition), one.entry);
  redis::add_bounded(command, {.text = audit::kHeadBytes},
                     {"XREVRANGE", keys_.audit_heads(), "+", "-", "COUNT", kLookBack});
  for (unsigned p = 0; p < request_.partitions; ++p)
    redis::add_bounded(command, {.text = audit::kBlockBytes}, {"XREVRANGE", keys_.audit(p), "+", "-", "COUNT", "1"});
  state_.to(State::kReading);
  left_ = command.count();
  redis_.forget(this);  // answers that came behind a failure
  auto status = redis_.scatter(command, redis::reply_to<&HeadOp::on_read>(this));
  if (!status.ok()) finish(status.error());
}

void HeadOp::on_read(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kReading)) return;
  if (auto status = take(tag, answer); !status) return finish(status.error());
  if (--left_ == 0) decide();
}

Status HeadOp::take(uint64_t tag, const redis::Answer& answer) {
  const size_t heads = seen_.size();  // the tag of the stream of heads
  const bool no_stream = tag != heads && answer.ok() && (*answer)->is_error() &&
                         (*answer)->text.find("WRONGTYPE") != std::string_view::npos;
  if (no_stream) {
    if (tag > heads) known_.erase(static_cast<uint32_t>(tag - heads - 1));
    return {};
  }
  auto reply = redis::checked(answer);
  if (!reply.ok()) return reply.error();
  if (tag < heads)
    take_seen(seen_[tag], **reply);
  else if (tag == heads)
    take_heads(**reply);
  else
    take_tip(static_cast<uint32_t>(tag - heads - 1), **reply);
  return {};
}

void HeadOp::take_heads(const redis::Reply& entries) {
  for (const redis::Reply& entry : entries) {
    if (last_entry_.empty() && entry.is_array() && entry.count == 2) last_entry_ = entry[0].text;
    auto head = audit::parse_head(blob_of(entry));
    if (!head.ok() || !head->signed_by(signer_.verify)) continue;
    previous_ = std::move(*head);
    has_previous_ = true;
    return;
  }
}

/// A last entry that is no block is not signed, nor a key that is no stream; `audit verify` names them.
void HeadOp::take_tip(uint32_t partition, const redis::Reply& entries) {
  if (entries.count == 0) return;
  std::string_view block = blob_of(entries[0]);
  auto head = audit::block_head(block);
  bool ours = head.ok() && head->partition == partition && audit::check_namespace_of(block, keys_.ns()).ok();
  if (!ours || head->number == 0) {
    known_.erase(partition);  // what it hides is not missing
    return;
  }
  tips_.push_back(*head);
  read_.push_back({*head, std::string(entries[0][0].text)});
}

/// Where others have written since, nothing else shows that they wrote over it.
void HeadOp::take_seen(const SeenBlock& seen, const redis::Reply& hash) {
  if (hash.is_text() && hash.text == view_of(seen.block.hash)) return;
  gone_.push_back(seen);
}

void HeadOp::decide() {
  const auto by_partition = [](const auto& a, const auto& b) { return a.partition < b.partition; };
  std::sort(tips_.begin(), tips_.end(), by_partition);
  audit::Head next;
  next.time = wall_now();
  next.ns = keys_.ns();
  next.gateway = signer_.gateway;
  next.heads = tips_;
  next.previous = has_previous_ ? previous_.hash : own_last_;
  std::map<uint32_t, audit::BlockHead> marks;
  if (has_previous_)
    for (const auto& mark : previous_.head.trimmed) marks[mark.partition] = mark;
  for (const auto& [partition, mark] : request_.marks)
    if (marks[partition].number < mark.number) marks[partition] = mark;
  for (const auto& [partition, mark] : marks) next.trimmed.push_back(mark);
  if (has_previous_) note_cut_chains();
  note_lost_blocks(next.time);
  seen_ = std::move(read_);
  next.lost = naming_ = chains_.to_sign();
  if (!changed(next) || (next.trimmed == previous_.head.trimmed && next.lost.empty() && fresh_enough(next.time)))
    return finish(result_);
  add(std::move(next));
}

/// What the last signed head in Redis named and is not there any more: a Redis that went back in time has no such head
/// either. It is signed all the same: both heads stay, and contradict each other to whoever verifies.
void HeadOp::note_cut_chains() {
  for (const audit::BlockHead& before : previous_.head.heads) {
    if (before.partition >= request_.partitions) continue;  // there are fewer of them now
    auto now =
        std::find_if(tips_.begin(), tips_.end(), [&](const auto& tip) { return tip.partition == before.partition; });
    const uint64_t number = now == tips_.end() ? 0 : now->number;
    const bool another = number == before.number && now->hash != before.hash;
    if (number >= before.number && !another) continue;
    result_.lost.push_back({before.partition, before.number, number});
    chains_.give_up(now == tips_.end() ? audit::BlockHead{before.partition, 0, {}} : *now);
    known_.erase(before.partition);
    std::erase_if(gone_, [&](const SeenBlock& one) { return one.block.partition == before.partition; });
  }
}

uint64_t HeadOp::trimmed_to(uint32_t partition) const {
  uint64_t number = 0;
  for (const audit::BlockHead& mark : previous_.head.trimmed)
    if (mark.partition == partition) number = mark.number;
  auto mark = request_.marks.find(partition);
  return mark == request_.marks.end() ? number : std::max(number, mark->second.number);
}

void HeadOp::note_lost_blocks(WallMicros now) {
  std::map<uint32_t, audit::BlockHead> tips;
  for (const audit::BlockHead& tip : tips_) tips[tip.partition] = tip;
  for (const auto& [partition, known] : known_) {
    if (partition >= request_.partitions) continue;
    const audit::BlockHead tip = tips.contains(partition) ? tips[partition] : audit::BlockHead{partition, 0, {}};
    if (auto lost = audit::ChainMemory::missing(known_, tip, now)) chains_.report(*lost, tip);
  }
  for (const auto& [block, entry, reports] : gone_) {
    const audit::BlockHead& tip = tips[block.partition];
    const bool told = chains_.reported_since(block, reports) || tip.number < block.number;
    if (told || block.number <= trimmed_to(block.partition)) continue;
    chains_.report({block.partition, block.number, block.number, block.hash, {}, now}, tip);
  }
  for (const audit::BlockHead& tip : tips_) chains_.saw(tip);
  for (SeenBlock& one : read_) one.reports = chains_.times_reported(one.block.partition);
}

bool HeadOp::changed(const audit::Head& next) const {
  if (!next.lost.empty()) return true;
  if (!has_previous_) return !next.heads.empty();
  return next.heads != previous_.head.heads || next.trimmed != previous_.head.trimmed;
}

bool HeadOp::fresh_enough(WallMicros now) const {
  if (!has_previous_ || previous_.head.gateway == signer_.gateway) return false;
  WallMicros age = now - previous_.head.time;
  return age >= 0 && std::chrono::microseconds(age) < request_.fresh;
}

void HeadOp::add(audit::Head next) {
  for (const auto& tip : next.heads) result_.blocks += tip.number;
  line_ = audit::sign_head(std::move(next), signer_.key, result_.hash);
  state_.to(State::kAdding);
  redis::Command command("EVAL", kAdd, 1, keys_.audit_heads(), last_entry_, line_);
  auto status = redis_.send(command, redis::reply_to<&HeadOp::on_added>(this));
  if (!status.ok()) finish(status.error());
}

void HeadOp::on_added(uint64_t, const redis::Answer& answer) {
  if (!state_.is(State::kAdding)) return;
  auto reply = redis::checked(answer);
  if (!reply.ok()) return finish(reply.error());
  result_.raced = (*reply)->is_nil();
  if (result_.raced) return finish(result_);
  result_.written = true;
  result_.entry = (*reply)->text;
  own_last_ = result_.hash;
  chains_.signed_in_head(naming_);
  store();
}

void HeadOp::store() {
  if (request_.heads_file.empty()) return finish(result_);
  state_.to(State::kStoring);
  work_.start([path = request_.heads_file, line = line_ + "\n"] { return append_synced(path, line, false); },
              [this](const Status& status) {
                if (status.ok()) return finish(result_);
                finish(status.error().in("audit.heads_file"));
              });
}

void HeadOp::finish(const Result<HeadResult>& result) {
  state_.to(State::kIdle);
  done_(result);
}

}  // namespace mas::gateway
