// Asking sentinels in turn.
#include "proto/redis/sentinel/inquiry.h"

#include <utility>

#include "proto/base/ids.h"

namespace mas::redis {
namespace {

constexpr auto kNextAfter = std::chrono::milliseconds(250);
constexpr size_t kMaxSaid = 5;         // sentinels whose words are in the sentence
constexpr size_t kMaxSaidBytes = 200;  // of each

/// Whether the sentinel answered at all, and so contradicts by naming nothing.
bool is_blank(const Error& why) { return why.code == Errc::kNotFound || why.code == Errc::kProtocol; }

std::string words_of(const Statement& statement, const Node& by) {
  return "sentinel " + by.text() + ": it names " + statement.primary.text() + " as of epoch " +
         std::to_string(statement.epoch);
}

}  // namespace

const TransitionTable Inquiry::kMoves = transitions<State>({
    {State::kIdle, State::kAsking},
    {State::kAsking, State::kDone},
});

Inquiry::Inquiry(uv_loop_t* loop, const Endpoint& endpoint, const std::string& client_name, std::vector<Node> sentinels,
                 Record record, InquiryListener& listener)
    : loop_(loop),
      endpoint_(endpoint),
      client_name_(client_name),
      sentinels_(std::move(sentinels)),
      listener_(listener),
      ballot_(std::move(record)),
      next_(loop, [this] { ask_next(); }) {}

void Inquiry::start() {
  state_.to(State::kAsking);
  ask_next();
}

void Inquiry::ask_next() {
  const size_t index = questions_.size();
  questions_.push_back(std::make_unique<Question>(loop_, endpoint_, sentinels_[index], client_name_, *this));
  if (index + 1 < sentinels_.size())
    next_.once(kNextAfter);
  else
    next_.stop();
  questions_.back()->ask();
}

void Inquiry::on_statement(Question& question, const Result<Statement>& statement) {
  if (state_.is(State::kDone)) return;
  ++answered_;
  if (statement && ballot_.accepts(*statement, question.sentinel())) {
    state_.to(State::kDone);
    next_.stop();
    return listener_.on_found(
        {{statement->primary, statement->epoch}, question.sentinel(), statement->sentinels, false});
  }
  if (!statement && is_blank(statement.error())) ballot_.count_blank();
  if (++said_count_ <= kMaxSaid) {
    const std::string words = statement ? words_of(*statement, question.sentinel()) : statement.error().message;
    said_.append(said_.empty() ? "" : "; ").append(printable(words, kMaxSaidBytes));
  }
  if (questions_.size() < sentinels_.size())
    ask_next();
  else if (answered_ == sentinels_.size())
    conclude();
}

void Inquiry::conclude() {
  state_.to(State::kDone);
  if (auto known = ballot_.last_resort()) return listener_.on_found({*known, {}, {}, false});
  if (said_count_ > kMaxSaid) said_ += "; and " + std::to_string(said_count_ - kMaxSaid) + " more";
  listener_.on_not_found(Error{Errc::kUnreachable, "no sentinel tells who the primary is (" + said_ + ")"});
}

}  // namespace mas::redis
