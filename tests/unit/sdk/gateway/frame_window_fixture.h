// A window and what became of its messages, for tests.
#pragma once

#include "sdk/src/gateway/frame_window.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/catch.h"

namespace mas::sdk::test {

using namespace std::chrono_literals;

/// A window whose messages are told apart by the first byte of their ids, with the verdicts it gave.
struct Fixture : FrameWindowListener {
  FrameWindow window{*this, {100, 300s}};
  MonoTime now{1h};
  unsigned char next_message = 1;
  unsigned char next_frame = 1;
  std::vector<std::pair<int, std::string>> verdicts;

  void on_settled(const SendSlot& slot, const SendOutcome& outcome) override {
    std::string text = outcome.decision ? std::string(decision_text(*outcome.decision))
                                        : std::string(errc_text(outcome.status.error().code));
    verdicts.emplace_back(slot.id.bytes[0], text);
  }
  void add(int count, uint32_t size = 100) {
    for (int i = 0; i < count; ++i) {
      SendSlot slot;
      slot.id.bytes[0] = next_message++;
      slot.record_size = size;
      window.add(slot);
    }
  }
  /// Pushes the next frame, and Redis has it; what waits for more goes out in its time. @return its id; checks what it
  /// holds.
  Id128 push(uint64_t first, uint32_t count) {
    auto range = window.next_frame(now);
    if (!range) {
      now += 250ms;
      CHECK(window.on_time(now) == FrameWindow::Effect::kNone);
      range = window.next_frame(now);
    }
    REQUIRE(range.has_value());
    CHECK(range->first == first);
    CHECK(range->count == count);
    Id128 id;
    id.bytes[0] = next_frame++;
    uint64_t number = window.pushed(*range, id, now);
    window.on_write(number, number, FrameWindow::Write::kDone, now);
    return id;
  }
  std::vector<int> take_in_doubt(uint64_t forgotten = 0) {
    const InDoubt doubt = window.take_in_doubt();
    CHECK(doubt.forgotten == forgotten);
    std::vector<int> ids;
    for (const Id128& id : doubt.ids) ids.push_back(id.bytes[0]);
    return ids;
  }
  bool idle() { return !window.next_frame(now).has_value(); }

  FrameWindow::Effect decided(const Id128& frame, uint64_t first, uint32_t count, std::vector<Outcome> outcomes = {}) {
    return window.on_receipt({ReceiptKind::kDecided, frame, first, count, std::move(outcomes)}, now);
  }
  FrameWindow::Effect resend_from(const Id128& frame, uint64_t first) {
    return window.on_receipt({ReceiptKind::kResendFrom, frame, first, 0, {}}, now);
  }
  FrameWindow::Effect refused(const Id128& frame, Decision decision) {
    return window.on_receipt({ReceiptKind::kFrameRefused, frame, 1, 0, {{0, decision, 0, {}}}}, now);
  }
  std::vector<int> with(std::string_view outcome) const {
    std::vector<int> messages;
    for (const auto& [message, text] : verdicts)
      if (text == outcome) messages.push_back(message);
    return messages;
  }
};

using Effect = FrameWindow::Effect;
using Messages = std::vector<int>;

}  // namespace mas::sdk::test
