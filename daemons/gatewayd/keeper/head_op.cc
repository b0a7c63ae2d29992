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

/// @return the field `b` of an entry; empty where there is none.
std::string_view blob_of(const redis::Reply& entry) {
  const redis::Reply* blob = redis::entry_field(entry, "b");
  return blob == nullptr ? std::string_view() : blob->text;
}

}  // namespace

HeadOp::HeadOp(uv_loop_t* loop, redis::Connection& redis, const Keys& keys, HeadSigner signer, Done done)
    : redis_(redis),
      keys_(keys),
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
  last_entry_.clear();
  has_previous_ = false;
  previous_ = {};
  redis::Command command;
  redis::add_bounded(command, {.text = audit::kHeadBytes},
                     {"XREVRANGE", keys_.audit_heads(), "+", "-", "COUNT", kLookBack});
  for (unsigned p = 0; p < request_.partitions; ++p)
    redis::add_bounded(command, {.text = audit::kBlockBytes}, {"XREVRANGE", keys_.audit(p), "+", "-", "COUNT", "1"});
  state_.to(State::kReading);
  auto status = redis_.send(command, redis::reply_to<&HeadOp::on_read>(this));
  if (!status.ok()) finish(status.error());
}

void HeadOp::on_read(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kReading)) return;
  bool no_stream = tag > 0 && answer.ok() && (*answer)->is_error() && (*answer)->text.starts_with("WRONGTYPE");
  if (!no_stream) {
    auto reply = redis::checked(answer);
    if (!reply.ok()) return finish(reply.error());
    if (tag == 0)
      take_heads(**reply);
    else
      take_tip(static_cast<uint32_t>(tag - 1), **reply);
  }
  if (tag == request_.partitions) decide();
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
  if (ours && head->number > 0) tips_.push_back(*head);
}

void HeadOp::decide() {
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
  if (has_previous_) note_losses();
  if (!changed(next) || (next.trimmed == previous_.head.trimmed && fresh_enough(next.time))) return finish(result_);
  add(std::move(next));
}

/// What the last signed head named and is not there any more. It is signed all the same: both heads stay, and
/// contradict each other to whoever verifies.
void HeadOp::note_losses() {
  for (const audit::BlockHead& before : previous_.head.heads) {
    if (before.partition >= request_.partitions) continue;  // there are fewer of them now
    auto now =
        std::find_if(tips_.begin(), tips_.end(), [&](const auto& tip) { return tip.partition == before.partition; });
    const uint64_t number = now == tips_.end() ? 0 : now->number;
    const bool another = number == before.number && now->hash != before.hash;
    if (number < before.number || another) result_.lost.push_back({before.partition, before.number, number});
  }
}

bool HeadOp::changed(const audit::Head& next) const {
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
