// The runs of a connection: who gets which reply, and what becomes of each run when the link is lost. Without a socket.
#include "proto/redis/run_queue.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;

namespace {

const Error kLost{Errc::kConnectionLost, "lost"}, kLate{Errc::kTimeout, "late"}, kUnsent{Errc::kUnreachable, "unsent"};

/// Remembers errors as "tag:code"; then does what the test says.
struct Asker {
  std::vector<std::string> told;
  std::function<void()> then = [] {};

  void on_reply(uint64_t tag, const Answer& answer) {
    told.push_back(std::to_string(tag) + ":" + std::string(answer.ok() ? "ok" : errc_text(answer.error().code)));
    then();
  }
  ReplyTo to(uint64_t tag = 0, size_t text_bytes = 0) { return reply_to<&Asker::on_reply>(this, tag, text_bytes); }
};

struct Stage {
  RunQueue runs{100, 10, false};
  Asker asker;

  /// @param bytes what is written of it; its commands are `count`.
  void add(std::string_view bytes, ReplyTo to, size_t count = 1, int deadline = 1000) {
    runs.add(Run{to, count, bytes.size(), MonoTime(std::chrono::milliseconds(deadline))}, bytes);
  }
  void add_transaction(std::string_view body, ReplyTo to) {
    Run run{to, 3, RunQueue::kMulti.size() + body.size() + RunQueue::kExec.size(), MonoTime(Duration(1000))};
    run.transaction = true;
    runs.add_transaction(run, body);
  }
  /// Takes all of it as a socket does.
  std::string write() {
    std::string all;
    while (!runs.all_sent()) {
      std::string& next = runs.next_write();
      all += next;
      next.clear();
    }
    return all;
  }
  /// @return the tag with "." behind the last one of its run; "-" where nobody gets the reply.
  std::string take(bool is_error = false) {
    bool last = false;
    const ReplyTo to = runs.take(is_error, last);
    return (to.fn == nullptr ? "-" : std::to_string(to.tag)) + (last ? "." : "");
  }
};

}  // namespace

TEST_CASE("replies go to the sent runs in their order, each with its tag") {
  Stage stage;
  stage.add("a", stage.asker.to(10, 7), 2);
  stage.add("b", {}, 1);
  CHECK_FALSE(stage.runs.reply_due());
  CHECK(stage.runs.text_bound() == 0);
  CHECK(stage.write() == "ab");
  stage.add("c", stage.asker.to(30));
  CHECK(stage.runs.commands() == 4);
  CHECK(stage.runs.text_bound() == 7);
  CHECK(stage.take() == "10");
  CHECK(stage.take(true) == "11.");
  CHECK(stage.runs.text_bound() == 0);
  CHECK(stage.take() == "-.");
  CHECK_FALSE(stage.runs.reply_due());  // the last run is unsent
  CHECK(stage.write() == "c");
  CHECK(stage.take() == "30.");
  CHECK(stage.runs.empty());
  CHECK(stage.runs.commands() == 0);
}

TEST_CASE("a transaction has one answer: the last reply, or the first error") {
  Stage stage;
  stage.add_transaction("x", stage.asker.to(5));
  stage.add_transaction("y", stage.asker.to(6));
  CHECK(stage.write() == "*1\r\n$5\r\nMULTI\r\nx*1\r\n$4\r\nEXEC\r\n*1\r\n$5\r\nMULTI\r\ny*1\r\n$4\r\nEXEC\r\n");
  CHECK(stage.take() == "-");
  CHECK(stage.take() == "-");
  CHECK(stage.take() == "5.");
  CHECK(stage.take() == "-");
  CHECK(stage.take(true) == "6");
  CHECK(stage.take(true) == "-.");
  CHECK(stage.runs.commands() == 0);
}

TEST_CASE("a full queue says which bound it is") {
  Stage stage;
  CHECK(stage.runs.check_room(100, 10).ok());
  stage.add(std::string(40, 'x'), {}, 9);
  CHECK(stage.runs.check_room(60, 1).ok());
  CHECK(stage.runs.check_room(61, 1).error().message == "the outgoing queue is full (40 of 100 bytes)");
  CHECK(stage.runs.check_room(1, 2).error().message == "the outgoing queue is full (9 of 10 commands)");
  CHECK(stage.runs.check_room(1, 2).error().code == Errc::kWouldBlock);
  stage.write();
  CHECK(stage.runs.check_room(100, 1).ok());
}

TEST_CASE("a lost link: what was sent fails, the oldest run with its own error; what was not waits for the next one") {
  Stage stage;
  stage.add("a", stage.asker.to(10), 2);
  stage.add("b", stage.asker.to(20), 2);
  stage.write();
  CHECK(stage.take() == "10");
  stage.add("c", stage.asker.to(30));
  stage.runs.fail_sent(kLate, kLost);
  CHECK(stage.asker.told == std::vector<std::string>{"11:timeout", "20:connection lost", "21:connection lost"});
  CHECK(stage.runs.commands() == 1);
  CHECK(stage.write() == "c");
  CHECK(stage.take() == "30.");
}

TEST_CASE("an unsent transaction fails with the link it was made for; its neighbours are kept, byte for byte") {
  Stage stage;
  stage.add("a", stage.asker.to(1));
  stage.add_transaction("x", stage.asker.to(2));
  stage.add("b", stage.asker.to(3));
  stage.runs.fail_sent(kLost, kLost);
  CHECK(stage.asker.told.empty());
  stage.runs.fail_unsent_transactions(kUnsent);
  CHECK(stage.asker.told == std::vector<std::string>{"2:unreachable"});
  CHECK(stage.runs.commands() == 2);
  CHECK(stage.write() == "ab");
  CHECK(stage.take() == "1.");
  CHECK(stage.take() == "3.");

  SECTION("without a transaction nothing fails") {
    stage.add("c", stage.asker.to(4));
    stage.runs.fail_unsent_transactions(kUnsent);
    CHECK(stage.asker.told.size() == 1);
    CHECK(stage.write() == "c");
  }
}

TEST_CASE("beside a rope a transaction cannot be cut out, so everything unsent fails") {
  RunQueue runs(10'000, 10, false);
  Asker asker;
  auto text = std::make_shared<std::string>(5000, 'x');
  Rope rope(Lent{text, {*text}});
  rope.add(std::vector<Argument>{"SET", "k", *text});
  const size_t size = rope.size();
  runs.add(Run{asker.to(1), 1, size, MonoTime()}, std::move(rope));
  Run transaction{asker.to(2), 3, RunQueue::kMulti.size() + 1 + RunQueue::kExec.size(), MonoTime()};
  transaction.transaction = true;
  runs.add_transaction(transaction, "x");
  runs.fail_unsent_transactions(kUnsent);
  CHECK(asker.told == std::vector<std::string>{"1:unreachable", "2:unreachable"});
  CHECK(runs.all_sent());
  CHECK(runs.empty());
  CHECK(text.use_count() == 1);
}

TEST_CASE("runs whose deadline has passed leave the queue with their bytes") {
  Stage stage;
  stage.add("aa", stage.asker.to(1), 2, 10);
  stage.add("b", stage.asker.to(3), 1, 20);
  stage.add("c", stage.asker.to(4), 1, 5);  // behind one that waits: it waits, too
  CHECK(stage.runs.expire_unsent(MonoTime(std::chrono::milliseconds(9)), kUnsent) == 0);
  CHECK(stage.runs.expire_unsent(MonoTime(std::chrono::milliseconds(10)), kUnsent) == 1);
  CHECK(stage.asker.told == std::vector<std::string>{"1:unreachable", "2:unreachable"});
  CHECK(stage.runs.commands() == 2);
  CHECK(stage.write() == "bc");
}

TEST_CASE("all runs fail, sent or not, and nothing is left to be written") {
  Stage stage;
  stage.add("a", stage.asker.to(1));
  stage.write();
  stage.add("b", stage.asker.to(2));
  stage.runs.fail_all(kLost);
  CHECK(stage.asker.told == std::vector<std::string>{"1:connection lost", "2:connection lost"});
  CHECK(stage.runs.all_sent());
  CHECK(stage.runs.empty());
}

TEST_CASE("a receiver may forget, add and fail runs while it is told of a loss") {
  Stage stage;
  Asker victim;
  stage.add("a", stage.asker.to(1));
  stage.add("b", victim.to(2), 2);
  stage.write();
  SECTION("who is forgotten hears no more, and what is added waits") {
    stage.asker.then = [&] {
      stage.runs.forget(&victim);
      stage.add("c", stage.asker.to(9));
    };
    stage.runs.fail_sent(kLost, kLost);
    CHECK(stage.asker.told == std::vector<std::string>{"1:connection lost"});
    CHECK(victim.told.empty());
    CHECK(stage.runs.commands() == 1);
    CHECK(stage.write() == "c");
  }
  SECTION("each command is answered once when all runs are failed meanwhile") {
    stage.asker.then = [&] { stage.runs.fail_all(kUnsent); };
    stage.add("c", victim.to(9));
    stage.runs.fail_sent(kLost, kLost);
    CHECK(victim.told.size() == 3);
    CHECK(victim.told.back() == "9:unreachable");
    CHECK(stage.runs.commands() == 0);
  }
  SECTION("in the middle of a run") {
    victim.then = [&] { stage.runs.forget(&victim); };
    stage.runs.fail_sent(kLost, kLost);
    CHECK(victim.told == std::vector<std::string>{"2:connection lost"});
    CHECK(stage.runs.commands() == 0);
  }
}

TEST_CASE("where no replies are expected, a run is only written") {
  Stage stage;
  stage.runs.expect_no_replies();
  stage.add("a", {});
  CHECK(stage.runs.empty());
  CHECK_FALSE(stage.runs.reply_due());
  CHECK(stage.runs.commands() == 0);
  stage.runs.fail_sent(kLost, kLost);
  CHECK(stage.write() == "a");
}
