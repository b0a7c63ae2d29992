// libmas's handles as C++ objects, and its status as ours.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "proto/base/result.h"
#include "sdk/include/mas.h"
#include "sdk/masctl/cli/globals.h"

namespace mas::ctl {

/// @return the status of the libmas call that this thread has just made, with the library's sentence.
inline Status as_status(mas_status status) {
  if (status == MAS_OK) return {};
  return Error{static_cast<Errc>(status), mas_error_detail()};
}

class AgentOptions {
 public:
  AgentOptions() : options_(mas_options_new(), mas_options_free) {}
  mas_options* get() const { return options_.get(); }

  /// Redis and namespace as the command line has them.
  Status connect_as(const Settings& settings) {
    Status status = as_status(mas_options_set_redis_url(get(), settings.redis_url.c_str()));
    if (!status.ok()) return status;
    return as_status(mas_options_set_namespace(get(), settings.ns.c_str()));
  }

 private:
  std::unique_ptr<mas_options, void (*)(mas_options*)> options_;
};

/// Stops the agent, if it still runs, and frees it.
class AgentHandle {
 public:
  static Result<AgentHandle> make(const std::string& id, const AgentOptions& options) {
    mas_agent* agent = nullptr;
    Status status = as_status(mas_agent_new(id.c_str(), options.get(), &agent));
    if (!status.ok()) return status.error();
    return AgentHandle(agent);
  }
  /// As make(), and starts the agent.
  static Result<AgentHandle> started(const Settings& settings, const std::string& id, const AgentOptions& options) {
    auto agent = make(id, options);
    if (!agent.ok()) return agent;
    Status status = as_status(mas_agent_start(agent->get(), settings.timeout_ms()));
    if (!status.ok()) return status.error();
    return agent;
  }
  /// With nothing but the Redis and the namespace of the command line.
  static Result<AgentHandle> started(const Settings& settings, const std::string& id) {
    AgentOptions options;
    Status status = options.connect_as(settings);
    if (!status.ok()) return status.error();
    return started(settings, id, options);
  }
  mas_agent* get() const { return agent_.get(); }

 private:
  static void stop_and_free(mas_agent* agent) {
    mas_agent_stop(agent, 2000);
    mas_agent_free(agent);
  }
  explicit AgentHandle(mas_agent* agent) : agent_(agent, stop_and_free) {}
  std::unique_ptr<mas_agent, void (*)(mas_agent*)> agent_;
};

}  // namespace mas::ctl
