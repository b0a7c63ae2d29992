// FUNCTION LIST, FUNCTION LOAD.
#include "daemons/common/agent_library.h"

#include "proto/wire/agent_functions.h"

namespace mas::common {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(5);

}  // namespace

AgentLibrary::AgentLibrary(uv_loop_t* loop, redis::Connection& redis, Log& log)
    : redis_(redis), log_(log), timer_(loop, [this] { look(); }) {}

void AgentLibrary::resume() {
  look();
  timer_.every(kPeriod);
}

void AgentLibrary::look() {
  redis::Command list("FUNCTION", "LIST", "LIBRARYNAME", kAgentLibrary);
  static_cast<void>(redis_.send(list, redis::reply_to<&AgentLibrary::on_listed>(this)));
}

void AgentLibrary::on_listed(uint64_t, const redis::Answer& answer) {
  if (!answer) return;
  if ((*answer)->is_error()) return refused(**answer);
  if ((*answer)->count > 0) return;
  redis::Command load("FUNCTION", "LOAD", agent_library());
  static_cast<void>(redis_.send(load, redis::reply_to<&AgentLibrary::on_loaded>(this)));
}

void AgentLibrary::on_loaded(uint64_t, const redis::Answer& answer) {
  if (!answer) return;
  const bool another_did = (*answer)->is_error() && (*answer)->text.ends_with("already exists");
  if ((*answer)->is_error() && !another_did) return refused(**answer);
  repeat_.reset();
  if (!another_did) log_.info("agent_library_loaded", {{"library", kAgentLibrary}});
}

void AgentLibrary::refused(const redis::Reply& error) {
  if (error.text.starts_with("ERR unknown command")) return pause();
  const Error why = redis::error_of(error);
  if (repeat_.should_log(why.message, mono_now()))
    log_.warn("agent_library_not_loaded", {{"library", kAgentLibrary}, {"error", why.message}});
}

}  // namespace mas::common
