// Enrolment, passwords and states of Redis users.
#include "sdk/masctl/users/plan.h"

#include <utility>

#include "proto/base/random.h"

namespace mas::ctl {

namespace {

constexpr size_t kPasswordBytes = 32;

UserRecord wished(const EnrolmentWish& wish) {
  UserRecord record;
  record.role = wish.role;
  record.id = wish.id;
  record.modes = wish.modes;
  record.discover = wish.discover;
  if (wish.role == UserRole::kAgent)
    record.capabilities = wish.capabilities.empty() ? std::vector<std::string>{"*"} : wish.capabilities;
  return record;
}

}  // namespace

Result<EnrolmentPlan> plan_enrolment(const UserRecord* before, const EnrolmentWish& wish, int64_t now) {
  EnrolmentPlan plan{EnrolmentStep::kCreate, wished(wish)};
  const bool anew = before == nullptr || wish.force || (before->expires_at != 0 && before->expires_at <= now);
  if (anew) {
    plan.record.created_at = now;
    plan.record.expires_at = wish.lifetime == 0 ? 0 : now + wish.lifetime;
    plan.record.version = before == nullptr ? 1 : before->version + 1;
    return plan;
  }
  const std::string user = "'" + user_field(before->role, before->id) + "'";
  if (before->state == UserState::kRevoked)
    return Error{Errc::kInvalidState, user + " was revoked; --force enrolls it anew, with new secrets"};
  if (before->state == UserState::kSuspended)
    return Error{Errc::kInvalidState, user + " is suspended; see 'masctl user resume'"};
  UserRecord after = *before;
  after.modes = plan.record.modes;
  after.discover = plan.record.discover;
  after.capabilities = std::move(plan.record.capabilities);
  plan.step = after == *before ? EnrolmentStep::kUnchanged : EnrolmentStep::kChange;
  if (plan.step == EnrolmentStep::kChange) ++after.version;
  plan.record = std::move(after);
  return plan;
}

Secret new_password(UserRecord& record, int64_t overlap, int64_t now) {
  std::string password = random_token(kPasswordBytes);
  record.password_old.reset();
  if (overlap > 0) record.password_old = record.password;
  record.password_old_until = overlap > 0 ? now + overlap : 0;
  record.password = sha256(password);
  Secret secret(password);
  wipe(password);
  return secret;
}

Status change_state(UserRecord& record, UserState to) {
  if (record.state == UserState::kRevoked && to != UserState::kRevoked)
    return Error{Errc::kInvalidState, "the user was revoked, which is final ('masctl enroll --force' makes a new one)"};
  record.state = to;
  ++record.version;
  return {};
}

}  // namespace mas::ctl
