// The slices of a turn.
#include "daemons/gatewayd/turn/decide_op.h"

#include <algorithm>

#include "daemons/gatewayd/turn/test_hook.h"

namespace mas::gateway {

using Hand = TurnPipeline::Hand;

DecideOp::DecideOp(TurnParts& parts, TurnListener& listener)
    : parts_(parts), listener_(listener), slice_(parts.frame.loop(), [this] { work(); }) {}

void DecideOp::begin() {
  parts_.pipeline.begin();
  began_ = mono_now();
  parts_.turn_now = parts_.clock.last();
  parts_.batch.begin(parts_.options.messages, parts_.options.bytes);
  work();
}

void DecideOp::decide() {
  TurnStats::stage_over(parts_.stats.fetch_seconds, began_);
  parts_.pipeline.move_hand(Hand::kDeciding);
  work();
}

void DecideOp::work() {
  if (parts_.pipeline.hand() == Hand::kDecoding) return decode();
  const MonoTime began = mono_now();
  const bool done = parts_.decider.decide_some(parts_.batch, began + kSlice);
  if (const auto& frames = parts_.batch.frames(); !frames.empty()) {
    const size_t frame = std::min(parts_.decider.frame_at_hand(), frames.size() - 1);
    parts_.trials.note_time(parts_.partitions[frames[frame].partition], began);
  }
  if (!done) return slice_.request();
  parts_.decider.finish();
  parts_.facts.end_turn();
  test_hook(parts_.pipeline.committing() ? "after_decide_ahead" : "after_decide");
  TurnStats::stage_over(parts_.stats.decide_seconds, began_);
  parts_.pipeline.move_hand(Hand::kDecided);
  listener_.on_decided();
}

void DecideOp::decode() {
  if (!parts_.batch.decode_some(mono_now() + kSlice)) return slice_.request();
  for (const auto& frame : parts_.batch.frames()) {
    constexpr double kWeight = 1.0 / 16;
    Partition& partition = parts_.partitions[frame.partition];
    double& mean = partition.mean_element_records;
    mean += (static_cast<double>(std::max<size_t>(frame.count, 1)) - mean) * kWeight;
    if (!frame.fault && test_content(frame.element)) parts_.trials.note_time(partition, began_);
  }
  test_hook("after_read");
  listener_.on_decoded();
}

}  // namespace mas::gateway
