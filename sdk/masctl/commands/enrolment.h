// What `enroll` and `user` share: secrets that are handed out in a file, and a user that is written in the right order.
//
// Order: the file, then the record (with the identity and the operator's record, in one transaction), then the user of
// Redis. So no user exists whose password nobody has. The file is removed again where the record was refused.
#pragma once

#include <optional>
#include <string>

#include "proto/wire/credentials.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/redis/user_store.h"
#include "sdk/masctl/users/plan.h"

namespace mas::ctl {

/// Where an agent that reads the file finds Redis.
struct AgentsWay {
  std::string url;  ///< empty: masctl's own, without user and password
  std::string ca;   ///< empty: that of masctl's URL
};

void add_way_options(Command& command, AgentsWay& way);
/// @return kInvalidArgument for a URL that cannot be read, or that holds a user or a password; where masctl's own way
/// cannot be an agent's; and for a database other than 0 without a namespace: users know no databases.
Status check_way(const Context& context, const AgentsWay& way);

/// A user whose secrets are new.
struct Enrolment {
  UserRecord record;
  std::optional<Identity> identity;  ///< changed with it
  Credentials credentials;           ///< of an agent; for daemons and operators only the password counts
};

/// @return what the file of that user holds: an agent's credentials, or a password alone.
std::string file_text(Context& context, const AgentsWay& way, const Enrolment& enrolment);

/// Writes file, record and user. @param cut whether connections that are there end.
Status hand_out(Context& context, const AgentsWay& way, const Enrolment& enrolment, const std::string& file,
                const OperatorNote& note, bool cut);

/// Writes the user of Redis, and again while its record is another one afterwards: somebody may have revoked it
/// meanwhile. Where Redis does not let masctl, a remark says that mas-registryd will do it; a replica that cannot be
/// told is named in a remark.
/// @return any other error.
Status write_user(Context& context, const UserRecord& record, bool cut);

/// Adds the option `--master-key FILE` to a command that makes an agent's key.
void add_master_key_option(Command& command, std::string& file);

/// @return the key that seals the keys of agents, from `--master-key` or MAS_MASTER_KEY_FILE.
Result<MasterKey> read_master_key(const std::string& option);

/// Seconds since 1970.
int64_t seconds_now();

/// @param text a period such as 30d; empty or "0": 0. @param flag for errors.
Result<int64_t> period_seconds(const std::string& text, std::string_view flag);

}  // namespace mas::ctl
