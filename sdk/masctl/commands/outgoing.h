// An envelope that masctl writes in the name of an agent.
//
// `send` and `request` do not start an agent: starting one would write its registry entry, and stopping it take that
// entry away, also from a program that runs under the same id.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "sdk/masctl/cli/cli.h"

namespace mas::ctl {

/// What the command line says.
struct MessageOptions {
  std::string as;
  std::string target;
  std::string type;
  std::string data;      ///< see read_data
  std::string priority;  ///< the lane; empty: none is told
  bool whole_envelope = false;
  std::string mode;
  std::string credentials;
};

struct Outgoing {
  std::string message_id;
  std::string correlation_id;  ///< empty unless a reply is expected
  std::string json;
};

/// @return kInvalidArgument for an id, type or payload that is not allowed.
Result<Outgoing> make_envelope(const MessageOptions& options, bool expects_reply);

/// Binds --as, TARGET, TYPE and DATA.
void add_message_options(Command& command, MessageOptions& options);

}  // namespace mas::ctl
