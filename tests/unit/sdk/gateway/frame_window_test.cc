// The sender's window by itself: numbers, receipts in every order, time.
#include "tests/unit/sdk/gateway/frame_window_fixture.h"

using namespace mas;
using namespace mas::sdk;
using namespace mas::sdk::test;
using namespace std::chrono_literals;

TEST_CASE_METHOD(Fixture, "a frame holds what is queued, within its limits") {
  add(1500);
  push(1, 1024);
  push(1025, 476);
  CHECK(idle());
  add(3, 600'000);
  push(1501, 1);
  add(1, 5'000'000);  // alone it may be larger
  push(1502, 1);
}

TEST_CASE_METHOD(Fixture, "while two frames are without an answer, few messages wait for more") {
  add(1);
  auto first = push(1, 1);
  add(1);
  auto second = push(2, 1);  // the first frames go out at once
  add(3);
  CHECK(idle());
  add(2);
  CHECK(idle());
  decided(first, 1, 1);
  auto third = push(3, 5);  // all together
  add(63);
  CHECK(idle());
  add(1);
  push(8, 64);  // enough to go out whatever is due
  add(1, 32 * 1024);
  push(72, 1);
  add(1);
  CHECK(idle());
  decided(second, 2, 1);
  decided(third, 3, 5);
  CHECK(idle());  // two are due still
}

TEST_CASE_METHOD(Fixture, "a message waits a quarter of a second for others at most") {
  add(1);
  push(1, 1);
  add(1);
  push(2, 1);
  add(1);
  CHECK(idle());
  REQUIRE(window.next_time().has_value());
  CHECK(*window.next_time() == now + 250ms);
  now += 249ms;
  add(1);
  CHECK(idle());  // others do not make it wait longer
  now += 1ms;
  CHECK(window.on_time(now) == Effect::kNone);
  CHECK(*window.next_time() > now);  // the time is over, not over and over
  push(3, 2);
  add(1);
  CHECK(idle());
  CHECK(*window.next_time() == now + 250ms);
  window.restart(now);
  CHECK_FALSE(idle());
  CHECK_FALSE(window.next_time().has_value());
}

TEST_CASE_METHOD(Fixture, "what somebody waits for does not wait for more, and nothing at the end") {
  add(1);
  push(1, 1);
  add(1);
  push(2, 1);
  for (OutgoingKind kind : {OutgoingKind::kRequest, OutgoingKind::kAwaited}) {
    add(1);
    CHECK(idle());
    SendSlot slot;
    slot.kind = kind;
    window.add(slot);
    CHECK_FALSE(idle());
    auto range = window.next_frame(now);
    push(range->first, 2);
  }
  add(1);
  CHECK(idle());
  window.gather_no_more();
  push(7, 1);
  window.abandon();
  CHECK_FALSE(window.next_time().has_value());
  add(1);
  push(1, 1);
  add(1);
  push(2, 1);
  add(1);
  CHECK(idle());  // an agent that is started again gathers as before
}

TEST_CASE_METHOD(Fixture, "what the gateway would not decide is looked after when it goes out again") {
  add(1);
  auto frame = push(1, 1);
  CHECK_FALSE(window.held_long_enough(now));
  refused(frame, Decision::kUnavailable);
  CHECK_FALSE(window.held_long_enough(now));
  REQUIRE(window.next_time().has_value());
  now = *window.next_time();
  CHECK(window.held_long_enough(now));
  CHECK_FALSE(window.overdue(now));
  CHECK(window.on_time(now) == Effect::kNone);
  CHECK_FALSE(window.held_long_enough(now));
  push(1, 1);
}

TEST_CASE_METHOD(Fixture, "what goes out again does not wait for more, nor makes others wait longer") {
  add(1);
  push(1, 1);
  add(1);
  push(2, 1);
  now += 2900ms;
  add(1);
  CHECK(idle());
  now += 100ms;
  CHECK(window.on_time(now) == Effect::kNone);  // asks by the oldest message
  auto range = window.next_frame(now);
  REQUIRE(range.has_value());
  CHECK(range->first == 1);
  Id128 id;
  id.bytes[0] = next_frame++;
  window.pushed(*range, id, now);
  CHECK(idle());
  CHECK(*window.next_time() == now + 150ms);
}

TEST_CASE_METHOD(Fixture, "a time-out asks at once") {
  add(1);
  push(1, 1);
  add(1);
  push(2, 1);
  now += 3s;
  CHECK(window.on_time(now) == Effect::kNone);  // asks by the oldest message
  auto range = window.next_frame(now);
  REQUIRE(range.has_value());
  CHECK(range->first == 1);
}

TEST_CASE_METHOD(Fixture, "decided messages leave with their verdicts") {
  add(4);
  auto frame = push(1, 4);
  CHECK(decided(frame, 1, 4, {{1, Decision::kAuthzDenied, 0, "no"}, {3, Decision::kQueuedOffline, 0, {}}}) ==
        Effect::kNone);
  CHECK(with("ALLOWED") == Messages{1, 3});
  CHECK(with("AUTHZ_DENIED") == Messages{2});
  CHECK(with("QUEUED_OFFLINE") == Messages{4});
  CHECK(window.waiting() == 0);
  CHECK_FALSE(window.next_time().has_value());
  CHECK(decided(frame, 1, 4) == Effect::kUnknownFrame);
  CHECK(verdicts.size() == 4);
  add(1);
  push(5, 1);
}

TEST_CASE_METHOD(Fixture, "receipts may come in parts, and for frames of others") {
  add(4);
  auto frame = push(1, 4);
  Id128 foreign;
  CHECK(decided(foreign, 1, 4) == Effect::kUnknownFrame);
  CHECK(decided(frame, 1, 2) == Effect::kNone);
  CHECK(window.waiting() == 2);
  CHECK(decided(frame, 1, 1024) == Effect::kNone);  // more than the frame had
  CHECK(window.waiting() == 0);
  CHECK(verdicts.size() == 4);
}

TEST_CASE_METHOD(Fixture, "a gap is closed by one resend, however many frames stumble over it") {
  add(2);
  push(1, 2);  // lost
  add(2);
  auto second = push(3, 2);
  add(2);
  auto third = push(5, 2);
  CHECK(resend_from(second, 1) == Effect::kNone);
  auto again = push(1, 6);  // merged
  CHECK(resend_from(third, 1) == Effect::kNone);
  CHECK(idle());
  decided(again, 1, 6);
  CHECK(with("ALLOWED") == Messages{1, 2, 3, 4, 5, 6});
}

TEST_CASE_METHOD(Fixture, "a question that goes out alone brings nothing behind it along") {
  add(3);
  push(1, 3);  // lost
  add(3);
  auto second = push(4, 3);
  add(2);
  auto third = push(7, 2);
  window.on_link(now);
  auto question = push(1, 1);
  CHECK(resend_from(second, 1) == Effect::kNone);
  auto behind = push(2, 5);  // what was lost and what stumbled over it
  CHECK(resend_from(third, 1) == Effect::kNone);
  auto last = push(7, 2);
  CHECK(idle());
  CHECK(decided(question, 1, 1) == Effect::kNone);
  CHECK(decided(behind, 2, 5) == Effect::kNone);
  CHECK(decided(last, 7, 2) == Effect::kNone);
  CHECK(with("ALLOWED") == Messages{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK_FALSE(window.next_time().has_value());
}

TEST_CASE_METHOD(Fixture, "a receipt for a later frame says that earlier ones were handled") {
  add(2);
  push(1, 2);  // its receipt is lost
  add(2);
  auto second = push(3, 2);
  decided(second, 3, 2);
  CHECK(with("ALLOWED") == Messages{3, 4});
  auto again = push(1, 2);
  CHECK(idle());
  decided(again, 1, 2, {{0, Decision::kRateLimited, 5, {}}});
  CHECK(with("RATE_LIMITED") == Messages{1});
  CHECK(window.waiting() == 0);
}

TEST_CASE_METHOD(Fixture, "a time-out asks with one message, less and less often") {
  add(100);
  push(1, 100);
  CHECK(window.next_time() == now + 3s);
  now += 3s;
  CHECK(window.on_time(now) == Effect::kNone);
  push(1, 1);
  CHECK(idle());
  now += 3s;
  window.on_time(now);
  CHECK(idle());
  now += 3s;
  window.on_time(now);
  auto probe = push(1, 1);
  decided(probe, 1, 1);
  push(2, 99);  // the first frame was handled before: its receipts are lost
  CHECK(window.next_time() == now + 3s);
}

TEST_CASE_METHOD(Fixture, "a link that is back asks at once") {
  add(5);
  push(1, 5);
  window.on_link(now);
  push(1, 1);
  add(1);
  push(6, 1);
}

TEST_CASE_METHOD(Fixture, "what Redis did not take goes out again, later") {
  add(3);
  auto range = window.next_frame(now);
  uint64_t number = window.pushed(*range, Id128{}, now);
  window.on_write(number, number, FrameWindow::Write::kNotDone, now);
  CHECK(idle());
  REQUIRE(window.next_time().has_value());
  now = *window.next_time();
  window.on_time(now);
  decided(push(1, 3), 1, 3);
  CHECK(with("ALLOWED").size() == 3);
}

TEST_CASE_METHOD(Fixture, "a refused frame's numbers go to those behind it") {
  add(2);
  auto first = push(1, 2);
  add(2);
  auto second = push(3, 2);
  add(1);
  CHECK(refused(first, Decision::kSuspended) == Effect::kNone);
  CHECK(with("SUSPENDED") == Messages{1, 2});
  CHECK(idle());  // the second frame is under way with numbers that would be others' now
  CHECK(resend_from(second, 1) == Effect::kNone);
  decided(push(1, 3), 1, 3);
  CHECK(with("ALLOWED") == Messages{3, 4, 5});
}

TEST_CASE_METHOD(Fixture, "frames that are all refused leave the numbers unused") {
  add(2);
  auto first = push(1, 2);
  add(2);
  auto second = push(3, 2);
  refused(first, Decision::kRevoked);
  refused(second, Decision::kRevoked);
  CHECK(with("REVOKED") == Messages{1, 2, 3, 4});
  add(1);
  push(1, 1);
}

TEST_CASE_METHOD(Fixture, "a refused resend does not speak for the copy before") {
  add(1);
  push(1, 1);
  now += 3s;
  window.on_time(now);
  refused(push(1, 1), Decision::kRevoked);
  CHECK(verdicts.empty());
  CHECK(window.waiting() == 1);
  now += 30s;
  window.on_time(now);
  decided(push(1, 1), 1, 1);
  CHECK(with("ALLOWED") == Messages{1});
}

TEST_CASE_METHOD(Fixture, "an unavailable gateway is asked again after a while") {
  add(2);
  refused(push(1, 2), Decision::kUnavailable);
  CHECK(verdicts.empty());
  CHECK(idle());
  REQUIRE(window.next_time().has_value());
  CHECK(*window.next_time() <= now + 1s);
  now = *window.next_time();
  window.on_time(now);
  decided(push(1, 2), 1, 2);
  CHECK(with("ALLOWED").size() == 2);
}

TEST_CASE_METHOD(Fixture, "what is put off goes out again within two seconds, one frame first") {
  add(2000);
  CHECK_FALSE(window.careful());
  for (int attempt = 0; attempt < 20; ++attempt) {
    refused(push(1, 1024), Decision::kUnavailable);
    CHECK(window.careful());
    REQUIRE(window.next_time().has_value());
    CHECK(*window.next_time() <= now + 2s);
    now = *window.next_time();
    window.on_time(now);
  }
  decided(push(1, 1024), 1, 1024);
  CHECK_FALSE(window.careful());
  push(1025, 976);
}

TEST_CASE_METHOD(Fixture, "what is put off does not wait for its time when Redis is well again") {
  add(1);
  for (int attempt = 0; attempt < 20; ++attempt) {
    refused(push(1, 1), Decision::kUnavailable);
    window.on_link(now);
  }
  decided(push(1, 1), 1, 1);
  CHECK(with("ALLOWED") == Messages{1});
}

TEST_CASE_METHOD(Fixture, "why the gateway puts off deciding is known until it decides") {
  add(1);
  CHECK(window.obstacle().empty());
  refused(push(1, 1), Decision::kReplayed);
  CHECK(window.obstacle().starts_with("REPLAYED: "));
  window.on_link(now);
  decided(push(1, 1), 1, 1);
  CHECK(window.obstacle().empty());
}

TEST_CASE_METHOD(Fixture, "a number that was settled is a loss: the next instance counts from 1") {
  add(3);
  decided(push(1, 3), 1, 3);
  add(2);
  CHECK(resend_from(push(4, 2), 2) == Effect::kLost);
  window.restart(now);
  CHECK(window.waiting() == 2);
  decided(push(1, 2), 1, 2);
  CHECK(with("ALLOWED") == Messages{1, 2, 3, 4, 5});
}

TEST_CASE_METHOD(Fixture, "numbers that cannot be told apart any more end the instance") {
  add(1);
  auto first = push(1, 1);
  add(1);
  push(2, 1);  // never answered
  refused(first, Decision::kSuspended);
  now += 3s;
  CHECK(window.on_time(now) == Effect::kNone);
  now += 10s;
  CHECK(window.on_time(now) == Effect::kStuck);
  window.restart(now);
  decided(push(1, 1), 1, 1);
  CHECK(with("ALLOWED") == Messages{2});
}

TEST_CASE_METHOD(Fixture, "the end tells unknown from never handed over") {
  add(2);
  push(1, 2);
  add(1);
  window.abandon();
  CHECK(with("timeout") == Messages{1, 2});
  CHECK(with("cancelled") == Messages{3});
  CHECK(window.waiting() == 0);
}

// ---- What is in doubt once Redis has lost data
