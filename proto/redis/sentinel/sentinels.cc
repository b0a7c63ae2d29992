// Finding and following the primary.
#include "proto/redis/sentinel/sentinels.h"

#include <algorithm>
#include <utility>

namespace mas::redis {
namespace {

constexpr auto kAskInterval = std::chrono::milliseconds(500);  // between the beginnings of two inquiries
constexpr auto kRecent = std::chrono::milliseconds(100);       // links that seek together share an answer

}  // namespace

Sentinels::Sentinels(uv_loop_t* loop, Endpoint endpoint, std::string client_name, SentinelsListener* listener)
    : loop_(loop),
      endpoint_(std::move(endpoint)),
      client_name_(std::move(client_name)),
      listener_(listener),
      roster_(endpoint_.nodes),
      ask_again_(loop, [this] { begin_inquiry(); }) {}

Sentinels::~Sentinels() = default;

void Sentinels::watch() {
  if (watch_ == nullptr) watch_ = std::make_unique<Watch>(loop_, endpoint_, client_name_, roster_, *this);
}

void Sentinels::detach(SentinelLink& link) {
  give_up(link);
  if (telling_)
    std::replace(links_.begin(), links_.end(), &link, static_cast<SentinelLink*>(nullptr));
  else
    std::erase(links_, &link);
}

void Sentinels::find(SentinelLink& link) {
  if (const Found* known = known_answer()) return link.on_primary(Found(*known));
  seekers_.push_back(&link);
  inquire();
}

void Sentinels::give_up(SentinelLink& link) {
  std::erase(seekers_, &link);
  std::replace(answered_.begin(), answered_.end(), &link, static_cast<SentinelLink*>(nullptr));
}

const Found* Sentinels::known_answer() const {
  if (candidate_) return &*candidate_;
  return recent_ && mono_now() - recent_at_ < kRecent ? &*recent_ : nullptr;
}

void Sentinels::forget_answer(const Node& server) {
  if (candidate_ && candidate_->naming.server == server) candidate_.reset();
  if (recent_ && recent_->naming.server == server) recent_.reset();
}

void Sentinels::inquire() {
  if (inquiry_ != nullptr || ask_again_.armed()) return;
  const Duration since = mono_now() - asked_;
  if (since < kAskInterval) return ask_again_.once(kAskInterval - since);
  begin_inquiry();
}

void Sentinels::begin_inquiry() {
  asked_ = mono_now();
  inquiry_ = std::make_unique<Inquiry>(loop_, endpoint_, client_name_, roster_.in_order(), record_, *this);
  inquiry_->start();
}

void Sentinels::confirm(const Found& found) {
  record_.served = found.naming;
  record_.failed = false;
  announced_.reset();
  if (record_.refuted && record_.refuted->server == found.naming.server) record_.refuted.reset();
  forget_answer(found.naming.server);
  recent_ = found;
  recent_at_ = mono_now();
  if (!found.by.host.empty()) believe(found.by, found.sentinels);
}

void Sentinels::reject(const Found& found, const std::optional<Node>& replicates) {
  if (record_.served && record_.served->server == found.naming.server) record_.failed = true;
  forget_answer(found.naming.server);
  roster_.doubt(found.by);
  if (!replicates) return;
  record_.refuted = found.naming;
  // One step only, so that this ends.
  if (!found.hearsay && !candidate_) candidate_ = Found{{*replicates, found.naming.epoch}, {}, {}, true};
}

void Sentinels::believe(const Node& by, const std::vector<Node>& sentinels) {
  roster_.believe(by, sentinels);
  if (watch_ != nullptr) watch_->fill();
}

void Sentinels::on_found(const Found& found) {
  auto alive = shared_from_this();
  inquiry_.reset();
  const bool moved = record_.served && !(record_.served->server == found.naming.server);
  if (moved && !found.by.host.empty()) return follow(found);
  recent_ = found;
  recent_at_ = mono_now();
  answer(found);
}

void Sentinels::on_not_found(const Error& why) {
  auto alive = shared_from_this();
  inquiry_.reset();
  answered_ = std::exchange(seekers_, {});
  for (size_t i = 0; i < answered_.size(); ++i)
    if (answered_[i] != nullptr) answered_[i]->on_no_primary(why);
  answered_.clear();
}

/// To those who seek.
void Sentinels::answer(const Found& found) {
  answered_ = std::exchange(seekers_, {});
  for (size_t i = 0; i < answered_.size(); ++i)
    if (answered_[i] != nullptr) answered_[i]->on_primary(found);
  answered_.clear();
}

/// The primary is elsewhere: whoever is connected, or waits to be, goes there. Once for each naming: a primary that
/// cannot be reached is named again and again.
void Sentinels::follow(const Found& found) {
  const bool announced = std::exchange(announced_, found.naming) == found.naming;
  if (!announced && listener_ != nullptr && record_.served)
    listener_->on_switch(*record_.served, found.naming, found.by);
  candidate_ = found;
  inquiry_.reset();
  ask_again_.stop();
  answer(found);
  if (announced) return;
  telling_ = true;
  for (size_t i = 0; i < links_.size(); ++i)
    if (links_[i] != nullptr) links_[i]->on_primary_moved(found.naming.server);
  telling_ = false;
  std::erase(links_, nullptr);
}

void Sentinels::on_hint(const Node& sentinel) {
  for (auto& check : checks_) {
    if (!(check.question->sentinel() == sentinel)) continue;
    check.again = true;
    return;
  }
  checks_.push_back({std::make_unique<Question>(loop_, endpoint_, sentinel, client_name_, *this), false});
  checks_.back().question->ask();
}

void Sentinels::on_statement(Question& question, const Result<Statement>& statement) {
  auto alive = shared_from_this();
  const Node by = question.sentinel();
  const Result<Statement> said = statement;  // which ends with its question
  const auto check = std::find_if(checks_.begin(), checks_.end(),
                                  [&question](const Check& one) { return one.question.get() == &question; });
  const bool again = check->again;
  checks_.erase(check);
  if (again) on_hint(by);
  if (!said || !record_.served) return;
  switch (bearing_of(*said, record_)) {
    case Bearing::kSame:
      record_.served->epoch = std::max(record_.served->epoch, said->epoch);
      return believe(by, said->sentinels);
    case Bearing::kNewer:
      return follow({{said->primary, said->epoch}, by, said->sentinels, false});
    case Bearing::kOlder:
    case Bearing::kRival:
      return inquire();
    case Bearing::kRefuted:
      return;
  }
}

std::shared_ptr<Sentinels> sentinels_of(uv_loop_t* loop, const Endpoint& endpoint, std::string client_name,
                                        SentinelsListener* listener) {
  if (endpoint.topology != Topology::kSentinel) return nullptr;
  return std::make_shared<Sentinels>(loop, endpoint, std::move(client_name), listener);
}

void Sentinels::on_deaf(const Error& why) {
  if (listener_ != nullptr) listener_->on_sentinels_lost(why);
}

void Sentinels::on_hearing(const Node& sentinel) {
  if (listener_ != nullptr) listener_->on_sentinels_heard(sentinel);
}

}  // namespace mas::redis
