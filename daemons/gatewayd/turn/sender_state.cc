// Sequence numbers and remembered refusals.
#include "daemons/gatewayd/turn/sender_state.h"

#include <algorithm>

#include "proto/base/bytes.h"
#include "proto/wire/limits.h"

namespace mas::gateway {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

Decision SenderState::decision(uint64_t sequence) const {
  auto after = std::upper_bound(refusals_.begin(), refusals_.end(), sequence,
                                [](uint64_t number, const Run& run) { return number < run.first; });
  if (after == refusals_.begin()) return Decision::kAllowed;
  const Run& run = *std::prev(after);
  return sequence < run.first + run.count ? run.decision : Decision::kAllowed;
}

void SenderState::decide(Decision decision) {
  ++last_;
  if (decision_accepted(decision)) return;
  bool extends = !refusals_.empty() && refusals_.back().decision == decision &&
                 refusals_.back().first + refusals_.back().count == last_ && refusals_.back().count < UINT32_MAX;
  if (extends)
    ++refusals_.back().count;
  else
    refusals_.push_back({last_, 1, decision});
  forget_old();
}

/// Keeps the runs that reach into the last kSenderWindow numbers: never more of them than decode() takes.
void SenderState::forget_old() {
  auto end = [](const Run& run) { return run.first + (run.count - 1); };
  while (!refusals_.empty() && last_ - end(refusals_.front()) >= limits::kSenderWindow) refusals_.pop_front();
}

void SenderState::append_to(std::string& out) const {
  ByteWriter writer(out);
  writer.integer(kVersion)
      .integer(last_)
      .integer(static_cast<uint64_t>(active_))
      .integer(static_cast<uint32_t>(refusals_.size()));
  for (const Run& run : refusals_)
    writer.integer(run.first).integer(run.count).integer(static_cast<uint8_t>(run.decision));
}

Result<SenderState> SenderState::decode(std::string_view bytes) {
  const Error bad{Errc::kMalformed, "sender state: not in the form this version writes"};
  ByteReader in(bytes);
  SenderState state;
  auto version = in.integer<uint8_t>();
  state.last_ = in.integer<uint64_t>();
  state.active_ = static_cast<WallMicros>(in.integer<uint64_t>());
  auto runs = in.integer<uint32_t>();
  if (!in.ok() || version != kVersion || runs > limits::kSenderWindow || state.last_ == UINT64_MAX) return bad;
  uint64_t behind = 0;  // the end of the run before
  for (uint32_t i = 0; i < runs; ++i) {
    Run run{};
    run.first = in.integer<uint64_t>();
    run.count = in.integer<uint32_t>();
    auto decision = in.integer<uint8_t>();
    run.decision = static_cast<Decision>(decision);
    bool refusal = is_decision(decision) && !decision_accepted(run.decision);
    bool sound = in.ok() && refusal && run.count > 0 && run.first > 0 && run.first >= behind &&
                 run.first <= state.last_ && run.count - 1 <= state.last_ - run.first;
    if (!sound) return bad;
    behind = run.first + run.count;
    state.refusals_.push_back(run);
  }
  if (!in.at_end()) return bad;
  return state;
}

}  // namespace mas::gateway
