// What `enroll` and `user` do to a record: decided here, written elsewhere.
//
// Failure: kInvalidState with the command to use instead. Threading: none. Pure but for randomness.
#pragma once

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/base/secret.h"
#include "proto/users/user_record.h"

namespace mas::ctl {

/// What an operator asks for.
struct EnrolmentWish {
  UserRole role = UserRole::kAgent;
  std::string id;
  AgentModes modes = AgentModes::kBoth;
  bool discover = true;
  std::vector<std::string> capabilities;  ///< empty: all
  int64_t lifetime = 0;                   ///< seconds from now; 0: for ever
  bool force = false;                     ///< new secrets also where there is a user
};

enum class EnrolmentStep : uint8_t {
  kCreate,     ///< new secrets
  kChange,     ///< other rights, the same secrets
  kUnchanged,  ///< the user is as it was asked for
};

struct EnrolmentPlan {
  EnrolmentStep step = EnrolmentStep::kCreate;
  UserRecord record;  ///< for kCreate without a password yet
};

/// @param before the record that is there; null: none. An expired user is made anew; a lifetime counts from the
/// creation, so the same wish again changes nothing. @param now seconds since 1970.
Result<EnrolmentPlan> plan_enrolment(const UserRecord* before, const EnrolmentWish& wish, int64_t now);

/// Gives the record a new random password. The former one stays good for `overlap` seconds.
/// @return the password.
Secret new_password(UserRecord& record, int64_t overlap, int64_t now);

/// @return ok if a user may go from its state to another.
Status change_state(UserRecord& record, UserState to);

}  // namespace mas::ctl
