// Identities as Redis holds them: written, read back, and refused when anything is wrong.
#include "proto/wire/identity.h"

#include <map>

#include "proto/wire/limits.h"
#include "tests/unit/catch.h"

using namespace mas;

namespace {

using Fields = std::map<std::string, std::string>;

Result<Identity> read(const Fields& fields, std::string_view id = "alice") {
  std::vector<std::string_view> flat;
  for (const auto& [name, value] : fields) flat.insert(flat.end(), {name, value});
  return identity_from_fields(id, flat);
}

Fields fields_of(const Identity& identity) {
  Fields out;
  for (auto& [name, value] : identity_fields(identity)) out[name] = value;
  return out;
}

const Fields kLeast = {{"state", "active"}, {"created_at", "1795350097.286038"}, {"expires_at", "0"}, {"version", "1"}};

Fields with(const std::string& name, const std::string& value) {
  Fields fields = kLeast;
  fields[name] = value;
  return fields;
}

Identity full() {
  Identity identity;
  identity.id = "alice";
  identity.token_hash = token_hash("new");
  identity.token_hash_old = token_hash("old");
  identity.token_old_until = 1'795'350'097'000'001;
  identity.keys = {{"k1", "c2VhbGVk", 1'795'350'000'000'000, 1'795'350'097'000'000}, {"k2", "c2VhbGVkMg", 1, 0}};
  identity.state = IdentityState::kSuspended;
  identity.created_at = 1'795'350'000'123'456;
  identity.expires_at = 1'799'999'999'000'000;
  identity.claims = {"chat", "sum*", "maße"};
  identity.version = 7;
  return identity;
}

}  // namespace

TEST_CASE("an identity is read back as it was written") {
  auto identity = read(fields_of(full()));
  REQUIRE(identity.ok());
  CHECK(identity->id == "alice");
  CHECK(identity->token_hash == token_hash("new"));
  CHECK(identity->token_hash_old == token_hash("old"));
  CHECK(identity->token_old_until == 1'795'350'097'000'001);
  REQUIRE(identity->keys.size() == 2);
  CHECK(identity->keys[0].id == "k1");
  CHECK(identity->keys[0].sealed == "c2VhbGVk");
  CHECK(identity->keys[0].created_at == 1'795'350'000'000'000);
  CHECK(identity->keys[0].not_after == 1'795'350'097'000'000);
  CHECK(identity->keys[1].created_at == 1);
  CHECK(identity->keys[1].not_after == 0);
  CHECK(identity->state == IdentityState::kSuspended);
  CHECK(identity->created_at == 1'795'350'000'123'456);
  CHECK(identity->expires_at == 1'799'999'999'000'000);
  CHECK(identity->claims == std::vector<std::string>{"chat", "sum*", "maße"});
  CHECK(identity->version == 7);
  CHECK(fields_of(*identity) == fields_of(full()));
}

TEST_CASE("the least identity has neither token nor key: it lets nobody in") {
  auto identity = read(kLeast);
  REQUIRE(identity.ok());
  CHECK_FALSE(identity->token_hash.has_value());
  CHECK(identity->keys.empty());
  CHECK(identity->claims.empty());
  CHECK(read({}).error().code == Errc::kNotFound);
}

TEST_CASE("a field that is missing, wrong or unknown makes an identity unreadable") {
  for (const char* name : {"state", "created_at", "expires_at", "version"}) {
    Fields fields = kLeast;
    fields.erase(name);
    INFO(name);
    CHECK(read(fields).error().code == Errc::kMalformed);
    CHECK(read(fields).error().message.find(name) != std::string::npos);
  }
  struct Bad {
    const char *name, *value;
  };
  for (auto [name, value] : std::initializer_list<Bad>{
           {"state", "REVOKED"},
           {"state", ""},
           {"state", "active "},
           {"stat", "revoked"},
           {"token", "secret"},
           {"token_hash", "abc"},
           {"token_hash", ""},
           {"token_hash_old", "0000000000000000000000000000000000000000000000000000000000000000"},  // for ever
           {"token_old_until", "-1"},
           {"created_at", "now"},
           {"expires_at", ""},
           {"expires_at", "-1"},
           {"expires_at", "1e9"},
           {"expires_at", "1.2.3"},
           {"expires_at", "1."},
           {"expires_at", ".5"},
           {"expires_at", " 1"},
           {"expires_at", "0x10"},
           {"expires_at", "nan"},
           {"expires_at", "1.1234567"},
           {"expires_at", "99999999999"},
           {"version", "0"},
           {"version", "-1"},
           {"version", "1.0"},
           {"version", "99999999999999999999"},
           {"claims", "chat"},
           {"claims", "[1]"},
           {"claims", R"([""])"},
           {"claims", R"({"a":1})"},
           {"keys", "[]"},
           {"keys", "{"},
           {"keys", R"({"k":1})"},
           {"keys", R"({"k":{}})"},
           {"keys", R"({"k":{"sealed":"x"}})"},
           {"keys", R"({"k":{"created_at":1}})"},
           {"keys", R"({"k":{"sealed":"","created_at":1}})"},
           {"keys", R"({"k":{"sealed":1,"created_at":1}})"},
           {"keys", R"({"k":{"sealed":"x","created_at":"1"}})"},
           {"keys", R"({"k":{"sealed":"x","created_at":-1}})"},
           {"keys", R"({"k":{"sealed":"x","created_at":1,"not_after":true}})"},
           {"keys", R"({"k":{"sealed":"x","created_at":1,"notafter":1}})"},
           {"keys", R"({"":{"sealed":"x","created_at":1}})"},
           {"keys", R"({"a b":{"sealed":"x","created_at":1}})"}}) {
    INFO(name << " = " << value);
    auto identity = read(with(name, value));
    REQUIRE_FALSE(identity.ok());
    CHECK(identity.error().code == Errc::kMalformed);
  }
  CHECK(read(kLeast, "not an id").error().code == Errc::kMalformed);
  std::vector<std::string_view> twice;
  for (const auto& [name, value] : kLeast) twice.insert(twice.end(), {name, value, name, value});
  CHECK(identity_from_fields("alice", twice).error().code == Errc::kMalformed);
  CHECK(identity_from_fields("alice", std::vector<std::string_view>{"state"}).error().code == Errc::kMalformed);
}

TEST_CASE("an error names the field, not what stood in it") {
  auto message = read(with("token_hash", "s3cret-by-mistake")).error().message;
  CHECK(message.find("token_hash") != std::string::npos);
  CHECK(message.find("s3cret") == std::string::npos);
  message = read(with("keys", R"({"k":{"sealed":"s3cret","created_at":-1}})")).error().message;
  CHECK(message.find("s3cret") == std::string::npos);
}

TEST_CASE("limits of an identity") {
  std::string many = "{";
  for (size_t i = 0; i <= limits::kIdentityKeys; ++i)
    many += (i == 0 ? "" : ",") + ("\"k" + std::to_string(i)) + R"(":{"sealed":"x","created_at":1})";
  CHECK(read(with("keys", many + "}")).error().code == Errc::kTooLarge);
  std::string sealed(limits::kSealedKeyBytes + 1, 'x');
  CHECK_FALSE(read(with("keys", R"({"k":{"sealed":")" + sealed + R"(","created_at":1}})")).ok());
  CHECK(read(with("claims", std::string(limits::kIdentityFieldBytes + 1, ' '))).error().code == Errc::kTooLarge);
}

TEST_CASE("a sealed key opens for its agent and key id only") {
  MasterKey master = MasterKey::generate();
  IdentityKey key{"k1", seal_identity_key(master, "prod", "alice", "k1", "the key's 32 bytes of randomness"), 1, 0};
  CHECK(key.sealed.size() <= limits::kSealedKeyBytes);
  auto plain = unseal_identity_key(master, "prod", "alice", key);
  REQUIRE(plain.ok());
  CHECK(*plain == "the key's 32 bytes of randomness");
  CHECK(unseal_identity_key(master, "prod", "bob", key).error().code == Errc::kAuthFailed);
  CHECK(unseal_identity_key(master, "staging", "alice", key).error().code == Errc::kAuthFailed);
  CHECK(unseal_identity_key(master, "", "alice", key).error().code == Errc::kAuthFailed);
  CHECK(unseal_identity_key(MasterKey::generate(), "prod", "alice", key).error().code == Errc::kAuthFailed);
  key.id = "k2";
  CHECK(unseal_identity_key(master, "prod", "alice", key).error().code == Errc::kAuthFailed);
  // Ids are length-prefixed: "alice" + "k1" is not "alicek" + "1".
  key.id = "1";
  CHECK_FALSE(unseal_identity_key(master, "prod", "alicek", key).ok());
}

TEST_CASE("which capabilities an agent may claim") {
  CHECK_FALSE(may_claim({}, "chat"));
  CHECK(may_claim({"*"}, "anything"));
  CHECK(may_claim({"chat"}, "chat"));
  CHECK_FALSE(may_claim({"chat"}, "chats"));
  CHECK(may_claim({"sum", "chat:*"}, "chat:german"));
  CHECK(may_claim({"chat:*"}, "chat:"));
  CHECK_FALSE(may_claim({"chat:*"}, "chat"));
  CHECK(may_claim({"*:read"}, "a:b:read"));
  CHECK(may_claim({"a*b*c"}, "aXbXbYc"));
  CHECK_FALSE(may_claim({"a*b*c"}, "aXcXb"));
  CHECK_FALSE(may_claim({std::string(60, '*') + "x"}, std::string(128, 'y')));
}

TEST_CASE("key ids") {
  for (const char* good :
       {"k", "k1", "2026-11", "A.b_c", "1111111111111111111111111111111111111111111111111111111111111111"})
    CHECK(check_key_id(good).ok());
  for (const char* bad :
       {"", "a b", "a:b", "ä", "a\n", "11111111111111111111111111111111111111111111111111111111111111111"})
    CHECK_FALSE(check_key_id(bad).ok());
}
