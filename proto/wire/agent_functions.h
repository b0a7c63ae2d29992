// The library of functions that agents call on the server (FCALL), so that no agent needs EVAL.
//
// Happy path: every daemon loads kAgentLibrary into Redis and looks every few seconds whether it is still there
// (daemons/common/agent_library.h); agents call its functions by name (sdk/src/core/server_functions.h).
// Failure modes:
//   no library, or no functions   agents run the body of a function by EVAL, where their Redis user may
//   a user without a right        Redis checks a caller's rights for the keys that it names and for every command in a
//                                 function
// Rules for these functions, since any agent may call them: a function does nothing that its caller could not do by
// plain commands, and takes no longer than what its caller has written before. A change of a function raises the number
// in all names, so that older and newer agents find theirs during an upgrade; unit_wire holds the digest.
// Threading: immutable. Ownership: static texts.
#pragma once

#include <string>
#include <string_view>

namespace mas {

struct AgentFunction {
  std::string_view name;
  std::string_view body;  ///< Lua over KEYS and ARGV, also for EVAL
};

inline constexpr std::string_view kAgentLibrary = "mas_agent_3";

/// Claims entries of instances that are gone; see the body for keys, arguments and reply.
extern const AgentFunction kClaimFunction;
/// Takes an instance's registration back, and the agent's when no other instance lives.
extern const AgentFunction kTakeBackFunction;

/// @return the argument of FUNCTION LOAD.
std::string agent_library();

}  // namespace mas
