// What each user may and may not do, as commands that Redis is asked about (ACL DRYRUN): the matrix of `acl-audit`.
//
// Written down by itself, and not made from the rules (proto/users/user_rules.h), so that a mistake there shows.
// Threading: pure.
#pragma once

#include <string>
#include <vector>

#include "proto/users/user_record.h"
#include "proto/users/user_rules.h"

namespace mas::ctl {

struct Probe {
  std::string area;  ///< "its own entry"
  bool may = false;
  std::vector<std::string> command;
};

std::vector<Probe> probes_of(const UserRecord& record, const RedisSite& site);

}  // namespace mas::ctl
