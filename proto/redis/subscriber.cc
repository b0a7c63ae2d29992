// Subscriptions: what is wanted, what Redis confirmed, and the pings that keep the link honest.
#include "proto/redis/subscriber.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proto/redis/loop.h"

namespace mas::redis {
namespace {
constexpr size_t kChannelsPerCommand = 500;
constexpr int kSilentPings = 5;

/// The words of a kind of channels.
struct Words {
  std::string_view subscribe, unsubscribe, message, subscribed, unsubscribed;
};
constexpr Words kOrdinary{"SUBSCRIBE", "UNSUBSCRIBE", "message", "subscribe", "unsubscribe"};
constexpr Words kSharded{"SSUBSCRIBE", "SUNSUBSCRIBE", "smessage", "ssubscribe", "sunsubscribe"};

/// A command that Redis has not answered yet.
struct Asked {
  std::string channel{};  // to be heard; empty: HELLO or PING
  bool leaving = false;   // or to be heard no longer
  bool operator==(const Asked&) const = default;
};
}  // namespace

class Subscriber::Impl final : public ConnectionListener {
 public:
  Impl(uv_loop_t* loop, ConnectionOptions options, SubscriberListener& listener, size_t max_message,
       Duration ping_interval, ChannelKind kind)
      : listener_(listener),
        words_(kind == ChannelKind::kSharded ? kSharded : kOrdinary),
        sharded_(kind == ChannelKind::kSharded),
        ping_interval_(ping_interval),
        max_message_(max_message),
        connection_(loop, std::move(options), this),
        ping_timer_(loop, [this] { ping(); }) {
    connection_.push_mode(max_message_);
  }

  void start() { connection_.start(); }
  void stop() {
    ping_timer_.stop();
    connection_.stop();
  }

  void subscribe(std::string_view channel) {
    auto [it, added] = channels_.emplace(channel, Standing::kMissing);
    if (added && connection_.ready()) request(Command(words_.subscribe, channel), {std::string(channel), false});
  }

  void unsubscribe(std::string_view channel) {
    auto it = channels_.find(channel);
    if (it == channels_.end()) return;
    channels_.erase(it);
    if (connection_.ready()) request(Command(words_.unsubscribe, channel), {std::string(channel), true});
  }

  void raise_max_message(size_t bytes) {
    if (bytes <= max_message_) return;
    max_message_ = bytes;
    connection_.push_mode(max_message_);
  }

  bool subscribed(std::string_view channel) const {
    auto it = channels_.find(channel);
    return it != channels_.end() && it->second == Standing::kConfirmed;
  }
  bool ready() const { return connection_.ready(); }
  void ask_again() {
    if (connection_.ready()) subscribe_missing(Standing::kMissing);
  }
  void renew_link() { connection_.drop_link(Error{Errc::kUnavailable, "the connection for commands was made anew"}); }

  void on_ready(Connection&) override {
    silent_pings_ = 0;
    ping_timer_.every(ping_interval_);
    asked_.clear();
    subscribe_missing(Standing::kRefused);
  }

  void on_down(Connection&, const Error& why, unsigned attempt) override {
    ping_timer_.stop();
    for (auto& [channel, standing] : channels_) standing = Standing::kMissing;
    listener_.on_subscriber_down(why, attempt);
  }

  void on_push(Connection&, const Reply& reply) override {
    silent_pings_ = 0;
    if (reply.error_code() == "MISCONF") return settle({});  // a pong; SUBSCRIBE is never answered so
    if (reply.is_error()) return refused(reply);
    if (!reply.is_array() || reply.count < 3 || !reply[0].is_text() || !reply[1].is_text())
      return settle({});  // a pong
    std::string_view kind = reply[0].text;
    if (kind == words_.message && reply[2].is_integer())
      return listener_.on_oversized(reply[1].text, static_cast<uint64_t>(reply[2].integer));
    if (kind == words_.message) return listener_.on_message(reply[1].text, reply[2].text);
    if (kind == words_.subscribed) return confirm(reply[1].text);
    if (kind == words_.unsubscribed && sharded_) return ended(reply[1].text);
    settle({});  // the answer to HELLO
  }

 private:
  /// How a wanted channel stands on the current link. In order: each asks for less than the next.
  enum class Standing : uint8_t { kMissing, kRefused, kConfirmed };

  /// Asks for what stands no better than `most`. Sharded channels of several slots cannot be asked for in one command.
  void subscribe_missing(Standing most) {
    const size_t most_in_one = sharded_ ? 1 : kChannelsPerCommand;
    std::vector<std::string_view> args;
    for (const auto& [channel, standing] : channels_) {
      if (standing > most) continue;
      if (args.empty()) args.push_back(words_.subscribe);
      args.push_back(channel);
      if (args.size() > most_in_one) request(Command::of(std::exchange(args, {})), {std::string(channel), false});
    }
    if (!args.empty()) request(Command::of(args));
  }

  void confirm(std::string_view channel) {
    settle({std::string(channel), false});
    auto it = channels_.find(channel);
    if (it == channels_.end()) return;  // unsubscribed meanwhile
    it->second = Standing::kConfirmed;
    listener_.on_subscribed(channel);
  }

  void refused(const Reply& error) {
    Asked asked;
    if (!asked_.empty()) {
      asked = std::move(asked_.front());
      asked_.pop_front();
    }
    // The host of a redirection that leaves it open is the one of this connection.
    if (sharded_)
      if (auto redirect = redirect_of(error, connection_.options().endpoint.host))
        return listener_.on_redirected(*redirect);
    if (asked.channel.empty() || asked.leaving) return listener_.on_subscriber_error(error_of(error));
    if (auto it = channels_.find(asked.channel); it != channels_.end()) it->second = Standing::kRefused;
    listener_.on_channel_refused(asked.channel, error_of(error));
  }

  /// The command was answered, and so were those before it.
  void settle(const Asked& answered) {
    const auto it = std::find(asked_.begin(), asked_.end(), answered);
    if (it != asked_.end()) asked_.erase(asked_.begin(), it + 1);
  }

  /// Redis answers an UNSUBSCRIBE in the same words as it ends a subscription. A channel that is wanted and not
  /// confirmed was given up and is asked for again: this is the late answer.
  void ended(std::string_view channel) {
    if (!asked_.empty() && asked_.front() == Asked{std::string(channel), true}) asked_.pop_front();
    auto it = channels_.find(channel);
    if (it != channels_.end() && it->second != Standing::kConfirmed) return;
    if (it != channels_.end()) {
      it->second = Standing::kMissing;
      request(Command(words_.subscribe, it->first), {it->first, false});
    }
    listener_.on_unsubscribed(channel);
  }

  /// A large message is heard while it comes.
  void ping() {
    if (connection_.last_bytes() > std::exchange(pinged_, mono_now())) silent_pings_ = 0;
    if (silent_pings_ == kSilentPings)
      return connection_.drop_link(
          Error{Errc::kTimeout,
                "subscriptions were silent for " + std::to_string(to_millis(kSilentPings * ping_interval_)) + " ms"});
    ++silent_pings_;
    request(connection_.sign_of_life());
    subscribe_missing(Standing::kRefused);
  }

  /// On a ready link only a full queue refuses, which the next ping finds out.
  void request(const Command& command, Asked asked = {}) {
    if (auto status = connection_.send(command, ReplyTo{}); !status)
      return listener_.on_subscriber_error(status.error());
    if (sharded_) asked_.push_back(std::move(asked));
  }

  SubscriberListener& listener_;
  const Words& words_;
  const bool sharded_;
  Duration ping_interval_;
  size_t max_message_;
  Connection connection_;
  Timer ping_timer_;
  std::map<std::string, Standing, std::less<>> channels_;  // wanted
  std::deque<Asked> asked_;  // in order, of a sharded link: an error does not name its channel
  MonoTime pinged_{};
  int silent_pings_ = 0;  // since anything was heard; a clock would cost more than the rest of a message
};

Subscriber::Subscriber(uv_loop_t* loop, ConnectionOptions options, SubscriberListener& listener, size_t max_message,
                       Duration ping_interval, ChannelKind kind)
    : impl_(std::make_unique<Impl>(loop, std::move(options), listener, max_message, ping_interval, kind)) {}
Subscriber::~Subscriber() = default;

void Subscriber::start() { impl_->start(); }
void Subscriber::stop() { impl_->stop(); }
void Subscriber::subscribe(std::string_view channel) { impl_->subscribe(channel); }
void Subscriber::unsubscribe(std::string_view channel) { impl_->unsubscribe(channel); }
void Subscriber::raise_max_message(size_t bytes) { impl_->raise_max_message(bytes); }
bool Subscriber::subscribed(std::string_view channel) const { return impl_->subscribed(channel); }
bool Subscriber::ready() const { return impl_->ready(); }
void Subscriber::ask_again() { impl_->ask_again(); }
void Subscriber::renew_link() { impl_->renew_link(); }

}  // namespace mas::redis
