// MULTI, what was asked, EXEC; and which of the errors to tell.
#include "sdk/masctl/redis/transaction.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "proto/redis/cluster/command_keys.h"

namespace mas::ctl {

namespace {

/// @return the values of a transaction, or the first error among them.
Result<std::vector<Value>> values_of(Value executed) {
  if (executed.is_nil()) return Error{Errc::kRefused, "it was changed by somebody else at the same time; try again"};
  for (const auto& element : executed.elements)
    if (element.is_error()) return element.error();
  return std::move(executed.elements);
}

redis::Command copy_of(std::string_view command) { return redis::Command::of(arguments_of(command, 0)); }

/// Commands of one slot, and their places among all.
struct SlotBody {
  std::optional<unsigned> slot;
  redis::Command body;
  std::vector<size_t> places;
};

Result<std::vector<Value>> transact_by_slot(SyncRedis& redis, const redis::Command& commands) {
  std::vector<SlotBody> bodies;
  std::string_view rest = commands.bytes(), record;
  for (size_t place = 0; place < commands.count(); ++place) {
    const std::string_view command = redis::split_command(rest);
    if (place > 0 && place + 1 == commands.count()) {
      record = command;
      break;
    }
    auto slot = redis::slot_of_command(command);
    if (!slot.ok()) return slot.error();
    auto same = std::find_if(bodies.begin(), bodies.end(), [&](const SlotBody& body) { return body.slot == *slot; });
    if (same == bodies.end()) same = bodies.insert(bodies.end(), SlotBody{*slot, {}, {}});
    same->body.add(copy_of(command));
    same->places.push_back(place);
  }
  std::vector<Value> all(commands.count(), Value(redis::Reply{}));
  if (!record.empty()) {  // no transaction: an EXEC would end what is WATCHed at the same node
    auto written = redis.ask_one(copy_of(record));
    if (!written.ok()) return written.error();
    all.back() = std::move(*written);
  }
  for (const SlotBody& body : bodies) {
    auto executed = redis.execute(body.body);
    if (!executed.ok()) return executed.error();
    auto values = values_of(std::move(*executed));
    if (!values.ok()) return values.error();
    for (size_t i = 0; i < body.places.size() && i < values->size(); ++i) all[body.places[i]] = std::move((*values)[i]);
  }
  return all;
}

}  // namespace

Result<std::vector<Value>> transact(SyncRedis& redis, const redis::Command& commands) {
  if (redis.on_cluster()) return transact_by_slot(redis, commands);
  redis::Command whole("MULTI");
  whole.add(commands).add("EXEC");
  auto replies = redis.ask(whole);
  if (!replies.ok()) return replies.error();
  // A command that was not queued says why better than the EXEC that it aborts.
  for (const auto& reply : *replies)
    if (reply.is_error()) return reply.error();
  return values_of(std::move(replies->back()));
}

}  // namespace mas::ctl
