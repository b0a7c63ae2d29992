// The master key: seals what the gateways must be able to read back (AES-256-GCM), and gives a key to each purpose.
//
// One key of 32 random bytes in a file or systemd credential, the same for all gateways and for `masctl identity`. It
// seals nothing itself: HKDF-SHA256 (RFC 5869) derives one AES key for sealing and one HMAC key per label, so that no
// two purposes share a key. Sealed text, in url-safe base64:
//
//   u8 version (1) · 12 bytes nonce, random · 16 bytes tag · ciphertext     additional data: version, the caller's
//
// The additional data ties a sealed text to its place: a copy elsewhere cannot be opened. Nonces are
// random, so one master key must seal fewer than 2^32 texts (NIST SP 800-38D §8.3).
// Failure: reading a file as secret_file.h says; a text that was changed, moved or sealed under another key is
// kAuthFailed, without a distinction between these. Errors hold no secret. OpenSSL without AES aborts the process.
// Threading: immutable; any thread. Ownership: keys are wiped with the object.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "proto/wire/digest.h"

namespace mas {

class MasterKey {
 public:
  /// @param path_or_credential see secret_file.h; the group may read it. The file holds 32 raw bytes, or 64 hexadecimal
  /// digits or base64 (43 characters, url-safe or not, padded or not) with or without a line break behind.
  static Result<MasterKey> read(const std::string& path_or_credential);
  static MasterKey generate();
  /// @param bytes 32 bytes. @return kInvalidArgument for another size, and for bytes that are all the same.
  static Result<MasterKey> of(std::string_view bytes);

  MasterKey(const MasterKey&) = default;
  MasterKey& operator=(const MasterKey&) = default;
  ~MasterKey();

  /// The line that a key file holds.
  std::string text() const;

  /// @param context what the text belongs to; unseal() must be given the same.
  std::string seal(std::string_view plain, std::string_view context) const;
  Result<std::string> unseal(std::string_view sealed, std::string_view context) const;
  /// The same without base64, for large binary values.
  std::string seal_bytes(std::string_view plain, std::string_view context) const;
  Result<std::string> unseal_bytes(std::string_view sealed, std::string_view context) const;

  /// The key for one purpose. @param label such as "mas.ticket.v1"; other labels give unrelated keys.
  HmacKey derive(std::string_view label) const;
  /// A master key for one purpose, which seals and derives on its own.
  MasterKey subkey(std::string_view label) const;

 private:
  explicit MasterKey(std::string_view bytes);

  std::array<unsigned char, 32> bytes_, sealing_;
};

/// @return the 32 bytes that a key file holds in one of the forms above, or kInvalidArgument that lists them.
Result<std::string> parse_key32(std::string_view content);

}  // namespace mas
