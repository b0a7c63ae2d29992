// How an agent runs what has to happen at once on the server: by its function library (proto/wire/agent_functions.h).
//
// Happy path: call() makes an FCALL.
// Failure modes: where Redis has no functions, no library yet, or the user has no right to FCALL, on_error() says
// kAgain, and from then on call() makes an EVAL of the same text. Where that is not permitted either, it is FCALL's
// turn again:
//
//     by function ──not there, not permitted──▶ by script ──not permitted──▶ by function
//
// Threading: the I/O thread. Ownership: the agent's context.
#pragma once

#include <span>
#include <string>

#include "proto/base/result.h"
#include "proto/redis/command.h"
#include "proto/redis/reply.h"
#include "proto/wire/agent_functions.h"

namespace mas::sdk {

class ServerFunctions {
 public:
  enum class After : uint8_t {
    kAgain,    ///< call() makes another command now: send that
    kMissing,  ///< a daemon has to load the library first; missing() says so
    kRefused,  ///< the function, or a right of this agent's, failed: the reply says why
  };

  redis::Command call(const AgentFunction& function, std::span<const std::string> keys,
                      std::span<const std::string> arguments) const;
  /// @param error the reply to a call().
  After on_error(const redis::Reply& error);
  static Error missing();

 private:
  bool by_script_ = false;
  bool may_call_ = true;  ///< as FCALL was last answered
};

}  // namespace mas::sdk
