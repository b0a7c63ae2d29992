// Enrolment of Redis users: what is created, what is changed, and what is left alone.
#include <set>

#include "sdk/masctl/users/plan.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::ctl;

namespace {

constexpr int64_t kNow = 1'795'350'000;

EnrolmentWish wish() {
  EnrolmentWish wish;
  wish.id = "bob";
  wish.capabilities = {"chat"};
  wish.lifetime = 100;
  return wish;
}

UserRecord enrolled() {
  auto plan = plan_enrolment(nullptr, wish(), kNow);
  new_password(plan->record, 0, kNow);
  return plan->record;
}

}  // namespace

TEST_CASE("a user that is not there is created") {
  auto plan = plan_enrolment(nullptr, wish(), kNow);
  REQUIRE(plan.ok());
  CHECK(plan->step == EnrolmentStep::kCreate);
  CHECK(plan->record.expires_at == kNow + 100);
  CHECK(plan->record.version == 1);
  EnrolmentWish all = wish();
  all.capabilities.clear();
  CHECK(plan_enrolment(nullptr, all, kNow)->record.capabilities == std::vector<std::string>{"*"});
}

TEST_CASE("the same wish again changes nothing, also later") {
  UserRecord before = enrolled();
  auto plan = plan_enrolment(&before, wish(), kNow + 50);
  REQUIRE(plan.ok());
  CHECK(plan->step == EnrolmentStep::kUnchanged);
  CHECK(plan->record == before);
}

TEST_CASE("another wish changes rights and keeps secrets") {
  UserRecord before = enrolled();
  EnrolmentWish other = wish();
  other.modes = AgentModes::kPeer;
  auto plan = plan_enrolment(&before, other, kNow);
  REQUIRE(plan.ok());
  CHECK(plan->step == EnrolmentStep::kChange);
  CHECK(plan->record.password == before.password);
  CHECK(plan->record.version == before.version + 1);
}

TEST_CASE("revoked and suspended users are not enrolled by the way; expired ones are new") {
  UserRecord before = enrolled();
  REQUIRE(change_state(before, UserState::kSuspended).ok());
  CHECK(plan_enrolment(&before, wish(), kNow).error().code == Errc::kInvalidState);
  REQUIRE(change_state(before, UserState::kRevoked).ok());
  CHECK(plan_enrolment(&before, wish(), kNow).error().code == Errc::kInvalidState);
  CHECK_FALSE(change_state(before, UserState::kActive).ok());
  EnrolmentWish forced = wish();
  forced.force = true;
  auto plan = plan_enrolment(&before, forced, kNow);
  REQUIRE(plan.ok());
  CHECK(plan->step == EnrolmentStep::kCreate);
  CHECK(plan->record.state == UserState::kActive);
  CHECK(plan->record.version == before.version + 1);
  UserRecord expired = enrolled();
  CHECK(plan_enrolment(&expired, wish(), kNow + 100)->step == EnrolmentStep::kCreate);
}

TEST_CASE("passwords are random, kept as hashes, and overlap") {
  UserRecord record = enrolled();
  std::set<std::string> passwords;
  for (int i = 0; i < 20; ++i) {
    const Digest before = record.password;
    Secret password = new_password(record, 60, kNow);
    CHECK(password.text().size() == 43);
    CHECK(record.password == sha256(password.text()));
    CHECK(record.password_old == before);
    CHECK(record.password_old_until == kNow + 60);
    passwords.insert(std::string(password.text()));
  }
  CHECK(passwords.size() == 20);
  new_password(record, 0, kNow);
  CHECK_FALSE(record.password_old.has_value());
}
