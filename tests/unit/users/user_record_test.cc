// Records of Redis users: written, read back, and refused when anything is wrong.
#include "proto/users/user_record.h"

#include "tests/unit/catch.h"

using namespace mas;

namespace {

UserRecord full() {
  UserRecord record;
  record.id = "bob";
  record.modes = AgentModes::kGateway;
  record.discover = false;
  record.capabilities = {"chat", "plan:*"};
  record.state = UserState::kSuspended;
  record.password = sha256("new");
  record.password_old = sha256("old");
  record.password_old_until = 1'795'350'097;
  record.created_at = 1'795'350'000;
  record.expires_at = 1'795'360'000;
  record.version = 7;
  return record;
}

std::string least(const std::string& more = "") {
  return R"({"role":"agent","id":"bob","state":"active","password":")" + to_hex(sha256("x")) +
         R"(","created_at":1,"expires_at":0,"version":1)" + more + "}";
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

std::string refusal(const std::string& json, std::string_view field = "agent.bob") {
  auto record = parse_user_record(field, json);
  return record ? "" : record.error().message;
}

}  // namespace

TEST_CASE("a record is read as it was written") {
  auto record = parse_user_record("agent.bob", user_record_json(full()));
  REQUIRE(record.ok());
  CHECK(*record == full());
  UserRecord staff = full();
  staff.role = UserRole::kGatewayd;
  CHECK(parse_user_record("gatewayd.bob", user_record_json(staff)).ok());
  CHECK(user_record_json(staff).find("modes") == std::string::npos);
}

TEST_CASE("a record without what it may leave out, and with what nobody knows") {
  auto record = parse_user_record("agent.bob", least(R"(,"hat":{"size":7})"));
  REQUIRE(record.ok());
  CHECK(record->modes == AgentModes::kBoth);
  CHECK(record->discover);
  CHECK_FALSE(record->password_old.has_value());
}

TEST_CASE("a record that is wrong names the member and never a password") {
  CHECK(refusal("{") != "");
  CHECK(refusal(least(), "agent.eve") == "user: role and id: expected those in the field's name");
  CHECK(refusal(least(), "gatewayd.bob") == "user: role and id: expected those in the field's name");
  CHECK(refusal(replaced(least(), "\"agent\"", "\"king\"")).starts_with("user: role: expected agent, gatewayd"));
  CHECK(refusal(replaced(least(), "\"active\"", "\"actve\"")) == "user: state: expected active, suspended, revoked");
  CHECK(refusal(replaced(least(), "\"active\"", "1")).starts_with("user: state"));
  CHECK(refusal(replaced(least(), to_hex(sha256("x")), "hunter2")) == "user: password: expected 64 hexadecimal digits");
  CHECK(refusal(replaced(least(), "\"expires_at\":0", "\"expires_at\":-1")).starts_with("user: expires_at: expected"));
  CHECK(
      refusal(replaced(least(), "\"expires_at\":0", "\"expires_at\":1e99")).starts_with("user: expires_at: expected"));
  CHECK(refusal(replaced(least(), ",\"version\":1", "")) == "user: version: expected the member");
  CHECK(refusal(replaced(least(), "\"version\":1", "\"version\":0")).starts_with("user: version"));
  CHECK(refusal(least(R"(,"password_old":"x")")).starts_with("user: password_old: expected 64"));
  CHECK(refusal(least(R"(,"discover":1)")) == "user: discover: expected true or false");
  CHECK(refusal(least(R"(,"capabilities":"*")")) == "user: capabilities: expected an array of capabilities");
}

TEST_CASE("no id has a character that Redis's patterns give a meaning to") {
  for (const char* id : {"*", "b*b", "b?b", "b[a]", "b\\b", "b]", "b b", "b:alive", "", "-b"}) {
    std::string json = replaced(least(), "\"bob\"", R"(")" + std::string(id) + R"(")");
    CHECK(refusal(json, "agent." + std::string(id)) != "");
  }
}

TEST_CASE("when a user is good") {
  UserRecord record = full();
  CHECK_FALSE(user_is_good(record, record.created_at));
  record.state = UserState::kRevoked;
  CHECK_FALSE(user_is_good(record, record.created_at));
  record.state = UserState::kActive;
  CHECK(user_is_good(record, record.expires_at - 1));
  CHECK_FALSE(user_is_good(record, record.expires_at));
  record.expires_at = 0;
  CHECK(user_is_good(record, 253'402'300'799));
}

TEST_CASE("when a user changes by time alone") {
  UserRecord record = full();
  CHECK(user_changes_at(record, record.created_at) == 0);  // suspended
  record.state = UserState::kActive;
  CHECK(user_changes_at(record, record.created_at) == record.password_old_until);
  CHECK(user_changes_at(record, record.password_old_until) == record.expires_at);
  CHECK(user_changes_at(record, record.expires_at) == 0);
  record.expires_at = 0;
  CHECK(user_changes_at(record, record.created_at) == record.password_old_until);
  record.password_old.reset();
  CHECK(user_changes_at(record, record.created_at) == 0);
}
