// The master key: its file, what it seals, the keys it derives.
#include "proto/wire/seal.h"

#include <set>

#include "proto/base/base64.h"
#include "proto/base/bytes.h"
#include "proto/wire/identity.h"
#include "tests/unit/temp_dir.h"
#include "tests/unit/wire/vector_file.h"

using namespace mas;
using namespace mas::test;

namespace {

MasterKey key_of(const std::string& bytes) {
  auto key = MasterKey::of(bytes);
  REQUIRE(key.ok());
  return *key;
}

const std::string kBytes = "0123456789abcdef0123456789ABCDEF";

std::string error_of_file(const std::string& path) {
  auto key = MasterKey::read(path);
  return key.ok() ? "" : key.error().message;
}

}  // namespace

TEST_CASE("sealing: the test vectors open, and derived keys are those of the document") {
  VectorObject file = vector_file("sealed.json");
  for (const auto& [name, json] : vector_object(file.at("sealed"))) {
    INFO(name);
    VectorObject vector = vector_object(json);
    MasterKey master = key_of(unhex(vector.at("master_key")));
    IdentityKey key;
    key.id = vector.at("key_id");
    key.sealed = vector.at("sealed");
    auto plain = unseal_identity_key(master, vector.at("namespace"), vector.at("agent_id"), key);
    REQUIRE(plain.ok());
    CHECK(*plain == unhex(vector.at("key")));
    CHECK(hkdf_sha256(unhex(vector.at("master_key")), "mas.master.v1", "mas.seal.v1", 32) ==
          unhex(vector.at("sealing_key")));
  }
  VectorObject derived = vector_object(file.at("derived"));
  MasterKey master = key_of(unhex(derived.at("master_key")));
  for (const auto& [label, hex] : vector_object(derived.at("keys")))
    CHECK(master.derive(label).tag("m") == HmacKey(unhex(hex)).tag("m"));
}

TEST_CASE("what is sealed opens with the same key and context only") {
  MasterKey key = key_of(kBytes);
  for (const std::string& plain :
       {std::string(), std::string("s"), std::string(100'000, 'x'), std::string("\0\n", 2)}) {
    auto opened = key.unseal(key.seal(plain, "context"), "context");
    REQUIRE(opened.ok());
    CHECK(*opened == plain);
  }
  std::string sealed = key.seal("secret", "context");
  CHECK(key.unseal(sealed, "Context").error().code == Errc::kAuthFailed);
  CHECK(key.unseal(sealed, "").error().code == Errc::kAuthFailed);
  CHECK(MasterKey::generate().unseal(sealed, "context").error().code == Errc::kAuthFailed);
  CHECK(key.unseal(sealed, "Context").error().message.find("secret") == std::string::npos);
  CHECK(key.unseal(key.seal("no context", ""), "").ok());
}

TEST_CASE("a sealed text that was changed in any bit, cut or lengthened does not open") {
  MasterKey key = key_of(kBytes);
  std::string blob = *from_base64url(key.seal("secret", "c"));
  REQUIRE(key.unseal(base64url(blob), "c").ok());
  for (size_t bit = 0; bit < 8 * blob.size(); ++bit) {
    std::string changed = blob;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    INFO("bit " << bit);
    CHECK_FALSE(key.unseal(base64url(changed), "c").ok());
  }
  for (size_t size = 0; size < blob.size(); ++size) CHECK_FALSE(key.unseal(base64url(blob.substr(0, size)), "c").ok());
  CHECK_FALSE(key.unseal(base64url(blob + '\0'), "c").ok());
  for (const char* bad : {"", "AQ", "not base64!", "AQ=="}) CHECK_FALSE(key.unseal(bad, "c").ok());
}

TEST_CASE("the same text sealed twice differs") {
  MasterKey key = key_of(kBytes);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(key.seal("secret", "c"));
  CHECK(seen.size() == 100);
  CHECK(MasterKey::generate().text() != MasterKey::generate().text());
}

TEST_CASE("keys for different purposes are unrelated") {
  MasterKey key = key_of(kBytes);
  CHECK(key.derive("a").tag("m") == key.derive("a").tag("m"));
  CHECK(key.derive("a").tag("m") != key.derive("b").tag("m"));
  CHECK(key.derive("a").tag("m") != MasterKey::generate().derive("a").tag("m"));
  CHECK(key.derive("").tag("m") != HmacKey(kBytes).tag("m"));
}

TEST_CASE("a master key's file may be raw, hexadecimal or base64") {
  TempDir dir;
  std::string text = key_of(kBytes).text();
  std::string sealed = key_of(kBytes).seal("secret", "c");
  std::string hex;
  for (char c : kBytes) hex += to_hex({reinterpret_cast<const unsigned char*>(&c), 1});
  int number = 0;
  for (const std::string& content :
       {kBytes, hex, hex + "\n", text, text + "\n", text + "\r\n", text + "=", text + "=\n"}) {
    INFO(content);
    auto key = MasterKey::read(dir.file(std::to_string(number++), content));
    REQUIRE(key.ok());
    CHECK(key->unseal(sealed, "c").ok());
  }
  CHECK(text.size() == 43);
}

TEST_CASE("base64 of both alphabets is the same key") {
  std::string raw(32, '\xfb');
  raw[0] = '\xff';
  std::string text = base64url(raw), other = text;
  for (char& c : other) c = c == '-' ? '+' : c == '_' ? '/' : c;
  REQUIRE(other != text);
  CHECK(*parse_key32(text) == raw);
  CHECK(*parse_key32(other + "=") == raw);
}

TEST_CASE("a master key's file that is no good is refused, and says why without saying what it holds") {
  TempDir dir;
  CHECK(error_of_file(dir.file("ok", kBytes, 0640)).empty());
  CHECK(error_of_file(dir.file("ok2", kBytes, 0440)).empty());
  for (mode_t mode : {0644, 0604, 0660, 0622, 0602}) {
    INFO(mode);
    CHECK(error_of_file(dir.file("open" + std::to_string(mode), kBytes, mode)).find("accessible to others") !=
          std::string::npos);
  }
  CHECK(MasterKey::read(dir.name + "/none").error().code == Errc::kNotFound);
  CHECK(error_of_file(dir.name + "/.").find("not a file") != std::string::npos);
  for (const std::string& bad :
       {std::string(), std::string(31, 'k'), std::string(33, 'k'), kBytes + "\n", std::string(63, 'a'),
        std::string(64, 'g'), std::string(42, 'A'), std::string(43, '!'), std::string(42, 'A') + "B"}) {
    std::string message = error_of_file(dir.file("bad", bad));
    INFO(message);
    CHECK(message.find("contains no key") != std::string::npos);
    CHECK(message.find(dir.name) != std::string::npos);
    if (bad.size() > 8) CHECK(message.find(bad.substr(0, 8)) == std::string::npos);
  }
  CHECK(error_of_file(dir.file("zeros", std::string(32, '\0'))).find("not a key") != std::string::npos);
  CHECK(error_of_file(dir.file("huge", std::string(5000, 'k'))).find("4096") != std::string::npos);
  CHECK_FALSE(MasterKey::of("short").ok());
}

TEST_CASE("a name without a slash is a systemd credential, whose group may read it") {
  TempDir dir;
  dir.file("master", kBytes, 0440);
  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(error_of_file("master").find("systemd credential") != std::string::npos);
  setenv("CREDENTIALS_DIRECTORY", dir.name.c_str(), 1);
  CHECK(error_of_file("master").empty());
  unsetenv("CREDENTIALS_DIRECTORY");
}
