// Runs the loop until what was asked has been answered.
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

Value::Value(const redis::Reply& reply) : type(reply.type), integer(reply.integer), text(reply.text) {
  elements.reserve(reply.count);
  for (const redis::Reply& element : reply) elements.emplace_back(element);
}

SyncRedis::SyncRedis(const Settings& settings) {
  uv_loop_init(&loop_);
  redis::ConnectionOptions options;
  options.endpoint = settings.endpoint;
  options.client_name = "masctl";
  options.connect_timeout = settings.timeout;
  options.command_timeout = settings.timeout;
  options.max_outgoing_bytes = 1024u * 1024 * 1024;  // a change is one write, and may move what waits in a whole system
  connection_ = std::make_unique<redis::Connection>(&loop_, options, this);
}

SyncRedis::~SyncRedis() {
  connection_->stop();
  connection_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
}

Result<std::unique_ptr<SyncRedis>> SyncRedis::open(const Settings& settings) {
  std::unique_ptr<SyncRedis> redis(new SyncRedis(settings));
  redis->connection_->start();
  while (!redis->connection_->ready() && !redis->failure_) uv_run(&redis->loop_, UV_RUN_ONCE);
  if (redis->failure_) return *redis->failure_;
  return redis;
}

Result<std::vector<Value>> SyncRedis::ask(const redis::Command& command) {
  if (failure_) return *failure_;
  replies_.clear();
  expected_ = command.count();
  Status sent = connection_->send(command, redis::reply_to<&SyncRedis::on_reply>(this));
  if (!sent.ok()) return sent.error();
  while (replies_.size() < expected_ && !failure_) uv_run(&loop_, UV_RUN_ONCE);
  if (failure_) return *failure_;
  return std::move(replies_);
}

Result<Value> SyncRedis::ask_one(const redis::Command& command) {
  auto values = ask(command);
  if (!values.ok()) return values.error();
  Value& value = values->front();
  if (!value.is_error()) return std::move(value);
  redis::Reply reply;
  reply.type = redis::Reply::Type::kError;
  reply.text = value.text;
  return redis::error_of(reply);
}

void SyncRedis::on_ready(redis::Connection&) {}

// The first reason counts: what follows from it (a cancelled command, the next attempt) tells less.
void SyncRedis::on_down(redis::Connection&, const Error& why, unsigned) {
  if (!failure_) failure_ = why;
}

void SyncRedis::on_reply(uint64_t, const redis::Answer& answer) {
  if (answer.ok()) {
    replies_.emplace_back(**answer);
  } else if (!failure_) {
    failure_ = answer.error();
  }
}

}  // namespace mas::ctl
