// Digests by OpenSSL's EVP interface, with the algorithm fetched once and a context per thread.
#include "proto/wire/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "proto/base/bytes.h"
#include "proto/base/secret.h"
#include "proto/base/thread_object.h"

namespace mas {
namespace {

[[noreturn]] void no_sha256() {
  std::fputs("OpenSSL has no SHA-256\n", stderr);
  std::abort();
}

const EVP_MD* algorithm() {
  static const EVP_MD* fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (fetched == nullptr) no_sha256();
  return fetched;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

struct Context {
  std::unique_ptr<EVP_MD_CTX, FreeContext> evp{EVP_MD_CTX_new()};
};

Digest digest_of(std::span<const unsigned char> head, std::string_view bytes) {
  EVP_MD_CTX* context = thread_object<Context>().evp.get();
  Digest digest;
  unsigned size = 0;
  bool done = context != nullptr && EVP_DigestInit_ex2(context, algorithm(), nullptr) == 1 &&
              (head.empty() || EVP_DigestUpdate(context, head.data(), head.size()) == 1) &&
              EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1 &&
              EVP_DigestFinal_ex(context, digest.data(), &size) == 1;
  if (!done || size != digest.size()) no_sha256();
  return digest;
}

}  // namespace

Digest sha256(std::string_view bytes) { return digest_of({}, bytes); }

HmacKey::HmacKey(std::string_view key) {
  inner_.fill(0x36);
  outer_.fill(0x5c);
  Digest hashed{};
  if (key.size() > inner_.size()) {
    hashed = sha256(key);
    key = {reinterpret_cast<const char*>(hashed.data()), hashed.size()};
  }
  for (size_t i = 0; i < key.size(); ++i) {
    inner_[i] ^= static_cast<unsigned char>(key[i]);
    outer_[i] ^= static_cast<unsigned char>(key[i]);
  }
  wipe(hashed);
}

HmacKey::~HmacKey() {
  wipe(inner_);
  wipe(outer_);
}

Digest HmacKey::tag(std::string_view message) const {
  Digest inside = digest_of(inner_, message);
  return digest_of(outer_, {reinterpret_cast<const char*>(inside.data()), inside.size()});
}

std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info, size_t size) {
  Digest extracted = HmacKey(salt).tag(secret);
  HmacKey key(view_of(extracted));
  wipe(extracted);
  std::string out, input;
  for (unsigned char round = 1; out.size() < size; ++round) {
    input.append(info).push_back(static_cast<char>(round));
    Digest block = key.tag(input);
    out.append(view_of(block), 0, std::min(block.size(), size - out.size()));
    input.assign(view_of(block));
    wipe(block);
  }
  wipe(input);
  return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_hex(std::span<const unsigned char> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (unsigned char byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

std::optional<Digest> digest_from_hex(std::string_view text) {
  Digest digest{};
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    unsigned value;
    if (c >= '0' && c <= '9')
      value = static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = static_cast<unsigned>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      value = static_cast<unsigned>(c - 'A' + 10);
    else
      return std::nullopt;
    digest[i / 2] = static_cast<unsigned char>(digest[i / 2] << 4 | value);
  }
  return digest;
}

}  // namespace mas
