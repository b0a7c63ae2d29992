// Ed25519 signatures (RFC 8032) of audit heads, which anybody with the public key can verify.
//
// Keys in text: a private key is a PEM file (PKCS#8, as `openssl genpkey -algorithm ed25519` writes) or a file with the
// 32-byte seed; a public key is "ed25519:" and 43 characters of url-safe base64, or PEM. A key's id is the first 16
// hexadecimal digits of the SHA-256 of its 32 public bytes.
// Failure: kInvalidArgument or kNotFound with the file and what is wrong, never what it holds. A PEM file that is
// encrypted is refused; no passphrase is asked for.
// Threading: immutable; any thread. Ownership: move-only; private bytes are wiped with the object.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "proto/base/result.h"

struct evp_pkey_st;

namespace mas {

using Signature = std::array<unsigned char, 64>;
using PublicKeyBytes = std::array<unsigned char, 32>;

namespace internal {
struct FreePkey {
  void operator()(evp_pkey_st* key) const;
};
using Pkey = std::unique_ptr<evp_pkey_st, FreePkey>;
}  // namespace internal

class VerifyKey {
 public:
  /// @param text "ed25519:…" or PEM; a line break behind is allowed.
  static Result<VerifyKey> from_text(std::string_view text);
  static Result<VerifyKey> of(const PublicKeyBytes& bytes);

  bool verify(std::string_view message, std::string_view signature) const;

  const PublicKeyBytes& bytes() const { return bytes_; }
  std::string text() const;  ///< "ed25519:…"
  std::string id() const;

 private:
  VerifyKey(const PublicKeyBytes& bytes, internal::Pkey key) : bytes_(bytes), key_(std::move(key)) {}

  PublicKeyBytes bytes_;
  internal::Pkey key_;
};

class SigningKey {
 public:
  /// @param path_or_credential see secret_file.h; the group may read it.
  static Result<SigningKey> read(const std::string& path_or_credential);
  static SigningKey generate();
  /// @param seed 32 bytes.
  static Result<SigningKey> from_seed(std::string_view seed);

  Signature sign(std::string_view message) const;

  std::string public_text() const;  ///< what VerifyKey::from_text takes
  std::string id() const;
  std::string pem() const;  ///< PKCS#8; a secret

 private:
  SigningKey(const PublicKeyBytes& public_bytes, internal::Pkey key)
      : public_bytes_(public_bytes), key_(std::move(key)) {}
  static Result<SigningKey> of(internal::Pkey key);

  PublicKeyBytes public_bytes_;
  internal::Pkey key_;
};

}  // namespace mas
