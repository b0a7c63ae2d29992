// FUNCTION LIST, FUNCTION LOAD.
#include "daemons/common/agent_library.h"

#include <utility>

#include "proto/wire/agent_functions.h"

namespace mas::common {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(5);

/// @param library an element of FUNCTION LIST's reply: names and values in turn. @return empty: it has no text.
std::string_view code_of(const redis::Reply& library) {
  if (!library.is_array()) return {};
  for (size_t i = 0; i + 1 < library.count; i += 2)
    if (library[i].text == "library_code") return library[i + 1].text;
  return {};
}

}  // namespace

AgentLibrary::AgentLibrary(uv_loop_t* loop, redis::Client& redis, Log& log)
    : redis_(redis), log_(log), timer_(loop, [this] { look(); }) {}

void AgentLibrary::resume() {
  look();
  timer_.every(kPeriod);
}

void AgentLibrary::look() {
  redis_.forget(this);
  primaries_ = redis_.primaries();
  const redis::Command list("FUNCTION", "LIST", "LIBRARYNAME", kAgentLibrary, "WITHCODE");
  for (size_t i = 0; i < primaries_.size(); ++i)
    static_cast<void>(redis_.send_to(primaries_[i], list, redis::reply_to<&AgentLibrary::on_listed>(this, i)));
}

void AgentLibrary::on_listed(uint64_t primary, const redis::Answer& answer) {
  if (!answer) return;
  if ((*answer)->is_error()) return refused(**answer);
  const redis::Reply& libraries = **answer;
  const std::string ours = agent_library();
  const bool there = libraries.is_array() && libraries.count > 0;
  if (there && code_of(libraries[0]) == ours) return;
  if (there) log_.error("agent_library_altered", {{"library", kAgentLibrary}, {"action", "replaced"}});
  redis::Command load =
      there ? redis::Command("FUNCTION", "LOAD", "REPLACE", ours) : redis::Command("FUNCTION", "LOAD", ours);
  static_cast<void>(
      redis_.send_to(primaries_[primary], std::move(load), redis::reply_to<&AgentLibrary::on_loaded>(this)));
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
