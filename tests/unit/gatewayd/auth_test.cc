// Who may speak as whom: every decision of the authentication, and in which order they come.
#include "daemons/gatewayd/auth/authenticate.h"
#include "proto/base/random.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

constexpr WallMicros kNow = 1'795'350'097'000'000;
constexpr WallMicros kSecond = 1'000'000;
constexpr WallMicros kMinute = 60 * kSecond;
constexpr unsigned kPartition = 3;

const std::string kKey1 = "the first key, 32 random bytes..";
const std::string kKey2 = "the second key, 32 random bytes.";

/// An identity with two keys and two tokens, and frames of its agent.
struct World {
  MasterKey master = MasterKey::generate();
  Identity identity;
  AuthPolicy policy;
  std::string token = "new-token";
  std::optional<Digest> registry_token;

  World() {
    identity.id = "alice";
    identity.token_hash = token_hash("new-token");
    identity.token_hash_old = token_hash("old-token");
    identity.token_old_until = kNow + kMinute;
    add_key("k1", kKey1, kNow + kMinute);
    add_key("k2", kKey2, 0);
    identity.created_at = kNow - kMinute;
  }
  void add_key(const std::string& id, const std::string& key, WallMicros not_after) {
    identity.keys.push_back({id, seal_identity_key(master, "", "alice", id, key), kNow - kMinute, not_after});
  }
  SenderSecrets secrets() const {
    SenderSecrets made = secrets_of(identity, &master);
    made.registry_token = registry_token;
    return made;
  }
};

/// A frame as it is on the wire, so that its views have bytes to live in.
struct Sent {
  std::string bytes;
  Frame frame;
  std::vector<Digest> digests;

  Sent(CredentialKind kind, const std::string& credential, const std::string& key = {}, WallMicros at = kNow) {
    std::string records;
    append_record(records, "{\"a\":1}");
    append_record(records, "{}");
    FrameHeader header;
    header.kind = kind;
    header.id = new_instance_id();
    header.instance = new_instance_id();
    header.timestamp = at;
    header.sender = "alice";
    header.credential = credential;
    std::vector<Record> list;
    RecordReader reader(records);
    for (Record record; reader.next(record);) {
      list.push_back(record);
      digests.push_back(sha256(record.envelope));
    }
    std::string input;
    append_frame_mac_input(input, "", kPartition, header, list, digests);
    Digest mac = HmacKey(key).tag(input);
    append_frame(bytes, header, kind == CredentialKind::kKey ? &mac : nullptr, 2, records);
    REQUIRE(decode_frame(bytes, frame).ok());
  }
  Sent(const Sent&) = delete;
};

AuthResult result_of(const Sent& sent, const SenderSecrets& secrets, const AuthPolicy& policy, WallMicros now = kNow,
                     std::string_view ns = "", unsigned partition = kPartition) {
  std::string scratch;
  return authenticate(sent.frame, ns, partition, sent.digests, secrets, policy, now, scratch);
}

Decision with_token(const World& world, const std::string& token, WallMicros now = kNow) {
  return result_of(Sent(CredentialKind::kToken, token, {}, now), world.secrets(), world.policy, now).decision;
}

Decision with_key(const World& world, const std::string& id, const std::string& key, WallMicros now = kNow) {
  return result_of(Sent(CredentialKind::kKey, id, key, now), world.secrets(), world.policy, now).decision;
}

}  // namespace

TEST_CASE("a sender without identity has no credential that fits") {
  World world;
  SenderSecrets nobody = secrets_of(Error{Errc::kNotFound, "none"}, &world.master);
  CHECK(nobody.found == SenderSecrets::Found::kNone);
  CHECK(nobody.problem.empty());
  for (const char* token : {"", "new-token"}) {
    Sent sent(CredentialKind::kToken, token);
    CHECK(result_of(sent, nobody, {}).decision == Decision::kAuthFailed);
    CHECK(result_of(sent, SenderSecrets{}, {}).decision == Decision::kAuthFailed);
  }
  CHECK(result_of(Sent(CredentialKind::kKey, "k1", kKey1), nobody, {}).decision == Decision::kAuthFailed);
}

TEST_CASE("tokens: the right one, another's, the one before it") {
  World world;
  CHECK(with_token(world, "new-token") == Decision::kAllowed);
  for (const char* bad : {"", "New-token", "new-toke", "new-token ", "k1"})
    CHECK(with_token(world, bad) == Decision::kAuthFailed);
  CHECK(with_token(world, to_hex(token_hash("new-token"))) == Decision::kAuthFailed);  // what Redis holds is no token
  CHECK(with_token(world, "old-token") == Decision::kAllowed);
  CHECK(with_token(world, "old-token", kNow + kMinute) == Decision::kAllowed);
  CHECK(with_token(world, "old-token", kNow + kMinute + 1) == Decision::kAuthFailed);
  CHECK(with_token(world, "new-token", kNow + 1000 * kMinute) == Decision::kAllowed);
}

TEST_CASE("keys: the right one, an unknown one, one past its overlap, one under another's id") {
  World world;
  CHECK(with_key(world, "k1", kKey1) == Decision::kAllowed);
  CHECK(with_key(world, "k2", kKey2) == Decision::kAllowed);
  CHECK(with_key(world, "k3", kKey1) == Decision::kAuthFailed);
  CHECK(with_key(world, "", kKey1) == Decision::kAuthFailed);
  CHECK(with_key(world, "k1", kKey2) == Decision::kSignatureInvalid);
  CHECK(with_key(world, "k1", "") == Decision::kSignatureInvalid);
  CHECK(with_key(world, "k1", kKey1, kNow + kMinute) == Decision::kAllowed);
  CHECK(with_key(world, "k1", kKey1, kNow + kMinute + 1) == Decision::kAuthFailed);
  CHECK(with_key(world, "k2", kKey2, kNow + 1000 * kMinute) == Decision::kAllowed);
}

TEST_CASE("a signed frame holds in its namespace and partition, for its records") {
  World world;
  SenderSecrets secrets = world.secrets();
  Sent sent(CredentialKind::kKey, "k1", kKey1);
  CHECK(result_of(sent, secrets, {}).ok());
  CHECK(result_of(sent, secrets, {}, kNow, "acme").decision == Decision::kSignatureInvalid);
  CHECK(result_of(sent, secrets, {}, kNow, "", kPartition + 1).decision == Decision::kSignatureInvalid);
  std::swap(sent.digests[0], sent.digests[1]);
  CHECK(result_of(sent, secrets, {}).decision == Decision::kSignatureInvalid);
  sent.digests.pop_back();
  CHECK(result_of(sent, secrets, {}).decision == Decision::kSignatureInvalid);
}

TEST_CASE("where signatures are required, a token does not do") {
  World world;
  world.policy.require_signature = true;
  CHECK(with_token(world, "new-token") == Decision::kAuthFailed);
  CHECK(with_key(world, "k1", kKey1) == Decision::kAllowed);
  AuthResult told = result_of(Sent(CredentialKind::kToken, "new-token"), world.secrets(), world.policy);
  CHECK(told.detail.find("sign") != std::string_view::npos);
  AuthResult forger = result_of(Sent(CredentialKind::kToken, "guess"), world.secrets(), world.policy);
  CHECK(forger.detail.find("sign with") == std::string_view::npos);
}

TEST_CASE("state and expiry refuse who is authentic") {
  World world;
  world.identity.state = IdentityState::kRevoked;
  CHECK(with_token(world, "new-token") == Decision::kRevoked);
  CHECK(with_key(world, "k1", kKey1) == Decision::kRevoked);
  world.identity.state = IdentityState::kSuspended;
  CHECK(with_token(world, "new-token") == Decision::kSuspended);
  CHECK(with_key(world, "k1", kKey1) == Decision::kSuspended);
  world.identity.expires_at = kNow;
  CHECK(with_token(world, "new-token") == Decision::kSuspended);
  CHECK(with_token(world, "new-token", kNow + 1) == Decision::kRevoked);
  world.identity.state = IdentityState::kActive;
  CHECK(with_token(world, "new-token") == Decision::kAllowed);
  CHECK(with_token(world, "new-token", kNow + 1) == Decision::kRevoked);
}

TEST_CASE("who is not authentic learns nothing about the state") {
  World world;
  AuthResult active_token = result_of(Sent(CredentialKind::kToken, "guess"), world.secrets(), {});
  AuthResult active_key = result_of(Sent(CredentialKind::kKey, "k1", "guess"), world.secrets(), {});
  for (auto state : {IdentityState::kRevoked, IdentityState::kSuspended}) {
    world.identity.state = state;
    AuthResult token = result_of(Sent(CredentialKind::kToken, "guess"), world.secrets(), {});
    AuthResult key = result_of(Sent(CredentialKind::kKey, "k1", "guess"), world.secrets(), {});
    CHECK(token.decision == Decision::kAuthFailed);
    CHECK(token.detail == active_token.detail);
    CHECK(key.decision == Decision::kSignatureInvalid);
    CHECK(key.detail == active_key.detail);
  }
  // Nor whether an agent has an identity at all.
  CHECK(result_of(Sent(CredentialKind::kToken, "guess"), SenderSecrets{}, {}).detail == active_token.detail);
}

TEST_CASE("the timestamp must be within the window, on both sides") {
  World world;
  SenderSecrets secrets = world.secrets();
  world.policy.drift = std::chrono::minutes(5);
  for (bool key : {false, true}) {
    auto at = [&](WallMicros time) {
      Sent sent(key ? CredentialKind::kKey : CredentialKind::kToken, key ? "k2" : "new-token", kKey2, time);
      return result_of(sent, secrets, world.policy).decision;
    };
    CHECK(at(kNow - 5 * kMinute) == Decision::kAllowed);
    CHECK(at(kNow + 5 * kMinute) == Decision::kAllowed);
    CHECK(at(kNow - 5 * kMinute - 1) == Decision::kReplayed);
    CHECK(at(kNow + 5 * kMinute + 1) == Decision::kReplayed);
    CHECK(at(0) == Decision::kReplayed);
    CHECK(at(INT64_MAX) == Decision::kReplayed);
  }
  // State comes first: a revoked sender with a wrong clock is told that it is revoked.
  secrets.state = IdentityState::kRevoked;
  CHECK(result_of(Sent(CredentialKind::kToken, "new-token", {}, 0), secrets, world.policy).decision ==
        Decision::kRevoked);
}

TEST_CASE("the registry's token counts where it is accepted, for senders without an identity") {
  SenderSecrets secrets;
  secrets.registry_token = token_hash("plain");
  AuthPolicy policy;
  Sent sent(CredentialKind::kToken, "plain");
  CHECK(result_of(sent, secrets, policy).ok());
  CHECK(result_of(Sent(CredentialKind::kToken, "other"), secrets, policy).decision == Decision::kAuthFailed);
  policy.accept_registry_token = false;
  CHECK(result_of(sent, secrets, policy).decision == Decision::kAuthFailed);
  // An agent with an identity cannot be spoken for by what everybody may read in the registry.
  World world;
  world.registry_token = token_hash("plain");
  CHECK(with_token(world, "plain") == Decision::kAuthFailed);
  CHECK(with_token(world, "new-token") == Decision::kAllowed);
}

TEST_CASE("what the gateway cannot read or open is UNAVAILABLE, and says so to the operator") {
  World world;
  SenderSecrets unreadable = secrets_of(Error{Errc::kMalformed, "identity: state: expected …"}, &world.master);
  CHECK(unreadable.problem.find("state") != std::string::npos);
  unreadable.registry_token = token_hash("plain");
  for (const char* token : {"plain", "new-token"})
    CHECK(result_of(Sent(CredentialKind::kToken, token), unreadable, {}).decision == Decision::kUnavailable);
  CHECK(result_of(Sent(CredentialKind::kKey, "k1", kKey1), unreadable, {}).decision == Decision::kUnavailable);

  MasterKey other = MasterKey::generate();
  for (const MasterKey* master : {static_cast<const MasterKey*>(nullptr), static_cast<const MasterKey*>(&other)}) {
    SenderSecrets sealed = secrets_of(world.identity, master);
    CHECK(sealed.problem.find("k1") != std::string::npos);
    CHECK(sealed.problem.find("k2") != std::string::npos);
    CHECK(result_of(Sent(CredentialKind::kKey, "k1", kKey1), sealed, {}).decision == Decision::kUnavailable);
    CHECK(result_of(Sent(CredentialKind::kKey, "k9", kKey1), sealed, {}).decision == Decision::kAuthFailed);
    CHECK(result_of(Sent(CredentialKind::kToken, "new-token"), sealed, {}).ok());
  }
}

TEST_CASE("a key that was copied from another agent's identity does not open") {
  World world;
  Identity thief = world.identity;
  thief.id = "mallory";
  SenderSecrets secrets = secrets_of(thief, &world.master);
  CHECK_FALSE(secrets.keys.at(0).hmac.has_value());
  CHECK(world.secrets().problem.empty());
}

TEST_CASE("a key of another size under the seal is not used") {
  World world;
  world.add_key("k3", "short", 0);
  CHECK(with_key(world, "k3", "short") == Decision::kUnavailable);
  world.identity.keys.clear();
  world.add_key("k4", "", 0);
  CHECK(with_key(world, "k4", "") == Decision::kUnavailable);
}
