// Walks a batch twice, in slices: for what it needs, and to decide it.
#include "daemons/gatewayd/turn/decider.h"

#include <chrono>
#include <utility>

namespace mas::gateway {

void Decider::set_policy(const Policy& policy) {
  turn_.policy = policy;
  stages_.configure(policy);
  turn_.circuits.configure(policy.breaker_mode, policy.breaker);
}

void Decider::start(const std::vector<Partition*>& partitions, WallMicros now, MonoTime mono) {
  turn_.partitions = partitions;
  turn_.now = now;
  turn_.mono = mono;
  turn_.result.start(partitions, now, turn_.policy.digest);
  turn_.circuits.start(now, turn_.result.turn());
  if (stages_.dlp() != nullptr) stages_.dlp()->clear_counts();
  fresh_.start();
  needing_ = false;
  next_frame_ = 0;
}

// ---- What is lacking

bool Decider::need_some(const Batch& batch, std::vector<TargetStream*>& ret_inboxes, MonoTime until) {
  if (!std::exchange(needing_, true)) {
    turn_.lookups.follow(batch);
    needs_.begin(ret_inboxes);
    need_frame_ = 0;
    for (size_t i = 0; i < batch.due().size(); ++i) retries_.need(batch, i, until);
  }
  while (!turn_.policy.memory_low && need_frame_ < batch.frames().size() && !needs_.enough()) {
    if (!need_frame(batch, need_frame_, until)) return false;
    ++need_frame_;
    if (mono_now() >= until) return false;
  }
  needing_ = false;
  return true;
}

/// First who it is, then what it wants.
bool Decider::need_frame(const Batch& batch, size_t number, MonoTime until) {
  const FrameInTurn& frame = batch.frames()[number];
  if (frame.fault || !turn_.in_its_partition(frame)) return true;
  needs_.sender(frame, turn_.lookups.frames[number]);
  return replays_.takes(batch, number) ? replays_.need(batch, number, until) : fresh_.need(batch, number, until);
}

// ---- Decisions

bool Decider::decide_some(const Batch& batch, MonoTime until) {
  while (next_frame_ < batch.frames().size()) {
    if (!decide_frame(batch, next_frame_, until)) return false;
    ++next_frame_;
    if (mono_now() >= until) return false;
  }
  for (size_t i = 0; i < batch.due().size(); ++i) retries_.decide(batch, i, until);
  if (!turn_.policy.memory_low) recorder_.summaries();
  return true;
}

bool Decider::decide_frame(const Batch& batch, size_t number, MonoTime until) {
  return replays_.takes(batch, number) ? replays_.decide(batch, number, until) : fresh_.decide(batch, number, until);
}

// ---- What becomes of the result

void Decider::finish() {
  turn_.circuits.finish();
  auto silence = std::chrono::duration_cast<std::chrono::microseconds>(2 * turn_.policy.auth.drift).count();
  turn_.result.finish(turn_.now - silence, turn_.archive_key);
}

void Decider::seal(SealedTurn& ret_sealed) {
  turn_.result.seal(ret_sealed);
  ret_sealed.findings.clear();
  ret_sealed.suppressed = 0;
  if (const dlp::ContentStage* dlp = stages_.dlp()) {
    ret_sealed.findings = dlp->counts();
    ret_sealed.suppressed = dlp->suppressed();
  }
  turn_.circuits.sent();
}

void Decider::committed(SealedTurn& sealed) {
  turn_.circuits.committed();
  turn_.result.committed(sealed);
}

void Decider::dropped(SealedTurn& sealed) {
  turn_.circuits.dropped();
  turn_.result.dropped(sealed);
}

void Decider::shrink() {
  if (crowded()) needs_.forget_replies();
}

}  // namespace mas::gateway
