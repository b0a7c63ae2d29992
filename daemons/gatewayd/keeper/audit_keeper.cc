// When heads are signed, and what is retired and trimmed.
#include "daemons/gatewayd/keeper/audit_keeper.h"

#include <algorithm>
#include <utility>

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;
using State = AuditKeeper::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kHeading},
                                            {State::kHeading, State::kIdle},
                                            {State::kIdle, State::kRetiring},
                                            {State::kRetiring, State::kMarking},
                                            {State::kRetiring, State::kTrimming},
                                            {State::kRetiring, State::kIdle},
                                            {State::kMarking, State::kTrimming},
                                            {State::kMarking, State::kIdle},
                                            {State::kTrimming, State::kIdle}});

constexpr size_t kRecalledBytes = 1024 * 1024;  // of the file of heads

/// How often old blocks are looked for: often enough that they go soon after their time.
Duration retention_period(Duration retention) { return std::clamp<Duration>(retention / 10, 100ms, 1min); }

}  // namespace

AuditKeeper::AuditKeeper(common::Frame& frame, audit::ChainMemory& chains, const AuditSettings& settings)
    : frame_(frame), chains_(chains), settings_(settings), reports_(frame), state_(State::kIdle, kMoves) {
  if (!settings_.retired_dir.empty()) {
    store_ = std::make_shared<RetiredBlockStore>(settings_.retired_dir, frame.keys().ns());
    retire_ = std::make_unique<RetireOp>(
        frame.loop(), frame.redis(), frame.keys(), store_, [this](const RetireRound& round) { on_retired(round); },
        [this](const Result<uint64_t>& count) { on_trimmed(count); });
  } else if (settings_.retention > Duration(0)) {
    frame.log().warn("audit_never_trimmed", {{"why", "audit.retention is set, but audit.retired_dir is not"}});
  }
  if (settings_.signing_key.empty()) {
    frame.log().warn("audit_unsigned",
                     {{"why", "audit.signing_key is not set: the audit has no anchor outside Redis"}});
    return;
  }
  read_key();
}

/// Tried again at each tick: without it nothing anchors the audit.
void AuditKeeper::read_key() {
  auto key = SigningKey::read(settings_.signing_key);
  auto verify = key.ok() ? VerifyKey::from_text(key->public_text()) : Result<VerifyKey>(key.error());
  if (!verify.ok()) {
    reports_.failed("audit_unsigned", verify.error());
    return;
  }
  recall_heads(*verify);
  heads_ = std::make_unique<HeadOp>(frame_.loop(), frame_.redis(), frame_.keys(), chains_,
                                    HeadSigner{std::move(*key), std::move(*verify), frame_.instance()},
                                    [this](const Result<HeadResult>& result) { on_head(result); });
}

/// What the gateway had signed before it was restarted: Redis may have gone back meanwhile.
void AuditKeeper::recall_heads(const VerifyKey& key) {
  if (settings_.heads_file.empty()) return;
  auto tail = read_tail(settings_.heads_file, kRecalledBytes);
  if (!tail) return reports_.failed("audit_heads_unread", tail.error());
  std::string_view left = *tail;
  audit::ChainMemory::Tips tips;
  while (!left.empty()) {
    const size_t end = std::min(left.find('\n'), left.size());
    auto head = audit::parse_head(left.substr(0, end));  // the first line may be cut off
    if (head.ok() && head->head.ns == frame_.keys().ns() && head->signed_by(key))
      audit::ChainMemory::follow(head->head.heads, head->head.lost, tips);
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  chains_.recall(tips);
}

void AuditKeeper::set_owned(std::vector<unsigned> owned, unsigned partitions) {
  owned_ = std::move(owned);
  partitions_ = partitions;
}

void AuditKeeper::reload(const AuditSettings& settings) { settings_ = settings; }

void AuditKeeper::tick(MonoTime now) {
  if (!signs() && !settings_.signing_key.empty()) read_key();
  for (const audit::LostBlocks& lost : chains_.take_unreported()) reports_.blocks_lost(lost);
  if (!idle() || !frame_.redis_up() || partitions_ == 0) return;
  bool keeps = retire_ != nullptr && settings_.retention > Duration(0) && !owned_.empty();
  bool many = blocks_ >= static_cast<uint64_t>(settings_.head_blocks);
  bool heads = signs() && (now >= head_due_ || many || chains_.any_to_sign());
  bool retires = keeps && now >= retention_due_;
  if (retires && !(heads && retired_last_)) {
    retired_last_ = true;
    retention_due_ = now + retention_period(settings_.retention);
    return start_retiring();
  }
  retired_last_ = false;
  if (!heads) return;
  head_due_ = now + settings_.head_interval;
  start_head(State::kHeading, many ? Duration(0) : settings_.head_interval / 2);
}

void AuditKeeper::start_head(State state, Duration fresh) {
  blocks_ = 0;
  state_.to(state);
  heads_->start({partitions_, marks_, fresh, settings_.heads_file});
}

void AuditKeeper::on_head(const Result<HeadResult>& result) {
  if (!result.ok())
    reports_.failed("audit_head_failed", result.error());
  else if (result->written)
    reports_.head_written(*result);
  bool raced = result.ok() && result->raced;
  if (raced) head_due_ = {};  // at the next tick, on top of the other one
  if (leaving_ && !raced) last_heads_ = 0;
  if (state_.is(State::kMarking) && result.ok() && !raced) return trim();
  rest();
}

void AuditKeeper::start_retiring() {
  state_.to(State::kRetiring);
  auto age = std::chrono::duration_cast<std::chrono::microseconds>(settings_.retention).count();
  retire_->start(owned_, wall_now() - age, settings_.retired_file_size);
}

void AuditKeeper::on_retired(const RetireRound& round) {
  for (const Error& error : round.errors) reports_.failed("audit_retire_failed", error);
  for (const auto& [partition, up_to] : round.retired) {
    marks_[partition] = up_to.block;
    reports_.retired(up_to.blocks);
  }
  if (round.retired.empty()) return rest();
  if (!signs()) return trim();
  start_head(State::kMarking, Duration(0));
}

void AuditKeeper::trim() {
  state_.to(State::kTrimming);
  retire_->trim();
}

void AuditKeeper::on_trimmed(const Result<uint64_t>& count) {
  if (count.ok())
    reports_.trimmed(*count);
  else
    reports_.failed("audit_trim_failed", count.error());
  rest();
}

/// Back to idle; what shutdown() waits for goes on from here.
void AuditKeeper::rest() {
  state_.to(State::kIdle);
  if (shutdown_) continue_shutdown();
}

void AuditKeeper::on_redis_down() {
  if (heads_) heads_->cancel();
  if (retire_) retire_->cancel();
  if (!idle()) rest();
}

void AuditKeeper::shutdown(std::function<void()> done) {
  shutdown_ = std::move(done);
  if (idle()) continue_shutdown();
}

/// A last head, or when it is done, or there can be none, the end.
void AuditKeeper::continue_shutdown() {
  bool can = signs() && frame_.redis_up() && partitions_ > 0;
  if (can && last_heads_ > 0) {
    --last_heads_;
    leaving_ = true;
    return start_head(State::kHeading, Duration(0));
  }
  std::exchange(shutdown_, nullptr)();
}

}  // namespace mas::gateway
