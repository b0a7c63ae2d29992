// SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104), HKDF (RFC 5869), and comparison of secrets in constant time.
//
// An HmacKey keeps the padded key, so that a message costs no key set-up.
// Failure: none that a caller could act on; OpenSSL without SHA-256 aborts the process.
// Threading: any thread; each has its own OpenSSL context.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mas {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes);

class HmacKey {
 public:
  /// @param key any length; keys longer than 64 bytes are hashed first (RFC 2104 §2).
  explicit HmacKey(std::string_view key);
  ~HmacKey();  ///< wipes the key
  HmacKey(const HmacKey&) = default;
  HmacKey& operator=(const HmacKey&) = default;

  Digest tag(std::string_view message) const;

 private:
  std::array<unsigned char, 64> inner_, outer_;
};

/// HKDF-SHA256 (RFC 5869): a key of its own for each purpose, from one secret of full entropy.
/// @param info what the key is for. @param size at most 8,160 bytes.
std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info, size_t size);

/// @return whether two secrets are equal; takes time that depends on their sizes only.
bool equal_in_constant_time(std::string_view a, std::string_view b);
inline bool equal_in_constant_time(const Digest& a, const Digest& b) {
  return equal_in_constant_time({reinterpret_cast<const char*>(a.data()), a.size()},
                                {reinterpret_cast<const char*>(b.data()), b.size()});
}

/// Lower-case hexadecimal.
std::string to_hex(std::span<const unsigned char> bytes);
/// @return nullopt unless `text` is 64 hexadecimal digits.
std::optional<Digest> digest_from_hex(std::string_view text);

}  // namespace mas
