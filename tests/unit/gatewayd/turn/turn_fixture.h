// What the tests of the turn's operations share: a loop whose handles must all be closed at the end, a Redis that
// answers as a test says, and a listener that keeps what it is told.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemons/gatewayd/turn/turn_listener.h"
#include "daemons/gatewayd/turn/turn_parts.h"
#include "proto/redis/reply.h"
#include "tests/unit/catch.h"

namespace mas::gateway::test {

// ---- Replies as Redis writes them

inline std::string integer(int64_t value) { return ":" + std::to_string(value) + "\r\n"; }
inline std::string text(std::string_view value) {
  return "$" + std::to_string(value.size()) + "\r\n" + std::string(value) + "\r\n";
}
inline std::string error(std::string_view words) { return "-" + std::string(words) + "\r\n"; }
inline std::string nil() { return "$-1\r\n"; }
inline std::string list(const std::vector<std::string>& items) {
  std::string reply = "*" + std::to_string(items.size()) + "\r\n";
  for (const auto& item : items) reply += item;
  return reply;
}
inline std::string wrong_type() { return error("WRONGTYPE Operation against a key holding the wrong kind of value"); }

// ---- A Redis that answers as a test says

/// The words of a command.
using Words = std::vector<std::string>;

class FakeRedis final : public redis::CommandSink {
 public:
  using CommandSink::send;
  Status send(redis::Rope rope, redis::ReplyTo to) override {
    if (!refusal.ok()) return refusal;
    const size_t count = rope.count();
    std::string bytes;
    rope.move_to(bytes, SIZE_MAX);
    redis::ReplyReader reader;
    REQUIRE(reader.feed(bytes).ok());
    Run run{{}, to};
    for (size_t i = 0; i < count; ++i) {
      auto command = reader.next();
      REQUIRE((command.ok() && *command != nullptr));
      Words words;
      for (const auto& word : **command) words.emplace_back(word.text);
      run.commands.push_back(words);
      sent.push_back(std::move(words));
    }
    runs.push_back(std::move(run));
    return {};
  }
  void forget(const void* self) override {
    for (Run& run : runs)
      if (run.to.self == self) run.to.fn = nullptr;
  }
  const redis::OversizedText& oversized() const override { return too_large; }

  /// What is said to a command: by its name and first key, by its name, else as by an empty Redis.
  std::map<std::string, std::string> says;

  /// Answers all that was sent, and what is sent meanwhile.
  void answer_all() {
    while (!runs.empty()) answer();
  }
  /// Answers the next command.
  void answer() {
    REQUIRE_FALSE(runs.empty());
    Run& run = runs.front();
    const Words& command = run.commands[run.answered];
    redis::ReplyReader reader;
    REQUIRE(reader.feed(reply_to(command)).ok());
    auto reply = reader.next();
    REQUIRE((reply.ok() && *reply != nullptr));
    const redis::ReplyTo to = run.to;
    const size_t tag = run.answered++;
    if (run.answered == run.commands.size()) runs.erase(runs.begin());
    if (to.fn != nullptr) to.fn(to.self, to.tag + tag, *reply);
  }
  /// The link is lost: all that waits is answered so, also for receivers that are forgotten meanwhile, as a connection
  /// does it within a run.
  void lose(const Error& first) {
    const Error rest{Errc::kConnectionLost, "the link was lost"};
    bool head = true;
    while (!runs.empty()) {
      const Run run = runs.front();
      runs.erase(runs.begin());
      if (run.to.fn == nullptr) continue;
      for (size_t i = run.answered; i < run.commands.size(); ++i)
        run.to.fn(run.to.self, run.to.tag + i, head ? first : rest);
      head = false;
    }
  }
  /// Answers the command with that name and first key, whatever stands before it: as another node's would come.
  void answer_out_of_order(std::string_view name, std::string_view word) { end_out_of_order(name, word, true); }
  /// No node has answered it in time.
  void fail_out_of_order(std::string_view name, std::string_view word) { end_out_of_order(name, word, false); }
  void end_out_of_order(std::string_view name, std::string_view word, bool answered) {
    for (auto run = runs.begin(); run != runs.end(); ++run)
      for (size_t i = 0; i < run->commands.size(); ++i) {
        const Words& words = run->commands[i];
        if (run->taken.contains(i) || words[0] != name || std::find(words.begin(), words.end(), word) == words.end())
          continue;
        run->taken.insert(i);
        const redis::ReplyTo to = run->to;
        const Words command = words;
        if (run->taken.size() == run->commands.size()) runs.erase(run);
        if (!answered) {
          if (to.fn != nullptr) to.fn(to.self, to.tag + i, Error{Errc::kUnreachable, "no node answered"});
          return;
        }
        redis::ReplyReader reader;
        REQUIRE(reader.feed(reply_to(command)).ok());
        auto reply = reader.next();
        REQUIRE((reply.ok() && *reply != nullptr));
        if (to.fn != nullptr) to.fn(to.self, to.tag + i, *reply);
        return;
      }
    FAIL("no such command waits");
  }
  /// Whether a command with that name and word waits for its answer.
  bool awaits(std::string_view name, std::string_view word) const {
    for (const Run& run : runs)
      for (size_t i = 0; i < run.commands.size(); ++i)
        if (!run.taken.contains(i) && run.commands[i][0] == name &&
            std::find(run.commands[i].begin(), run.commands[i].end(), word) != run.commands[i].end())
          return true;
    return false;
  }
  void lose() { lose({Errc::kConnectionLost, "the link was lost"}); }
  /// Answers until the command with that name is next.
  void answer_until(std::string_view name) {
    while (runs.at(0).commands.at(runs[0].answered).at(0) != name) answer();
  }
  bool waiting() const { return !runs.empty(); }
  size_t count(std::string_view name) const {
    size_t times = 0;
    for (const Words& words : sent) times += words[0] == name ? 1 : 0;
    return times;
  }

  Status refusal;  ///< what send() answers; ok: it takes the commands
  redis::OversizedText too_large;
  std::vector<Words> sent;

 private:
  struct Run {
    std::vector<Words> commands;
    redis::ReplyTo to;
    size_t answered = 0;
    std::set<size_t> taken{};  // by answer_out_of_order()
  };

  std::string reply_to(const Words& command) const {
    const std::string& name = command[0];
    if (command.size() > 1)
      if (auto it = says.find(name + " " + command[1]); it != says.end()) return it->second;
    if (auto it = says.find(name); it != says.end()) return it->second;
    if (name == "TIME") return list({text("1795350096"), text("0")});
    if (name == "INCR") return integer(1);
    for (const char* lists : {"HGETALL", "XREVRANGE", "ZRANGE", "LRANGE", "ZRANGEBYSCORE", "XRANGE"})
      if (name == lists) return list({});
    if (name == "HGET") return text("2");  // mas.config: as many partitions as the fixture has
    if (name == "EVAL" || name == "HMGET") return list({});
    return integer(0);
  }

  std::vector<Run> runs;
};

// ---- The fixture

struct Loop {
  uv_loop_t uv{};
  Loop() { uv_loop_init(&uv); }
  ~Loop() {
    uv_run(&uv, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&uv) == 0);
  }
};

class FakeFrame final : public common::Frame {
 public:
  explicit FakeFrame(uv_loop_t* loop, KeyLayout layout = KeyLayout::kOneServer) : loop_(loop), keys_({}, layout) {
    log_.set_level(static_cast<common::LogLevel>(99));  // tests do not read it
  }
  uv_loop_t* loop() override { return loop_; }
  common::Log& log() override { return log_; }
  common::Metrics& metrics() override { return metrics_; }
  const Keys& keys() const override { return keys_; }
  const std::string& instance() const override { return instance_; }
  redis::Client& redis() override { std::abort(); }  // operations have a sink
  bool redis_up() const override { return true; }
  redis::ConnectionOptions redis_options(std::string_view) const override { return {}; }
  void drained() override {}
  void beat() override {}

 private:
  uv_loop_t* loop_;
  common::Log log_{"test"};
  common::Metrics metrics_{"test"};
  Keys keys_;
  std::string instance_ = "0123456789abcdef0123456789abcdef";
};

inline constexpr size_t kTwoPartitions = 2;

struct TurnFixture : TurnListener {
  Loop loop;
  FakeFrame frame;
  FakeRedis redis;
  FakeRedis facts;  ///< on a cluster
  TicketOffice tickets{HmacKey("tickets")};
  HmacKey payload_key{"payloads"}, replay_key{"replays"};
  audit::ChainMemory chains;
  TurnParts parts;
  std::vector<std::string> told;             ///< one word each; a failure with its event
  std::string why;                           ///< of the last failure
  bool gave_up_link = false;                 ///< likewise
  std::function<void()> on_failure = [] {};  ///< resets the operation, as the loop does

  explicit TurnFixture(TurnOptions options = {}, KeyLayout layout = KeyLayout::kOneServer)
      : frame(&loop.uv, layout),
        parts(frame, redis, layout == KeyLayout::kCluster ? facts : redis, chains, std::move(options),
              {tickets, payload_key, replay_key}) {
    parts.partitions.resize(kTwoPartitions);
    parts.partitions.set_owned({true, true});
    parts.partitions.take_ownership();
  }
  /// As if they had been fenced.
  void fence_all() {
    for (const auto& partition : parts.partitions.all()) {
      partition->epoch = "1";
      partition->epoch_number = 1;
      partition->beyond_doubt = true;
    }
  }
  Partition& partition(size_t number) { return parts.partitions[number]; }
  std::optional<Oversized>& oversized(size_t number) { return parts.partitions.oversized(partition(number)); }
  bool rests(unsigned number) const { return parts.partitions.resting().reasons().contains(number); }

  void on_fenced() override { told.push_back("fenced"); }
  void on_read() override { told.push_back("read"); }
  void on_decoded() override { told.push_back("decoded"); }
  void on_fetched() override { told.push_back("fetched"); }
  void on_decided() override { told.push_back("decided"); }
  void on_committed() override { told.push_back("committed"); }
  void on_commit_over() override { told.push_back("commit over"); }
  void on_failed(const TurnFailure& failure) override {
    told.push_back("failed " + std::string(failure.event));
    why = failure.why;
    gave_up_link = failure.gave_up_link;
    on_failure();
  }
};

using Told = std::vector<std::string>;

}  // namespace mas::gateway::test
