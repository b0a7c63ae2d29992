// Who the primary is: sentinels are asked in turn until one is believed (ballot.h).
//
//     idle ──start──▶ asking ──believed, or all have been asked──▶ done
//                      │  ▲
//                      └──┘ not believed, or no answer for a quarter of a second: the next one is asked too
//
// Happy path: start() → the first sentinel's statement is accepted → on_found(). Questions overlap, so that a sentinel
// whose machine is gone costs a quarter of a second.
// Failure: on_not_found() with one sentence of bounded length that says what each of the sentinels said. Where nobody
// contradicts, the primary that served last is found instead.
// Threading: one loop, its thread. Ownership: may be destroyed at any time, also when its listener is told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proto/redis/sentinel/ballot.h"
#include "proto/redis/sentinel/question.h"

namespace mas::redis {

/// A server to try as the primary.
struct Found {
  Naming naming;
  Node by;                      ///< the sentinel that named it; an empty host: none
  std::vector<Node> sentinels;  ///< that `by` knows
  bool hearsay = false;         ///< a server that was named by a sentinel says that it replicates this one
};

class InquiryListener {
 public:
  virtual ~InquiryListener() = default;
  /// One of the two is called, once.
  virtual void on_found(const Found& found) = 0;
  virtual void on_not_found(const Error& why) = 0;
};

class Inquiry final : public Asker {
 public:
  /// @param endpoint with Topology::kSentinel; outlives the inquiry.
  /// @param sentinels in the order to ask them, at least one.
  Inquiry(uv_loop_t* loop, const Endpoint& endpoint, const std::string& client_name, std::vector<Node> sentinels,
          Record record, InquiryListener& listener);

  void start();

 private:
  enum class State : uint8_t { kIdle, kAsking, kDone };
  static const TransitionTable kMoves;

  void ask_next();
  void on_statement(Question& question, const Result<Statement>& statement) override;
  void conclude();

  uv_loop_t* loop_;
  const Endpoint& endpoint_;
  const std::string client_name_;
  const std::vector<Node> sentinels_;
  InquiryListener& listener_;
  StateMachine<State> state_{State::kIdle, kMoves};
  Ballot ballot_;
  std::vector<std::unique_ptr<Question>> questions_;
  size_t answered_ = 0;
  std::string said_;       // what was not believed
  size_t said_count_ = 0;  // sentinels in it
  Timer next_;             // asks the next one
};

}  // namespace mas::redis
