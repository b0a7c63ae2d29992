// Ed25519 against RFC 8032, and the forms in which its keys are kept.
#include "proto/wire/sign.h"

#include "proto/base/base64.h"
#include "proto/base/bytes.h"
#include "proto/wire/digest.h"
#include "tests/unit/temp_dir.h"
#include "tests/unit/wire/vector_file.h"

using namespace mas;
using namespace mas::test;

namespace {

struct Vector {
  const char *seed, *public_key, *message, *signature;
};

// RFC 8032 §7.1, TEST 1 to 3.
const Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "5"
     "5141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "0"
     "0d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "0"
     "27beceea1ec40a"},
};

std::string error_of_file(const std::string& path) {
  auto key = SigningKey::read(path);
  return key.ok() ? "" : key.error().message;
}

}  // namespace

TEST_CASE("Ed25519: the vectors of RFC 8032") {
  for (const auto& vector : kVectors) {
    auto key = SigningKey::from_seed(unhex(vector.seed));
    REQUIRE(key.ok());
    std::string message = unhex(vector.message);
    CHECK(to_hex(key->sign(message)) == vector.signature);
    auto verify = VerifyKey::from_text("ed25519:" + base64url(unhex(vector.public_key)));
    REQUIRE(verify.ok());
    CHECK(verify->verify(message, unhex(vector.signature)));
    CHECK(verify->text() == key->public_text());
    CHECK(verify->id() == key->id());
    CHECK(key->id() == to_hex(sha256(unhex(vector.public_key))).substr(0, 16));
  }
}

TEST_CASE("a signature fits its message and key only, whole") {
  SigningKey key = SigningKey::generate();
  auto verify = VerifyKey::from_text(key.public_text());
  REQUIRE(verify.ok());
  Signature signature = key.sign("message");
  CHECK(verify->verify("message", view_of(signature)));
  CHECK_FALSE(verify->verify("Message", view_of(signature)));
  CHECK_FALSE(verify->verify("message", view_of(signature).substr(1)));
  CHECK_FALSE(verify->verify("message", std::string(view_of(signature)) + '\0'));
  CHECK_FALSE(verify->verify("message", ""));
  for (size_t at = 0; at < signature.size(); ++at) {
    Signature changed = signature;
    changed[at] ^= 1;
    CHECK_FALSE(verify->verify("message", view_of(changed)));
  }
  auto other = VerifyKey::from_text(SigningKey::generate().public_text());
  REQUIRE(other.ok());
  CHECK_FALSE(other->verify("message", view_of(signature)));
  CHECK(other->id() != verify->id());
}

TEST_CASE("a signing key's file is PEM or a seed, closed to others") {
  TempDir dir;
  SigningKey key = SigningKey::generate();
  std::string pem = key.pem();
  CHECK(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
  auto read = SigningKey::read(dir.file("pem", pem));
  REQUIRE(read.ok());
  CHECK(read->id() == key.id());
  std::string seed = unhex(kVectors[0].seed);
  for (const std::string& content : {seed, std::string(kVectors[0].seed) + "\n", base64url(seed)})
    CHECK(SigningKey::read(dir.file("seed", content))->id() == SigningKey::from_seed(seed)->id());

  CHECK(error_of_file(dir.file("open", pem, 0644)).find("accessible to others") != std::string::npos);
  CHECK(error_of_file(dir.name + "/none").find("No such file") != std::string::npos);
  CHECK(error_of_file(dir.file("short", "k")).find("contains no key") != std::string::npos);
  for (const std::string& bad :
       {std::string("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"),
        std::string("-----BEGIN "), pem.substr(0, 60)}) {
    std::string message = error_of_file(dir.file("bad", bad));
    INFO(message);
    CHECK(message.find("Ed25519") != std::string::npos);
    CHECK(message.find("MC4C") == std::string::npos);
  }
  // An X25519 key is a key, but signs nothing.
  CHECK(error_of_file(dir.file("x25519",
                               "-----BEGIN PRIVATE KEY-----\n"
                               "MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq\n"
                               "-----END PRIVATE KEY-----\n"))
            .find("Ed25519") != std::string::npos);
}

TEST_CASE("an encrypted key is refused, and nothing is asked") {
  TempDir dir;
  std::string encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiu2NzbyD4gdwICCAAw\n"
      "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBeNVwBzgMKVn6j7EBgTnDUEQHd3\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  CHECK(error_of_file(dir.file("encrypted", encrypted)).find("unencrypted") != std::string::npos);
}

TEST_CASE("public keys in text") {
  // RFC 8410 §10.1, with its key's raw bytes.
  std::string pem =
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
      "-----END PUBLIC KEY-----\n";
  auto key = VerifyKey::from_text(pem);
  REQUIRE(key.ok());
  CHECK(to_hex(key->bytes()) == "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
  CHECK(VerifyKey::from_text(key->text() + "\n")->id() == key->id());
  for (const std::string& bad :
       {std::string(), std::string("ed25519:"), key->text().substr(1), key->text() + "A", key->text() + "=",
        key->text().substr(0, 50), std::string("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")})
    CHECK_FALSE(VerifyKey::from_text(bad).ok());
}
