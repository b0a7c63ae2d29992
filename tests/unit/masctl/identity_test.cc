// What `identity create` and `identity rotate` make of an identity.
#include "sdk/masctl/identity/issue.h"

#include "proto/wire/limits.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::ctl;

namespace {

constexpr WallMicros kNow = 1'795'350'097'000'000;
constexpr WallMicros kHour = WallMicros{3600} * 1'000'000;
using std::chrono::hours;

struct World {
  MasterKey master = MasterKey::generate();
  Identity identity;

  World() { identity.id = "alice"; }
  Credentials issue(Duration overlap = hours(24), WallMicros now = kNow, bool token = true, bool key = true) {
    auto credentials = issue_secrets(identity, {token, key, &master, overlap}, now);
    REQUIRE(credentials.ok());
    return *credentials;
  }
  std::string opened(size_t index) const {
    auto plain = unseal_identity_key(master, "", "alice", identity.keys.at(index));
    REQUIRE(plain.ok());
    return *plain;
  }
};

}  // namespace

TEST_CASE("the first secrets: a token by its hash, a key under the seal") {
  World world;
  uint64_t version = world.identity.version;
  Credentials made = world.issue();
  CHECK(made.agent_id == "alice");
  CHECK(world.identity.token_hash == token_hash(made.token));
  CHECK_FALSE(world.identity.token_hash_old.has_value());
  REQUIRE(world.identity.keys.size() == 1);
  CHECK(world.identity.keys[0].id == made.key_id);
  CHECK(world.identity.keys[0].created_at == kNow);
  CHECK(world.identity.keys[0].not_after == 0);
  CHECK(world.opened(0) == made.key);
  CHECK(made.key.size() == kIdentityKeyBytes);
  CHECK(check_key_id(made.key_id).ok());
  CHECK(world.identity.version == version + 1);
}

TEST_CASE("a rotation ends what was there after the overlap") {
  World world;
  Credentials first = world.issue();
  Credentials second = world.issue(hours(1));
  CHECK(world.identity.token_hash == token_hash(second.token));
  CHECK(world.identity.token_hash_old == token_hash(first.token));
  CHECK(world.identity.token_old_until == kNow + kHour);
  REQUIRE(world.identity.keys.size() == 2);
  CHECK(world.identity.keys[0].not_after == kNow + kHour);
  CHECK(world.identity.keys[1].not_after == 0);
  CHECK(world.opened(1) == second.key);

  SECTION("another one keeps the earlier end, and the latest token before it") {
    world.issue(hours(24));
    CHECK(world.identity.token_hash_old == token_hash(second.token));
    REQUIRE(world.identity.keys.size() == 3);
    CHECK(world.identity.keys[0].not_after == kNow + kHour);
    CHECK(world.identity.keys[1].not_after == kNow + 24 * kHour);
  }
  SECTION("a shorter overlap brings the end forward") {
    world.issue(std::chrono::minutes(1));
    CHECK(world.identity.keys[0].not_after == kNow + kHour / 60);
  }
  SECTION("what has ended is removed") {
    Credentials third = world.issue(hours(1), kNow + 2 * kHour);
    REQUIRE(world.identity.keys.size() == 2);
    CHECK(world.identity.keys[0].id == second.key_id);
    CHECK(world.identity.keys[1].id == third.key_id);
  }
  SECTION("without overlap nothing of before stays") {
    Credentials third = world.issue(Duration(0));
    REQUIRE(world.identity.keys.size() == 1);
    CHECK(world.identity.keys[0].id == third.key_id);
    CHECK_FALSE(world.identity.token_hash_old.has_value());
    CHECK(world.identity.token_old_until == 0);
  }
}

TEST_CASE("a token or a key alone leaves the other as it is") {
  World world;
  Credentials first = world.issue();
  Credentials token = world.issue(hours(1), kNow, true, false);
  CHECK(token.key.empty());
  CHECK(token.key_id.empty());
  CHECK(world.identity.keys.size() == 1);
  CHECK(world.identity.keys[0].not_after == 0);
  Credentials key = world.issue(hours(1), kNow, false, true);
  CHECK(key.token.empty());
  CHECK(world.identity.token_hash == token_hash(token.token));
  CHECK(world.identity.token_hash_old == token_hash(first.token));
}

TEST_CASE("what cannot be issued changes nothing") {
  World world;
  world.issue();
  auto refused = [&world](const Issue& issue, WallMicros now = kNow) {
    auto before = identity_fields(world.identity);
    auto credentials = issue_secrets(world.identity, issue, now);
    REQUIRE_FALSE(credentials.ok());
    CHECK(identity_fields(world.identity) == before);
    return credentials.error().code;
  };
  CHECK(refused({true, true, nullptr, hours(1)}) == Errc::kInvalidArgument);
  MasterKey other = MasterKey::generate();
  CHECK(refused({true, true, &other, hours(1)}) == Errc::kInvalidState);
  // A token needs no master key, so that another one does not matter.
  CHECK(issue_secrets(world.identity, {true, false, &other, hours(1)}, kNow).ok());
  while (world.identity.keys.size() < limits::kIdentityKeys) world.issue(hours(24));
  CHECK(refused({false, true, &world.master, hours(24)}) == Errc::kInvalidState);
  world.issue(Duration(0));
  world.identity.state = IdentityState::kRevoked;
  CHECK(refused({true, true, &world.master, hours(1)}) == Errc::kInvalidState);
}

TEST_CASE("keys that another master key sealed do not matter once they have ended") {
  World world;
  world.issue(hours(1));
  world.identity.keys[0].not_after = kNow + kHour;
  world.master = MasterKey::generate();
  CHECK_FALSE(issue_secrets(world.identity, {true, true, &world.master, hours(1)}, kNow).ok());
  world.issue(hours(1), kNow + 2 * kHour);
  CHECK(world.identity.keys.size() == 1);
}
