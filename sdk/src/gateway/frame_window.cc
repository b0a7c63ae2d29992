// Numbers, receipts, resends.
#include "sdk/src/gateway/frame_window.h"

#include <algorithm>
#include <utility>

#include "proto/base/random.h"
#include "proto/wire/limits.h"

namespace mas::sdk {
namespace {

constexpr Duration kPatience = std::chrono::seconds(3);  // without any receipt, before the gateway is asked
constexpr Duration kLongestPatience = std::chrono::seconds(30);
constexpr size_t kUnanswered = 2;  // frames; then a small one waits for more messages
/// So far behind the last number is a probe's: no message gets there while a copy of the probe lives.
constexpr uint64_t kProbeAhead = uint64_t{1} << 40;
constexpr uint32_t kFewRecords = 64;
constexpr size_t kFewBytes = 32 * 1024;
constexpr Duration kHoldBase = std::chrono::milliseconds(100);
constexpr Duration kHoldCap = std::chrono::seconds(1);

bool somebody_waits_for(OutgoingKind kind) { return kind == OutgoingKind::kRequest || kind == OutgoingKind::kAwaited; }

}  // namespace

SendOutcome outcome_of(const Outcome& outcome) {
  SendOutcome result;
  result.decision = outcome.decision;
  result.retry_after_ms = outcome.retry_after_ms;
  auto errc = decision_errc(outcome.decision);
  if (!errc) {
    result.detail = outcome.detail;
    return result;
  }
  std::string why(decision_text(outcome.decision));
  why.append(": ").append(outcome.detail.empty() ? decision_meaning(outcome.decision) : outcome.detail);
  result.status = Error{*errc, std::move(why)};
  return result;
}

FrameWindow::FrameWindow(FrameWindowListener& listener, DoubtWindow doubt)
    : listener_(listener),
      accepted_(doubt.messages, doubt.time),
      patience_(kPatience),
      hold_backoff_(kHoldBase, kHoldCap) {}

// ---- Going out

std::optional<FrameWindow::Range> FrameWindow::next_frame(MonoTime now) {
  if (now < hold_until_) return std::nullopt;
  if (probe_ == Probe::kWanted && waiting() == 0) return Range{end() + kProbeAhead, 0};
  const uint64_t limit = gap_ ? std::min(*gap_, end()) : end();
  auto goes_out = [this](uint64_t n) { return at(n).state == SendSlot::State::kWaiting && at(n).pushed == 0; };
  next_out_ = std::max(next_out_, base_);
  while (next_out_ < limit && !goes_out(next_out_)) ++next_out_;
  if (next_out_ >= limit) {
    gathering_.stop();
    return std::nullopt;
  }
  Range range{next_out_, 0};
  size_t bytes = 0;
  for (uint64_t n = next_out_; n < limit && range.count < limits::kFrameRecords && goes_out(n); ++n) {
    bytes += at(n).record_size;
    if (range.count > 0 && bytes > limits::kFrameBytes) break;
    ++range.count;
  }
  if (gathers(range, bytes, now)) return std::nullopt;
  return range;
}

/// What somebody waits for does not wait for others, nor does what goes out again.
bool FrameWindow::gathers(Range range, size_t bytes, MonoTime now) {
  const bool few = range.count < kFewRecords && bytes < kFewBytes;
  if (!few || range.first < never_out_ || frames_.size() < kUnanswered) return false;
  for (uint64_t n = range.first; n < range.first + range.count; ++n)
    if (somebody_waits_for(at(n).kind)) return false;
  return gathering_.waits(now);
}

uint64_t FrameWindow::pushed(Range range, const Id128& frame, MonoTime now) {
  if (in_flight_ == 0) progress_ = now;
  const uint64_t number = frames_.add(frame, range.first, range.count);
  if (range.count == 0) {
    probe_ = Probe::kOut;
    progress_ = now;
    return number;
  }
  for (uint64_t n = range.first; n < range.first + range.count; ++n) at(n).pushed = number;
  in_flight_ += range.count;
  next_out_ = range.first + range.count;
  if (next_out_ > never_out_) gathering_.stop();  // others that go out again do not make the new ones wait longer
  never_out_ = std::max(never_out_, next_out_);
  return number;
}

void FrameWindow::on_write(uint64_t first, uint64_t last, Write outcome, MonoTime now) {
  for (auto it = frames_.from(first); it != frames_.end() && it->first <= last;) {
    if (outcome == Write::kDone) it->second.written = true;
    if (outcome != Write::kNotDone) {
      ++it;
      continue;
    }
    const Frame& frame = it->second;
    if (frame.count == 0) probe_ = Probe::kWanted;
    each_waiting(frame.first, frame.past(), [&](SendSlot& slot, uint64_t n) {
      if (slot.pushed == it->first) again(slot, n, true);
    });
    it = frames_.erase(it);
  }
  if (outcome == Write::kNotDone) hold(now, Duration::zero());
  close_gap();
}

void FrameWindow::on_write_refused(uint64_t first, uint64_t last, const SendOutcome& outcome) {
  for (auto it = frames_.from(first); it != frames_.end() && it->first <= last;) {
    auto next = std::next(it);
    refuse(it, outcome);
    it = next;
  }
  close_gap();
  pop_settled();
}

// ---- Receipts

FrameWindow::Effect FrameWindow::on_receipt(const ReceiptMessage& receipt, MonoTime now) {
  auto frame = frames_.find(receipt.frame);
  if (frame == frames_.end()) return Effect::kUnknownFrame;
  progress_ = now;
  bool asks = receipt.kind == ReceiptKind::kResendFrom;
  probe_ = Probe::kNone;  // whatever is answered, tells as much
  supersede(frame->first, asks ? receipt.sequence : UINT64_MAX);
  Effect effect = Effect::kNone;
  if (receipt.kind == ReceiptKind::kDecided)
    decided(frame, receipt);
  else if (asks)
    effect = resend_from(frame, receipt.sequence);
  else
    effect =
        refused(frame, receipt.outcomes.empty() ? Outcome{0, Decision::kUnavailable, 0, {}} : receipt.outcomes[0], now);
  close_gap();
  pop_settled();
  return effect;
}

/// Frames before this one have been handled: what has no outcome by now goes out again.
void FrameWindow::supersede(uint64_t number, uint64_t undecided_from) {
  while (!frames_.empty() && frames_.begin()->first < number) {
    auto it = frames_.begin();
    const Frame& frame = it->second;
    each_waiting(frame.first, frame.past(), [&](SendSlot& slot, uint64_t n) {
      if (slot.pushed == it->first)
        again(slot, n, frame.written && n >= undecided_from);
      else if (!(frame.written && n >= undecided_from))
        slot.uncertain = true;
    });
    frames_.erase(it);
  }
}

void FrameWindow::decided(FrameAt it, const ReceiptMessage& receipt) {
  static const SendOutcome& kAllowed = *new SendOutcome(outcome_of(Outcome{}));
  decided_at_ = progress_;
  patience_ = kPatience;
  hold_backoff_.reset();
  obstacle_.clear();
  Frame& frame = it->second;
  const uint64_t first = std::max(receipt.sequence, frame.first);
  const uint64_t past = std::min<uint64_t>(receipt.sequence + receipt.count, frame.past());
  auto outcome = receipt.outcomes.begin();
  each_waiting(first, past, [&](SendSlot& slot, uint64_t n) {
    while (outcome != receipt.outcomes.end() && receipt.sequence + outcome->offset < n) ++outcome;
    bool special = outcome != receipt.outcomes.end() && receipt.sequence + outcome->offset == n;
    if (!special || decision_accepted(outcome->decision)) accepted(slot, n);
    settle(slot, special ? outcome_of(*outcome) : kAllowed);
  });
  if (past >= frame.past()) return void(frames_.erase(it));
  if (past <= frame.first) return;
  frame.count -= static_cast<uint32_t>(past - frame.first);  // the rest comes with another receipt
  frame.first = past;
}

FrameWindow::Effect FrameWindow::resend_from(FrameAt it, uint64_t sequence) {
  const uint64_t number = it->first;
  const Frame frame = it->second;
  frames_.erase(it);
  if (sequence == end()) return Effect::kNone;  // a probe: all that has an outcome is known
  bool held = sequence >= base_ && sequence < end() && at(sequence).state != SendSlot::State::kSettled;
  if (!held) {
    lost_from_ = sequence;
    return Effect::kLost;
  }
  // On its way again already, perhaps alone (on_time): what this frame held goes out behind it. Other frames answer for
  // themselves.
  const bool asked = at(sequence).pushed > number;
  each_waiting(asked ? frame.first : base_, asked ? frame.past() : end(), [&](SendSlot& slot, uint64_t n) {
    if (asked ? slot.pushed == number : slot.pushed != 0) again(slot, n, n >= sequence);
  });
  return Effect::kNone;
}

FrameWindow::Effect FrameWindow::refused(FrameAt it, const Outcome& outcome, MonoTime now) {
  const bool wrong_time = outcome.decision == Decision::kReplayed;
  if (outcome.decision != Decision::kUnavailable && !wrong_time) {
    refuse(it, outcome_of(outcome));
    return Effect::kNone;
  }
  obstacle_ = outcome_of(outcome).status.error().message;
  const Frame& frame = it->second;
  if (frame.count == 0) probe_ = Probe::kWanted;
  each_waiting(frame.first, frame.past(), [&](SendSlot& slot, uint64_t n) {
    if (slot.pushed == it->first) again(slot, n, true);
  });
  frames_.erase(it);
  hold(now, std::chrono::milliseconds(outcome.retry_after_ms));
  return wrong_time ? Effect::kWrongTime : Effect::kNone;
}

/// Nothing of the frame was decided and no number used. A message whose earlier copy is unaccounted for waits on: it is
/// asked about again in time (on_time).
void FrameWindow::refuse(FrameAt it, const SendOutcome& outcome) {
  const Frame& frame = it->second;
  if (frame.count == 0) probe_ = Probe::kNone;
  each_waiting(frame.first, frame.past(), [&](SendSlot& slot, uint64_t n) {
    if (slot.pushed != it->first || slot.uncertain) return;
    settle(slot, outcome, SendSlot::State::kRefused);
    gap_ = std::min(gap_.value_or(n), n);
  });
  frames_.erase(it);
}

/// Calls fn(slot, number) for those of [first, past) that have no outcome.
template <typename Fn>
void FrameWindow::each_waiting(uint64_t first, uint64_t past, Fn&& fn) {
  past = std::min(past, end());
  for (uint64_t n = std::max(first, base_); n < past; ++n)
    if (at(n).state == SendSlot::State::kWaiting) fn(at(n), n);
}

void FrameWindow::settle(SendSlot& slot, const SendOutcome& outcome, SendSlot::State state) {
  if (slot.pushed != 0) --in_flight_;
  slot.state = state;
  ++settled_inside_;
  listener_.on_settled(slot, outcome);
}

void FrameWindow::accepted(const SendSlot& slot, uint64_t sequence) {
  if (!slot.report) accepted_.add(sequence, slot.id, progress_);
}

InDoubt FrameWindow::take_in_doubt() {
  if (!lost_from_) return {};
  return accepted_.take_from(*std::exchange(lost_from_, std::nullopt));
}

/// @param undecided whether the latest copy is known to have changed nothing.
void FrameWindow::again(SendSlot& slot, uint64_t sequence, bool undecided) {
  if (slot.pushed != 0) --in_flight_;
  slot.pushed = 0;
  slot.uncertain = slot.uncertain || !undecided;
  next_out_ = std::min(next_out_, sequence);
}

void FrameWindow::pop_settled() {
  while (!slots_.empty() && slots_.front().state == SendSlot::State::kSettled) {
    slots_.pop();
    --settled_inside_;
    ++base_;
  }
}

// ---- Numbers that were not used

/// The number at the gap was never used, so none behind it can have been.
void FrameWindow::close_gap() {
  if (!gap_ || frames_.reach(*gap_)) return;
  each_waiting(*gap_, end(), [&](SendSlot& slot, uint64_t n) {
    again(slot, n, true);
    slot.uncertain = false;
  });
  slots_.remove_if([this](const SendSlot& slot) {
    bool gone = slot.state == SendSlot::State::kRefused;
    settled_inside_ -= gone ? 1 : 0;
    return gone;
  });
  next_out_ = std::min(next_out_, *gap_);
  never_out_ = std::min(never_out_, end());
  gap_.reset();
}

// ---- Time

void FrameWindow::hold(MonoTime now, Duration at_least) {
  if (now < hold_until_) return;
  hold_until_ = now + std::max(at_least, hold_backoff_.next(random_u64()));
}

void FrameWindow::on_link(MonoTime now) {
  patience_ = kPatience;
  hold_until_ = MonoTime{};
  hold_backoff_.reset();
  accepted_.forget_before(now - accepted_.time());
  if (in_flight_ == 0 && !accepted_.empty()) probe_ = Probe::kWanted;
  if (in_flight_ > 0) progress_ = now - patience_;
  static_cast<void>(on_time(now));
}

std::optional<MonoTime> FrameWindow::next_time() const {
  std::optional<MonoTime> next;
  if (awaits_answer()) next = progress_ + patience_;
  if (hold_until_ != MonoTime{} && (waiting() > in_flight_ || probe_ == Probe::kWanted))
    next = std::min(next.value_or(hold_until_), hold_until_);
  if (const auto due = gathering_.next_time()) next = std::min(next.value_or(*due), *due);
  return next;
}

FrameWindow::Effect FrameWindow::on_time(MonoTime now) {
  if (held_long_enough(now)) hold_until_ = MonoTime{};
  gathering_.on_time(now);
  if (!overdue(now)) return Effect::kNone;
  if (gap_ && patience_ > kPatience) return Effect::kStuck;  // cannot be told apart any more: count anew
  progress_ = now;
  patience_ = std::min(patience_ * 2, kLongestPatience);
  if (probe_ == Probe::kOut) probe_ = Probe::kWanted;
  for (uint64_t n = base_; n < end(); ++n) {
    SendSlot& slot = at(n);
    if (slot.state != SendSlot::State::kWaiting || slot.pushed == 0) continue;
    again(slot, n, !frames_.holds(slot.pushed));
    break;
  }
  return Effect::kNone;
}

// ---- The end of an instance

void FrameWindow::restart(MonoTime now) {
  SendOutcome unknown;
  unknown.status = Error{Errc::kTimeout, "outcome unknown: the instance that sent it has ended"};
  if (gap_)
    each_waiting(base_, *gap_, [&](SendSlot& slot, uint64_t) {
      if (slot.pushed != 0 || slot.uncertain) settle(slot, unknown);
    });
  slots_.remove_if([](const SendSlot& slot) { return slot.state != SendSlot::State::kWaiting; });
  settled_inside_ = 0;
  each_waiting(base_, end(), [](SendSlot& slot, uint64_t) {
    slot.pushed = 0;
    slot.uncertain = false;
  });
  base_ = next_out_ = never_out_ = 1;
  in_flight_ = 0;
  gap_.reset();
  lost_from_.reset();
  probe_ = Probe::kNone;
  accepted_.renumber();
  frames_.clear();
  gathering_.stop();
  patience_ = kPatience;
  progress_ = now;
}

void FrameWindow::abandon() {
  SendOutcome unknown, unsent;
  const std::string why = obstacle_.empty() ? "" : "; the gateway's last answer was " + obstacle_;
  unknown.status = Error{Errc::kTimeout, "outcome unknown: the agent was stopped before the receipt came" + why};
  unsent.status = Error{Errc::kCancelled, "the agent was stopped before the message could be handed over" + why};
  each_waiting(base_, end(), [&](SendSlot& slot, uint64_t) {
    bool out = slot.pushed != 0 || slot.uncertain;
    settle(slot, out ? unknown : unsent);
  });
  slots_ = Ring<SendSlot>();
  settled_inside_ = 0;
  frames_.clear();
  gap_.reset();
  lost_from_.reset();
  probe_ = Probe::kNone;
  accepted_.renumber();
  base_ = next_out_ = never_out_ = 1;
  in_flight_ = 0;
  gathering_.stop();
  obstacle_.clear();
  gathering_.allow(true);  // for whoever starts again
}

}  // namespace mas::sdk
