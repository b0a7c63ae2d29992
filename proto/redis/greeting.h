// The first commands of a connection (AUTH, SELECT, CLIENT SETNAME, PING, in one write), and which answers end the
// link.
//
// Failures, as take() returns them:
//   kAuthFailed   AUTH was refused
//   any other     Redis does not serve us (LOADING, MASTERDOWN, too many clients), or has no such database
// These refusals are no failures:
//   CLIENT SETNAME   for any reason but too many clients
//   PING             because the user has no right to it, or because Redis refuses writes since a snapshot failed
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "proto/redis/reply.h"
#include "proto/redis/url.h"

namespace mas::redis {

class Greeting {
 public:
  /// Begins anew. @return the commands' bytes; they contain the password.
  std::string begin(const Endpoint& endpoint, std::string_view client_name);
  /// Takes the next answer; not when done().
  Status take(const Reply& reply);
  /// Whether every command of the greeting has its answer.
  bool done() const { return expected_.empty(); }

 private:
  enum class Step : uint8_t { kAuth, kSelect, kName, kPing };

  std::deque<Step> expected_;
};

}  // namespace mas::redis
