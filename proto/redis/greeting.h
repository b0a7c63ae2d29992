// The first commands of a connection (AUTH, SELECT, CLIENT SETNAME, ROLE, HELLO, PING, in one write), and which answers
// end the link. HELLO is there where a primary is wanted: it tells the role, and needs no right. ROLE is there where a
// replica is to tell its primary's address; it needs a right, and its refusal is no failure.
//
// Failures, as take() returns them:
//   kAuthFailed   AUTH was refused
//   kUnavailable  the server is no primary, and a primary is wanted
//   any other     Redis does not serve us (LOADING, MASTERDOWN, too many clients), or has no such database
// These refusals are no failures:
//   CLIENT SETNAME   for any reason but too many clients
//   HELLO            by a server that does not know it; its role is then not known
//   PING             because the user has no right to it, or because Redis refuses writes since a snapshot failed
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "proto/redis/reply.h"
#include "proto/redis/url.h"

namespace mas::redis {

/// What HELLO is to say.
enum class Hello : uint8_t {
  kNone,   ///< nothing: any server will do
  kResp2,  ///< the role
  kResp3   ///< the role; and what follows is in RESP3
};

/// Whether ROLE is asked, too.
enum class AskRole : uint8_t { kNo, kYes };

/// @return whether the reply is that of HELLO.
bool is_hello(const Reply& reply);
/// @param hello the reply to HELLO, in RESP2 or RESP3. @return kUnavailable for a server that is not a primary.
Status check_primary(const Reply& hello);

class Greeting {
 public:
  /// Begins anew. @return the commands' bytes; they contain the password.
  std::string begin(const Endpoint& endpoint, std::string_view client_name, Hello hello = Hello::kNone,
                    AskRole role = AskRole::kNo);
  /// Takes the next answer; not when done().
  Status take(const Reply& reply);
  /// Whether every command of the greeting has its answer.
  bool done() const { return expected_.empty(); }
  /// Whether the server answered HELLO, so that it can be asked again.
  bool tells_role() const { return tells_role_; }
  /// The server that this one replicates, where ROLE said so.
  const std::optional<Node>& replicates() const { return replicates_; }

 private:
  enum class Step : uint8_t { kAuth, kSelect, kName, kRole, kHello, kPing };

  std::deque<Step> expected_;
  bool tells_role_ = false;
  std::optional<Node> replicates_;
};

}  // namespace mas::redis
