// The sender's window: which accepted messages are in doubt.
#include "tests/unit/sdk/gateway/frame_window_fixture.h"

using namespace mas;
using namespace mas::sdk;
using namespace mas::sdk::test;
using namespace std::chrono_literals;

constexpr uint64_t kProbeAhead = uint64_t{1} << 40;

TEST_CASE("the numbers that the gateway does not know any more name the messages in doubt") {
  Fixture at;
  at.add(5);
  at.decided(at.push(1, 5), 1, 5, {{1, Decision::kAuthzDenied, 0, {}}, {3, Decision::kQueuedOffline, 0, {}}});
  at.add(1);
  CHECK(at.resend_from(at.push(6, 1), 3) == FrameWindow::Effect::kLost);
  CHECK(at.take_in_doubt() == std::vector<int>{3, 4, 5});
  CHECK(at.take_in_doubt().empty());
}

TEST_CASE("a gateway that knows nothing of an instance makes all that it sent doubtful, and what came before it") {
  Fixture at;
  at.add(3);
  at.decided(at.push(1, 3), 1, 3);
  at.add(1);
  CHECK(at.resend_from(at.push(4, 1), 3) == FrameWindow::Effect::kLost);
  CHECK(at.take_in_doubt() == std::vector<int>{3});
  at.window.restart(at.now);
  at.decided(at.push(1, 1), 1, 1);
  at.add(1);
  CHECK(at.resend_from(at.push(2, 1), 1) == FrameWindow::Effect::kLost);
  CHECK(at.take_in_doubt() == std::vector<int>{1, 2, 4});
}

TEST_CASE("a gateway that does not know the instance at all may have forgotten it: when it last did is known") {
  Fixture at;
  at.add(2);
  at.decided(at.push(1, 2), 1, 2);
  const MonoTime decided = at.now;
  at.now += 60s;
  at.add(1);
  CHECK(at.resend_from(at.push(3, 1), 2) == FrameWindow::Effect::kLost);
  CHECK_FALSE(at.window.unknown_since());  // it knows number 1
  CHECK(at.take_in_doubt() == std::vector<int>{2});

  at.window.on_link(at.now);
  CHECK(at.resend_from(at.push(3, 1), 1) == FrameWindow::Effect::kLost);
  CHECK(at.window.unknown_since() == decided);
  at.window.restart(at.now);
  CHECK_FALSE(at.window.unknown_since());
}

TEST_CASE("what has left the doubt window is counted") {
  Fixture at;
  for (int i = 0; i < 3; ++i) {
    at.add(50);
    at.decided(at.push(static_cast<uint64_t>(50 * i + 1), 50), static_cast<uint64_t>(50 * i + 1), 50);
  }
  at.now += 250s;
  at.add(1);
  at.decided(at.push(151, 1), 151, 1);
  at.now += 60s;  // all but the last are too old
  at.add(1);
  at.decided(at.push(152, 1), 152, 1);
  at.add(1);
  CHECK(at.resend_from(at.push(153, 1), 141) == FrameWindow::Effect::kLost);
  CHECK(at.take_in_doubt(10) == std::vector<int>{151, 152});
}

TEST_CASE("a sender without messages asks after a lost link what is known of it") {
  Fixture at;
  at.window.on_link(at.now);
  CHECK(at.idle());  // nothing was accepted
  at.add(2);
  at.decided(at.push(1, 2), 1, 2);
  CHECK(at.idle());
  at.window.on_link(at.now);
  const Id128 first = at.push(3 + kProbeAhead, 0);  // it leaves a gap: it is never decided
  CHECK(at.idle());
  CHECK(at.resend_from(first, 3) == FrameWindow::Effect::kNone);
  CHECK(at.idle());
  CHECK_FALSE(at.window.next_time());

  at.window.on_link(at.now);
  const Id128 second = at.push(3 + kProbeAhead, 0);
  at.add(1);
  const Id128 message = at.push(3, 1);
  CHECK(at.resend_from(second, 2) == FrameWindow::Effect::kLost);
  CHECK(at.take_in_doubt() == std::vector<int>{2});
  static_cast<void>(message);
}

TEST_CASE("a question without an answer is asked again, and one that is refused is not") {
  Fixture at;
  at.add(1);
  at.decided(at.push(1, 1), 1, 1);
  at.window.on_link(at.now);
  at.push(2 + kProbeAhead, 0);
  REQUIRE(at.window.next_time());
  at.now = *at.window.next_time();
  CHECK(at.window.on_time(at.now) == FrameWindow::Effect::kNone);
  const Id128 again = at.push(2 + kProbeAhead, 0);
  CHECK(at.window.on_receipt({ReceiptKind::kFrameRefused, again, 3, 0, {{0, Decision::kMalformed, 0, {}}}}, at.now) ==
        FrameWindow::Effect::kNone);
  CHECK(at.idle());
  CHECK(at.verdicts.size() == 1);

  at.window.on_link(at.now);
  const auto range = at.window.next_frame(at.now);
  REQUIRE(range);
  const uint64_t number = at.window.pushed(*range, Id128(), at.now);
  SendOutcome denied;
  denied.status = Error{Errc::kAuthFailed, "no permission"};
  at.window.on_write_refused(number, number, denied);  // by Redis
  CHECK(at.idle());
  CHECK_FALSE(at.window.next_time());
  CHECK(at.verdicts.size() == 1);
}
