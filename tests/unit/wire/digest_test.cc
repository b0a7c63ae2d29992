// Digests, MACs and derived keys against the vectors of their standards.
#include "proto/wire/digest.h"

#include <set>
#include <vector>

#include "proto/base/bytes.h"
#include "tests/unit/wire/vector_file.h"

using namespace mas;
using mas::test::unhex;

TEST_CASE("SHA-256: the examples of FIPS 180") {
  CHECK(to_hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(to_hex(sha256(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("HMAC-SHA256: the vectors of RFC 4231") {
  struct Vector {
    std::string key, message, tag;
  };
  const Vector vectors[] = {
      {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {unhex("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
       "hashed "
       "before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& vector : vectors) CHECK(to_hex(HmacKey(vector.key).tag(vector.message)) == vector.tag);
}

TEST_CASE("HMAC: keys of a block and around it, and a key that is used again") {
  std::set<Digest> tags;
  for (size_t size : {0u, 1u, 63u, 64u, 65u}) {
    HmacKey key(std::string(size, 'k'));
    CHECK(key.tag("m") == HmacKey(key).tag("m"));
    tags.insert(key.tag("m"));
  }
  CHECK(tags.size() == 5);
}

TEST_CASE("HKDF-SHA256: the vectors of RFC 5869") {
  std::string short_secret(22, '\x0b');
  CHECK(to_hex(std::vector<unsigned char>()).empty());
  auto hex = [](const std::string& bytes) {
    return to_hex({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
  };
  CHECK(hex(hkdf_sha256(short_secret, unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9"), 42)) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  std::string secret, salt, info;
  for (int i = 0; i < 80; ++i) {
    secret.push_back(static_cast<char>(i));
    salt.push_back(static_cast<char>(0x60 + i));
    info.push_back(static_cast<char>(0xb0 + i));
  }
  CHECK(
      hex(hkdf_sha256(secret, salt, info, 82)) ==
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b"
      "8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  CHECK(hex(hkdf_sha256(short_secret, "", "", 42)) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST_CASE("secrets are compared whole, and hexadecimal is 64 digits") {
  CHECK(equal_in_constant_time("", ""));
  CHECK(equal_in_constant_time("abc", "abc"));
  for (const char* other : {"abd", "Abc", "ab", "abcd", ""}) CHECK_FALSE(equal_in_constant_time("abc", other));
  Digest digest = sha256("x");
  CHECK(digest_from_hex(to_hex(digest)) == digest);
  CHECK(digest_from_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD") == sha256("abc"));
  std::string hex = to_hex(digest);
  for (const std::string& bad : {hex.substr(1), hex + "0", std::string(63, '0') + "g", std::string(63, '0') + " ",
                                 std::string(), "0x" + hex.substr(2)})
    CHECK_FALSE(digest_from_hex(bad).has_value());
}
