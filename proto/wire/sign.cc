// Ed25519 by OpenSSL's EVP interface; the key objects carry the algorithm.
#include "proto/wire/sign.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdio>
#include <cstdlib>

#include "proto/base/base64.h"
#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "proto/base/secret.h"
#include "proto/base/secret_file.h"
#include "proto/wire/digest.h"
#include "proto/wire/seal.h"

namespace mas {
namespace internal {

void FreePkey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

}  // namespace internal

namespace {

using internal::Pkey;

constexpr std::string_view kPrefix = "ed25519:";
constexpr size_t kSeedBytes = 32;
constexpr size_t kMaxKeyFileBytes = 4096;

[[noreturn]] void no_ed25519() {
  std::fputs("OpenSSL has no Ed25519\n", stderr);
  std::abort();
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

/// Runs a call of OpenSSL that may fail without leaving its error where this thread's next TLS call would find it.
template <typename Fn>
auto quietly(Fn&& fn) {
  auto result = fn();
  ERR_clear_error();
  return result;
}

Bio reader_of(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

/// In place of OpenSSL's own, which would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

std::string key_id(const PublicKeyBytes& bytes) { return to_hex(sha256(view_of(bytes))).substr(0, 16); }

std::string public_key_text(const PublicKeyBytes& bytes) {
  return std::string(kPrefix) + base64url(std::span<const unsigned char>(bytes));
}

Result<PublicKeyBytes> public_bytes_of(const Pkey& key) {
  PublicKeyBytes bytes;
  size_t size = bytes.size();
  if (key == nullptr || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) != 1 || size != bytes.size())
    return Error{Errc::kInvalidArgument, "is not an Ed25519 key"};
  return bytes;
}

bool is_pem(std::string_view text) { return text.find("-----BEGIN ") != std::string_view::npos; }

}  // namespace

Result<VerifyKey> VerifyKey::of(const PublicKeyBytes& bytes) {
  Pkey key(
      quietly([&bytes] { return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size()); }));
  if (key == nullptr) return Error{Errc::kInvalidArgument, "public key: not an Ed25519 key"};
  return VerifyKey(bytes, std::move(key));
}

Result<VerifyKey> VerifyKey::from_text(std::string_view text) {
  if (is_pem(text)) {
    Bio in = reader_of(text);
    Pkey key(quietly([&in] { return PEM_read_bio_PUBKEY(in.get(), nullptr, no_passphrase, nullptr); }));
    auto bytes = public_bytes_of(key);
    if (!bytes) return bytes.error().in("public key");
    return of(*bytes);
  }
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  auto raw = text.starts_with(kPrefix) ? from_base64url(text.substr(kPrefix.size())) : std::nullopt;
  PublicKeyBytes bytes;
  if (!raw || raw->size() != bytes.size())
    return Error{Errc::kInvalidArgument,
                 "public key: expected \"ed25519:\" and 43 characters of url-safe base64, or PEM"};
  std::copy(raw->begin(), raw->end(), bytes.begin());
  return of(bytes);
}

bool VerifyKey::verify(std::string_view message, std::string_view signature) const {
  Context context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1)
    no_ed25519();
  return quietly([&] {
    return EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) ==
           1;
  });
}

std::string VerifyKey::text() const { return public_key_text(bytes_); }
std::string VerifyKey::id() const { return key_id(bytes_); }

Result<SigningKey> SigningKey::of(Pkey key) {
  auto bytes = public_bytes_of(key);
  if (!bytes) return bytes.error();
  return SigningKey(*bytes, std::move(key));
}

Result<SigningKey> SigningKey::from_seed(std::string_view seed) {
  if (seed.size() != kSeedBytes) return Error{Errc::kInvalidArgument, "an Ed25519 seed has 32 bytes"};
  Pkey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed), seed.size()));
  if (key == nullptr) no_ed25519();
  return of(std::move(key));
}

Result<SigningKey> SigningKey::read(const std::string& path_or_credential) {
  std::string path;
  auto content = read_secret_file(path_or_credential, kMaxKeyFileBytes, SecretReaders::kOwnerAndGroup, &path);
  if (!content) return content.error().in("signing key");
  if (is_pem(*content)) {
    Bio in = reader_of(*content);
    Pkey key(quietly([&in] { return PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr); }));
    wipe(*content);
    auto signing = of(std::move(key));
    if (!signing) return Error{Errc::kInvalidArgument, "signing key: " + path + " contains no unencrypted Ed25519 key"};
    return signing;
  }
  auto seed = parse_key32(*content);
  wipe(*content);
  if (!seed) return seed.error().in("signing key: " + path);
  auto signing = from_seed(*seed);
  wipe(*seed);
  return signing;
}

SigningKey SigningKey::generate() {
  std::string seed(kSeedBytes, '\0');
  random_bytes({reinterpret_cast<unsigned char*>(seed.data()), seed.size()});
  auto key = from_seed(seed);
  wipe(seed);
  return std::move(*key);
}

Signature SigningKey::sign(std::string_view message) const {
  Context context(EVP_MD_CTX_new());
  Signature signature;
  size_t size = signature.size();
  if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, bytes_of(message), message.size()) != 1)
    no_ed25519();
  return signature;
}

std::string SigningKey::public_text() const { return public_key_text(public_bytes_); }
std::string SigningKey::id() const { return key_id(public_bytes_); }

std::string SigningKey::pem() const {
  Bio bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr) bio.reset(BIO_new(BIO_s_mem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    no_ed25519();
  char* text = nullptr;
  long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

}  // namespace mas
