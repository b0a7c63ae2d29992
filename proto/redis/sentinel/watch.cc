// Subscriptions at sentinels.
#include "proto/redis/sentinel/watch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "proto/base/random.h"
#include "proto/redis/sentinel/access.h"
#include "proto/redis/sentinel/statement.h"

namespace mas::redis {
namespace {

constexpr size_t kEars = 3;
constexpr unsigned kAttempts = 3;
constexpr size_t kMessageBytes = 4096;
constexpr auto kConnectTimeout = std::chrono::seconds(2);
constexpr auto kPingInterval = std::chrono::seconds(2);
constexpr auto kShortestPause = std::chrono::milliseconds(500), kLongestPause = std::chrono::milliseconds(2000);
constexpr auto kAskInterval = std::chrono::seconds(10);
constexpr std::string_view kSwitched = "+switch-master", kJoined = "+sentinel";

/// So that programs that were started together do not ask together.
Duration jittered(Duration interval) {
  return interval / 2 + Duration(static_cast<int64_t>(random_u64() % static_cast<uint64_t>(interval.count())));
}

}  // namespace

/// The subscription at one sentinel.
class Watch::Ear final : public SubscriberListener {
 public:
  Ear(Watch& watch, Node sentinel, ConnectionOptions options) : watch_(watch), sentinel_(std::move(sentinel)) {
    options.backoff_base = kShortestPause;
    options.backoff_cap = kLongestPause;
    subscriber_.emplace(watch.loop_, std::move(options), *this, kMessageBytes, kPingInterval);
    subscriber_->subscribe(kSwitched);
    subscriber_->subscribe(kJoined);
    subscriber_->start();
  }
  /// Of a sentinel for which there are no options.
  Ear(Watch& watch, Node sentinel) : watch_(watch), sentinel_(std::move(sentinel)), failed_(true) {}

  const Node& sentinel() const { return sentinel_; }
  bool hears() const { return subscriber_ && subscriber_->subscribed(kSwitched); }
  bool failed() const { return failed_; }

  void on_message(std::string_view channel, std::string_view payload) override {
    if (channel == kJoined || is_switch_of(payload, watch_.endpoint_.sentinel.master_name))
      watch_.listener_.on_hint(sentinel_);
  }
  void on_oversized(std::string_view, uint64_t) override {}
  void on_subscribed(std::string_view channel) override {
    if (channel == kSwitched) watch_.on_ear_hears(*this);
  }
  void on_subscriber_down(const Error& why, unsigned attempt) override {
    failed_ = failed_ || attempt >= kAttempts;
    watch_.on_ear_fails(*this, why);
  }
  void on_subscriber_error(const Error& why) override {
    failed_ = true;
    watch_.on_ear_fails(*this, why);
  }

 private:
  Watch& watch_;
  const Node sentinel_;
  bool failed_ = false;
  std::optional<Subscriber> subscriber_;
};

Watch::Watch(uv_loop_t* loop, const Endpoint& endpoint, const std::string& client_name, const Roster& roster,
             WatchListener& listener)
    : loop_(loop),
      endpoint_(endpoint),
      client_name_(client_name),
      roster_(roster),
      listener_(listener),
      replace_(loop, [this] { replace_failed(); }),
      ask_(loop, [this] { ask_next(); }) {
  ask_.once(jittered(kAskInterval));
  fill();
}

Watch::~Watch() = default;

void Watch::fill() {
  while (ears_.size() < kEars) {
    const Node* node = unused_node();
    if (node == nullptr) return;
    ears_.push_back(make_ear(*node));
  }
}

std::unique_ptr<Watch::Ear> Watch::make_ear(const Node& sentinel) {
  auto options = sentinel_options(endpoint_, sentinel, client_name_, kConnectTimeout);
  if (options) return std::make_unique<Ear>(*this, sentinel, std::move(*options));
  replace_.once(kLongestPause);
  return std::make_unique<Ear>(*this, sentinel);
}

/// @return null where every sentinel is listened to.
const Node* Watch::unused_node() {
  const auto& nodes = roster_.in_order();
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[next_ear_++ % nodes.size()];
    const bool used =
        std::any_of(ears_.begin(), ears_.end(), [&node](const auto& ear) { return ear->sentinel() == node; });
    if (!used) return &node;
  }
  return nullptr;
}

bool Watch::is_heard() const {
  return std::any_of(ears_.begin(), ears_.end(), [](const auto& ear) { return ear->hears(); });
}

void Watch::on_ear_hears(Ear& ear) {
  if (!std::exchange(hearing_, true)) listener_.on_hearing(ear.sentinel());
  listener_.on_hint(ear.sentinel());
}

void Watch::on_ear_fails(Ear& ear, const Error& why) {
  if (ear.failed() && !replace_.armed()) replace_.once(Duration::zero());
  if (!is_heard() && std::exchange(hearing_, false)) listener_.on_deaf(why);
}

/// Not from inside a subscriber's callback, since it ends subscribers.
void Watch::replace_failed() {
  for (auto& ear : ears_) {
    if (!ear->failed()) continue;
    const Node* other = unused_node();
    const Node next = other != nullptr ? *other : ear->sentinel();
    ear = make_ear(next);
  }
}

void Watch::ask_next() {
  const auto& nodes = roster_.in_order();
  listener_.on_hint(Node(nodes[next_question_++ % nodes.size()]));
  ask_.once(jittered(kAskInterval));
}

}  // namespace mas::redis
