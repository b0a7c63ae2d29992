// MULTI, what was asked, EXEC; and which of the errors to tell.
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

Result<std::vector<Value>> transact(SyncRedis& redis, const redis::Command& commands) {
  redis::Command whole("MULTI");
  whole.add(commands).add("EXEC");
  auto replies = redis.ask(whole);
  if (!replies.ok()) return replies.error();
  // A command that was not queued says why better than the EXEC that it aborts.
  for (const auto& reply : *replies)
    if (reply.is_error()) return reply.error();
  Value& executed = replies->back();
  if (executed.is_nil()) return Error{Errc::kRefused, "it was changed by somebody else at the same time; try again"};
  for (const auto& element : executed.elements)
    if (element.is_error()) return element.error();
  return std::move(executed.elements);
}

}  // namespace mas::ctl
