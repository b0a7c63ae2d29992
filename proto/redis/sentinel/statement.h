// What one sentinel says about a primary: the question's commands, and the reading of their answers.
//
// Happy path: statement_question() is one batch; each reply goes to StatementReader::take() in order, and the statement
// is there after the last one.
// Failure modes:
// - the sentinel does not know the name: kNotFound;
// - it names no valid address, or answers something else: kProtocol;
// - it refuses the first command: Redis's own error. Refusals of the others are tolerated (a user's rights may not
//   go so far): the epoch is then 0, no other sentinel is known, and the sentinel has no id.
// Sentinels announce addresses or, by configuration, host names; both are taken. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/redis/command.h"
#include "proto/redis/reply.h"
#include "proto/redis/url.h"

namespace mas::redis {

struct Statement {
  Node primary;
  uint64_t epoch = 0;           ///< the configuration's: each fail-over raises it
  std::string id;               ///< of the sentinel that says so; empty: not known
  size_t others = 0;            ///< sentinels that it knows besides itself
  std::vector<Node> sentinels;  ///< their addresses, at most kMaxUrlNodes
};

/// How many commands the question has.
inline constexpr size_t kStatementCommands = 4;

Command statement_question(std::string_view master_name);

class StatementReader {
 public:
  explicit StatementReader(std::string master_name) : master_name_(std::move(master_name)) {}

  /// @param index of the command that is answered, starting at 0.
  Status take(size_t index, const Reply& reply);
  /// After the last answer.
  Statement& statement() { return statement_; }

 private:
  Status take_address(const Reply& reply);
  void take_master(const Reply& reply);
  void take_sentinels(const Reply& reply);

  const std::string master_name_;
  Statement statement_;
};

/// @return the node that two texts name; nullopt for an invalid host or port.
std::optional<Node> node_of(const Reply& host, const Reply& port);

/// @param role the reply to ROLE. @return the server that a replica replicates; nullopt for any other reply.
std::optional<Node> replicated_server(const Reply& role);

/// @param payload of `+switch-master`: "name old-host old-port host port".
/// @return whether it is about `master_name`.
bool is_switch_of(std::string_view payload, std::string_view master_name);

}  // namespace mas::redis
