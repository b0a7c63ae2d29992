// Runs the loop until what was asked has been answered.
#include "sdk/masctl/redis/sync_redis.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/cluster/walk_check.h"
#include "proto/redis/reply_values.h"
#include "sdk/masctl/redis/attempts.h"

namespace mas::ctl {

namespace {

constexpr std::string_view kTryAgain = "TRYAGAIN";

/// What people know a command by: its name and its key, which of a script is the fourth argument.
std::string name_of(const redis::Command& command, uint64_t index) {
  constexpr size_t kKeyOfScript = 3;
  auto arguments = arguments_of(command.bytes(), index, kKeyOfScript + 1);
  std::string name(arguments[0]);
  const size_t key = name == "EVAL" ? kKeyOfScript : 1;
  if (key < arguments.size()) name += " " + printable(arguments[key], 200);
  return name;
}

/// Why a command was not answered, for people.
Error failure_of(const redis::Command& command, uint64_t index, const Error& why) {
  if (why.code == Errc::kTooLarge) return why.in(name_of(command, index));
  if (why.message.find(kTryAgain) == std::string::npos) return why;
  const Error moving = redis::WalkCheck::moving();
  return {moving.code,
          moving.message + ", and with them what this command needs together; try again (" + why.message + ")"};
}

}  // namespace

std::vector<std::string_view> arguments_of(std::string_view commands, uint64_t index, size_t most) {
  std::string_view rest = commands;
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
  if (client_) client_->stop();
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
    client_ = std::make_unique<redis::Client>(loop_->get(), options, this, this);
    give_up_ = mono_now() + settings_.timeout;
    client_->start();
    while (!found() && !failure_) uv_run(loop_->get(), UV_RUN_ONCE);
  }
  return failure_ ? Status(*failure_) : Status();
}

bool SyncRedis::found() const {
  return client_->connection() ? client_->connection()->ready() : !client_->cluster()->map().empty();
}

Result<std::vector<Value>> SyncRedis::ask(const redis::Command& command) {
  if (auto opened = open(); !opened.ok()) return opened.error();
  expect(command, command.count());
  return wait_for(client_->scatter(command, redis::reply_to<&SyncRedis::on_reply>(this)));
}

Result<Value> SyncRedis::ask_one(const redis::Command& command) {
  auto values = ask(command);
  if (!values.ok()) return values.error();
  Value& value = values->front();
  if (!value.is_error()) return std::move(value);
  return value.error();
}

Result<std::vector<redis::Node>> SyncRedis::primaries() {
  if (auto opened = open(); !opened.ok()) return opened.error();
  return client_->primaries();
}

size_t SyncRedis::uncovered_slots() const {
  const auto* cluster = client_ ? client_->cluster() : nullptr;
  return cluster == nullptr ? 0 : cluster->map().uncovered();
}

Result<Value> SyncRedis::ask_node(const redis::Node& node, const redis::Command& command) {
  if (auto opened = open(); !opened.ok()) return opened.error();
  expect(command, 1);
  auto values = wait_for(client_->send_to(node, command, redis::reply_to<&SyncRedis::on_reply>(this)));
  if (!values.ok()) return values.error();
  if (values->front().is_error()) return values->front().error();
  return std::move(values->front());
}

Result<Value> SyncRedis::execute(const redis::Command& body) {
  if (auto opened = open(); !opened.ok()) return opened.error();
  expect(body, 1);
  auto values = wait_for(client_->transaction(body, redis::reply_to<&SyncRedis::on_reply>(this)));
  if (!values.ok()) return values.error();
  if (values->front().is_error()) return values->front().error();
  return std::move(values->front());
}

void SyncRedis::expect(const redis::Command& command, size_t replies) {
  replies_.assign(replies, Value(redis::Reply{}));
  missing_ = replies;
  asked_ = &command;
}

Result<std::vector<Value>> SyncRedis::wait_for(Status sent) {
  if (!sent.ok()) return sent.error();
  while (missing_ > 0 && !failure_) uv_run(loop_->get(), UV_RUN_ONCE);
  if (failure_) return *failure_;
  return std::move(replies_);
}

void SyncRedis::on_ready(redis::Connection&) {}

// The first reason counts: what follows from it (a cancelled command, the next attempt) tells less.
void SyncRedis::on_down(redis::Connection& connection, const Error& why, unsigned) {
  const bool finding = connection.generation() == 0 && mono_now() < give_up_;
  if (finding && next_attempt_may_succeed(settings_.endpoint, why)) return;
  if (!failure_) failure_ = why;
}

// With a map, what is asked has its own time; without one, each node may be asked within the time-out.
void SyncRedis::on_map_trouble(const Error& why) {
  if (found() || (errc_retriable(why.code) && mono_now() < give_up_)) return;
  if (!failure_) failure_ = why;
}

void SyncRedis::on_reply(uint64_t index, const redis::Answer& answer) {
  // The last answer before the command's time was over comes as it is.
  const bool moving = answer.ok() && (*answer)->is_error() && (*answer)->text.starts_with(kTryAgain);
  if (answer.ok() && !moving) {
    if (index < replies_.size()) replies_[index] = Value(**answer);
    --missing_;
  } else if (!failure_) {
    failure_ = failure_of(*asked_, index, moving ? redis::error_of(**answer) : answer.error());
  }
}

}  // namespace mas::ctl
