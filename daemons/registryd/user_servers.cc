// Links to replicas.
#include "daemons/registryd/user_servers.h"

#include <algorithm>
#include <utility>

#include "proto/redis/replicas.h"

namespace mas::registry {

namespace {

constexpr size_t kInfoBytes = 64 * 1024;

redis::ConnectionOptions replica_options(redis::ConnectionOptions options) {
  options.client_name += ":users";
  options.primary_only = false;
  options.sentinels.reset();
  options.role_interval = {};
  options.keep_unsent = false;  // a replica that is away must not hold up the primaries
  return options;
}

}  // namespace

UserServers::UserServers(uv_loop_t* loop, redis::Client& redis, redis::ConnectionOptions options,
                         std::function<void()> found)
    : loop_(loop), redis_(redis), options_(replica_options(std::move(options))), found_(std::move(found)) {}

UserServers::~UserServers() { redis_.forget(this); }

Status UserServers::find() {
  primaries_ = redis_.primaries();
  if (primaries_.empty()) return Error{Errc::kUnreachable, "no primary is known"};
  asked_.clear();
  untold_ = false;
  missing_ = primaries_.size();
  for (const auto& primary : primaries_) {
    auto sent = redis_.send_to(primary, redis::Command("INFO", "replication"),
                               redis::reply_to<&UserServers::on_info>(this, 0, kInfoBytes));
    if (!sent.ok()) {
      redis_.forget(this);
      return sent;
    }
  }
  return {};
}

void UserServers::on_info(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (reply.ok())
    for (auto& replica : redis::replicas_of((*reply)->text)) asked_.push_back(std::move(replica));
  else
    untold_ = true;
  if (--missing_ > 0) return;
  connect();
  found_();
}

void UserServers::connect() {
  if (untold_) asked_.insert(asked_.end(), replicas_.begin(), replicas_.end());
  std::sort(asked_.begin(), asked_.end());
  asked_.erase(std::unique(asked_.begin(), asked_.end()), asked_.end());
  std::erase_if(asked_, [this](const auto& node) {
    return std::find(primaries_.begin(), primaries_.end(), node) != primaries_.end();
  });
  replicas_ = std::move(asked_);
  std::erase_if(
      links_, [this](const auto& link) { return !std::binary_search(replicas_.begin(), replicas_.end(), link.first); });
  for (const auto& replica : replicas_) {
    auto& connection = links_[replica].connection;
    if (connection) continue;
    redis::ConnectionOptions options = options_;
    options.endpoint = redis::endpoint_of(options_.endpoint, replica);
    connection = std::make_unique<redis::Connection>(loop_, std::move(options), nullptr);
    connection->start();
  }
}

bool UserServers::is_new(size_t i) {
  if (!is_replica(i)) return false;
  Link& link = links_.at(node(i));
  return std::exchange(link.generation, link.connection->generation()) != link.connection->generation();
}

Status UserServers::send(size_t i, redis::Command command, redis::ReplyTo to) {
  if (!is_replica(i)) return redis_.send_to(node(i), std::move(command), to);
  return link(i).connection->send(std::move(command), to);
}

}  // namespace mas::registry
