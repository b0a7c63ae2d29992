// One server: what happens to one of the two connections, and what that means for the other.
#include "sdk/src/loop/server_hub.h"

#include <utility>

#include "proto/redis/sentinel/sentinels.h"
#include "proto/wire/limits.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {

ServerHub::ServerHub(Runtime& runtime, const redis::ConnectionOptions& options)
    : Hub(options.endpoint, options, runtime.loop(), this, nullptr),
      sentinels_(options.sentinels),
      server_(*commands().connection()),
      subscriber_(runtime.loop(), options, *this, limits::kEnvelopeBytes) {}

void ServerHub::start() {
  if (sentinels_ != nullptr) sentinels_->watch();
  commands().start();
  subscriber_.start();
}

void ServerHub::hear(const std::string& channel, size_t max_payload) {
  subscriber_.raise_max_message(max_payload);
  subscriber_.subscribe(channel);
}

void ServerHub::on_ready(redis::Connection& connection) {
  const bool again = connection.generation() > 1;
  if (std::exchange(subscriber_is_older_, false)) subscriber_.renew_link();
  for (auto* member : everyone()) member->on_link_ready(again);
}

void ServerHub::on_down(redis::Connection&, const Error& why, unsigned attempt) {
  if (attempt == 1) subscriber_is_older_ = subscriber_.ready();
  for (auto* member : everyone()) member->on_link_down(why);
}

void ServerHub::on_subscribed(std::string_view channel) {
  for (auto* member : members_of(channel)) member->on_hearing();
}

void ServerHub::on_subscriber_down(const Error& why, unsigned) {
  if (why.code == Errc::kConnectionLost) cut_off_in_ = server_.ready() ? server_.generation() : 0;
  if (why.code == Errc::kTimeout) cut_off_in_ = 0;
  subscriber_is_older_ = false;
  server_.ask_role();
  for (auto* member : everyone()) member->on_link_down(why);
}

void ServerHub::on_subscriber_error(const Error& why) {
  for (auto* member : everyone()) member->on_subscription_refused(why);
}

}  // namespace mas::sdk
