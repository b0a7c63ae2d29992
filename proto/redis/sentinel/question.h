// One sentinel is asked for a primary, on a connection of its own.
//
//     idle ──ask──▶ asking ──last answer, failure, or out of time──▶ answered ──next round of the loop──▶ told
//
// Happy path: ask() → the asker is told a statement. Failure: the asker is told why there is none; one attempt, at most
// kQuestionTimeout. The sentence names the sentinel.
// Threading: one loop, its thread. Ownership: may be destroyed at any time, also when the asker is told.
#pragma once

#include <optional>
#include <string>

#include "proto/base/state_machine.h"
#include "proto/redis/connection.h"
#include "proto/redis/loop.h"
#include "proto/redis/sentinel/statement.h"

namespace mas::redis {

/// Whole time of one question: a sentinel that works answers within milliseconds.
inline constexpr Duration kQuestionTimeout = std::chrono::seconds(1);

class Question;

class Asker {
 public:
  virtual ~Asker() = default;
  /// Called once, from the loop.
  virtual void on_statement(Question& question, const Result<Statement>& statement) = 0;
};

class Question final : public ConnectionListener {
 public:
  /// @param endpoint with Topology::kSentinel; outlives the question.
  Question(uv_loop_t* loop, const Endpoint& endpoint, Node sentinel, const std::string& client_name, Asker& asker);
  ~Question() override;

  void ask();
  const Node& sentinel() const { return sentinel_; }

 private:
  enum class State : uint8_t { kIdle, kAsking, kAnswered, kTold };
  static const TransitionTable kMoves;

  void on_ready(Connection&) override {}
  void on_down(Connection& connection, const Error& why, unsigned attempt) override;
  void on_reply(uint64_t index, const Answer& answer);
  void on_timer();
  void finish(Status status);

  uv_loop_t* loop_;
  const Endpoint& endpoint_;
  const Node sentinel_;
  const std::string client_name_;
  Asker& asker_;
  StateMachine<State> state_{State::kIdle, kMoves};
  StatementReader reader_;
  Status status_;
  std::optional<Connection> connection_;
  Timer timer_;  // bounds asking; then, tells from the loop
};

}  // namespace mas::redis
