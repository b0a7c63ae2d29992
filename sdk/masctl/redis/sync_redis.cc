// Runs the loop until what was asked has been answered.
#include "sdk/masctl/redis/sync_redis.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/reply_values.h"
#include "sdk/masctl/redis/attempts.h"

namespace mas::ctl {

namespace {

/// The arguments of one of the commands, at most `most` of them.
std::vector<std::string_view> arguments_of(const redis::Command& command, uint64_t index, size_t most) {
  std::string_view rest = command.bytes();
  auto number = [&rest] {  // of a line such as "*3" or "$12"
    const size_t end = rest.find("\r\n");
    const auto value = leading_number<size_t>(rest.substr(1, end - 1));
    rest.remove_prefix(end + 2);
    return value;
  };
  std::vector<std::string_view> arguments;
  for (uint64_t at = 0; at <= index; ++at) {
    for (size_t count = number(); count > 0; --count) {
      const size_t bytes = number();
      if (at == index && arguments.size() < most) arguments.push_back(rest.substr(0, bytes));
      rest.remove_prefix(bytes + 2);
    }
  }
  return arguments;
}

/// What people know a command by: its name and its key, which of a script is the fourth argument.
std::string name_of(const redis::Command& command, uint64_t index) {
  constexpr size_t kKeyOfScript = 3;
  auto arguments = arguments_of(command, index, kKeyOfScript + 1);
  std::string name(arguments[0]);
  const size_t key = name == "EVAL" ? kKeyOfScript : 1;
  if (key < arguments.size()) name += " " + printable(arguments[key], 200);
  return name;
}

}  // namespace

Value::Value(const redis::Reply& reply) : type(reply.type), integer(reply.integer), text(reply.text) {
  elements.reserve(reply.count);
  for (const redis::Reply& element : reply) elements.emplace_back(element);
}

Error Value::error() const {
  redis::Reply reply;
  reply.type = redis::Reply::Type::kError;
  reply.text = text;
  return redis::error_of(reply);
}

std::vector<std::optional<std::string_view>> Value::values() const {
  std::vector<std::optional<std::string_view>> values;
  for (const auto& element : elements)
    values.push_back(element.is_nil() ? std::nullopt : std::optional<std::string_view>(element.text));
  return values;
}

std::vector<std::string_view> Value::texts() const {
  std::vector<std::string_view> texts;
  for (const auto& element : elements) texts.push_back(element.text);
  return texts;
}

std::optional<WallMicros> time_of(const Value& reply) {
  if (reply.elements.size() != 2) return std::nullopt;
  return redis::time_of(reply.elements[0].text, reply.elements[1].text);
}

SyncRedis::~SyncRedis() {
  if (connection_) connection_->stop();
}

Status SyncRedis::open() {
  if (!loop_) {
    auto loop = OwnLoop::make();
    if (!loop.ok()) return loop.error();
    loop_ = std::move(*loop);
    redis::ConnectionOptions options;
    options.endpoint = settings_.endpoint;
    options.client_name = "masctl";
    options.connect_timeout = settings_.timeout;
    options.command_timeout = settings_.timeout;
    options.max_outgoing_bytes =
        1024u * 1024 * 1024;  // a change is one write, and may move what waits in a whole system
    options.reply_limits.text_bytes = text_bytes_;
    connection_ = std::make_unique<redis::Connection>(loop_->get(), options, this);
    give_up_ = mono_now() + settings_.timeout;
    connection_->start();
    while (!connection_->ready() && !failure_) uv_run(loop_->get(), UV_RUN_ONCE);
  }
  return failure_ ? Status(*failure_) : Status();
}

Result<std::vector<Value>> SyncRedis::ask(const redis::Command& command) {
  if (auto opened = open(); !opened.ok()) return opened.error();
  replies_.clear();
  expected_ = command.count();
  asked_ = &command;
  Status sent = connection_->send(command, redis::reply_to<&SyncRedis::on_reply>(this));
  if (!sent.ok()) return sent.error();
  while (replies_.size() < expected_ && !failure_) uv_run(loop_->get(), UV_RUN_ONCE);
  if (failure_) return *failure_;
  return std::move(replies_);
}

Result<Value> SyncRedis::ask_one(const redis::Command& command) {
  auto values = ask(command);
  if (!values.ok()) return values.error();
  Value& value = values->front();
  if (!value.is_error()) return std::move(value);
  return value.error();
}

void SyncRedis::on_ready(redis::Connection&) {}

// The first reason counts: what follows from it (a cancelled command, the next attempt) tells less.
void SyncRedis::on_down(redis::Connection& connection, const Error& why, unsigned) {
  const bool finding = connection.generation() == 0 && mono_now() < give_up_;
  if (finding && next_attempt_may_succeed(settings_.endpoint, why)) return;
  if (!failure_) failure_ = why;
}

void SyncRedis::on_reply(uint64_t index, const redis::Answer& answer) {
  if (answer.ok()) {
    replies_.emplace_back(**answer);
  } else if (!failure_) {
    const bool large = answer.error().code == Errc::kTooLarge;
    failure_ = large ? answer.error().in(name_of(*asked_, index)) : answer.error();
  }
}

}  // namespace mas::ctl
