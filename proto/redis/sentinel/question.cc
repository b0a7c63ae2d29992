// Asking one sentinel.
#include "proto/redis/sentinel/question.h"

#include <utility>

#include "proto/redis/sentinel/access.h"

namespace mas::redis {

const TransitionTable Question::kMoves = transitions<State>({
    {State::kIdle, State::kAsking},
    {State::kAsking, State::kAnswered},
    {State::kAnswered, State::kTold},
});

Question::Question(uv_loop_t* loop, const Endpoint& endpoint, Node sentinel, const std::string& client_name,
                   Asker& asker)
    : loop_(loop),
      endpoint_(endpoint),
      sentinel_(std::move(sentinel)),
      client_name_(client_name),
      asker_(asker),
      reader_(endpoint.sentinel.master_name),
      timer_(loop, [this] { on_timer(); }) {}

Question::~Question() = default;

void Question::ask() {
  state_.to(State::kAsking);
  timer_.once(kQuestionTimeout);
  // Later than the timer, whose sentence is the better one.
  auto options = sentinel_options(endpoint_, sentinel_, client_name_, 2 * kQuestionTimeout);
  if (!options) return finish(options.error());
  connection_.emplace(loop_, std::move(*options), this);
  const Command question = statement_question(endpoint_.sentinel.master_name);
  if (auto sent = connection_->send(question, reply_to<&Question::on_reply>(this)); !sent) return finish(sent);
  connection_->start();
}

void Question::on_down(Connection&, const Error& why, unsigned) { finish(why); }

void Question::on_reply(uint64_t index, const Answer& answer) {
  if (!answer) return finish(answer.error());
  if (auto status = reader_.take(index, **answer); !status) return finish(status);
  if (index + 1 == kStatementCommands) finish(Status());
}

void Question::on_timer() {
  if (state_.is(State::kAsking))
    finish(Error{Errc::kTimeout, "no answer within " + std::to_string(to_millis(kQuestionTimeout)) + " ms"});
  else if (state_.is(State::kAnswered)) {
    state_.to(State::kTold);
    if (status_) return asker_.on_statement(*this, std::move(reader_.statement()));
    asker_.on_statement(*this, status_.error());
  }
}

void Question::finish(Status status) {
  if (!state_.is(State::kAsking)) return;
  state_.to(State::kAnswered);
  if (!status) {
    // A connection puts its server's URL before its sentences.
    std::string why = status.error().message;
    const std::string address = connection_ ? connection_->options().endpoint.address() + ": " : "";
    if (why.starts_with(address)) why.erase(0, address.size());
    status = Error{status.error().code, "sentinel " + sentinel_.text() + ": " + why};
  }
  status_ = std::move(status);
  timer_.once(Duration::zero());
  if (connection_) connection_->stop();
}

}  // namespace mas::redis
