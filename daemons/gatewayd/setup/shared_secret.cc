// SET NX, then GET: the first one's counts.
#include "daemons/gatewayd/setup/shared_secret.h"

#include "proto/redis/bounded_answer.h"

namespace mas::gateway {
namespace {

constexpr size_t kMaxBytes = 256;

}  // namespace

void SharedSecret::ask() {
  redis::Command command("SET", key_, MasterKey::generate().text(), "NX");
  redis::add_bounded(command, {.text = kMaxBytes, .refuse = true}, {"GET", key_});
  auto status = redis_.send(command, redis::reply_to<&SharedSecret::on_reply>(this));
  if (!status) done_(status.error());
}

void SharedSecret::on_reply(uint64_t tag, const redis::Answer& answer) {
  constexpr uint64_t kGet = 1;
  if (tag != kGet) return;
  auto reply = redis::checked(answer);
  if (!reply) return done_(reply.error().in(key_));
  auto bytes = parse_key32((*reply)->text);
  if (!bytes) return done_(bytes.error().in(key_));
  done_(MasterKey::of(*bytes));
}

}  // namespace mas::gateway
