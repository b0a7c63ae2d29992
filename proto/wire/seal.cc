// AES-256-GCM by OpenSSL's EVP interface.
#include "proto/wire/seal.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "proto/base/base64.h"
#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "proto/base/secret.h"
#include "proto/base/secret_file.h"

namespace mas {
namespace {

constexpr unsigned char kVersion = 1;
constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kHeadBytes = 1 + kNonceBytes + kTagBytes;
constexpr size_t kMaxKeyFileBytes = 4096;
constexpr std::string_view kSalt = "mas.master.v1";

[[noreturn]] void no_aes() {
  std::fputs("OpenSSL has no AES-256-GCM\n", stderr);
  std::abort();
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

/// Runs the cipher over additional data and text. @param tag set by sealing, checked by opening.
/// @return false only when opening finds the tag wrong.
bool run(bool sealing, std::span<const unsigned char> key, std::string_view nonce, std::string_view context,
         std::string_view in, std::string& out, std::span<unsigned char> tag) {
  CipherContext cipher(EVP_CIPHER_CTX_new());
  out.assign(in.size(), '\0');
  int size = 0;
  bool ready =
      cipher != nullptr &&
      EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes_of(nonce), sealing ? 1 : 0) == 1 &&
      EVP_CipherUpdate(cipher.get(), nullptr, &size, &kVersion, 1) == 1 &&
      (context.empty() ||
       EVP_CipherUpdate(cipher.get(), nullptr, &size, bytes_of(context), static_cast<int>(context.size())) == 1) &&
      (in.empty() ||
       EVP_CipherUpdate(cipher.get(), bytes_of(out), &size, bytes_of(in), static_cast<int>(in.size())) == 1) &&
      (sealing ||
       EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag.size()), tag.data()) == 1);
  if (!ready) no_aes();
  unsigned char nothing[kTagBytes];
  if (EVP_CipherFinal_ex(cipher.get(), nothing, &size) != 1) {
    if (sealing) no_aes();
    wipe(out);
    ERR_clear_error();  // or this thread's next TLS call would find it
    return false;
  }
  if (sealing && EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag.size()), tag.data()) != 1)
    no_aes();
  return true;
}

Error not_opened() {
  return {
      Errc::kAuthFailed,
      "a sealed text cannot be opened: it was sealed under another master key or for another place, or was changed"};
}

std::string_view without_line_break(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// Brings base64 of either alphabet, padded or not, to the strict form.
std::string url_safe(std::string_view text) {
  if (text.size() == 44 && text.back() == '=') text.remove_suffix(1);
  std::string out(text);
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

}  // namespace

Result<std::string> parse_key32(std::string_view content) {
  if (content.size() == kKeyBytes) return std::string(content);
  std::string_view line = without_line_break(content);
  if (auto digits = digest_from_hex(line)) {
    std::string bytes(view_of(*digits));
    wipe(*digits);
    return bytes;
  }
  if (line.size() == 43 || line.size() == 44) {
    std::string text = url_safe(line);
    auto bytes = from_base64url(text);
    wipe(text);
    if (bytes && bytes->size() == kKeyBytes) return std::move(*bytes);
  }
  return Error{Errc::kInvalidArgument,
               "contains no key; expected 32 bytes, raw, as 64 hexadecimal digits or as 43 characters of base64"};
}

MasterKey::MasterKey(std::string_view bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  std::string sealing = hkdf_sha256(bytes, kSalt, "mas.seal.v1", sealing_.size());
  std::copy(sealing.begin(), sealing.end(), sealing_.begin());
  wipe(sealing);
}

MasterKey::~MasterKey() {
  wipe(bytes_);
  wipe(sealing_);
}

Result<MasterKey> MasterKey::of(std::string_view bytes) {
  if (bytes.size() != kKeyBytes) return Error{Errc::kInvalidArgument, "a master key has 32 bytes"};
  if (bytes.find_first_not_of(bytes[0]) == std::string_view::npos)
    return Error{Errc::kInvalidArgument, "not a key: all of its bytes are the same"};
  return MasterKey(bytes);
}

Result<MasterKey> MasterKey::read(const std::string& path_or_credential) {
  std::string path;
  auto content = read_secret_file(path_or_credential, kMaxKeyFileBytes, SecretReaders::kOwnerAndGroup, &path);
  if (!content) return content.error().in("master key");
  auto bytes = parse_key32(*content);
  wipe(*content);
  if (!bytes) return bytes.error().in("master key: " + path);
  auto key = of(*bytes);
  wipe(*bytes);
  if (!key) return key.error().in("master key: " + path);
  return key;
}

MasterKey MasterKey::generate() {
  std::string bytes(kKeyBytes, '\0');
  random_bytes({bytes_of(bytes), bytes.size()});
  MasterKey key(bytes);
  wipe(bytes);
  return key;
}

std::string MasterKey::text() const { return base64url(std::span<const unsigned char>(bytes_)); }

std::string MasterKey::seal(std::string_view plain, std::string_view context) const {
  return base64url(seal_bytes(plain, context));
}

std::string MasterKey::seal_bytes(std::string_view plain, std::string_view context) const {
  std::array<unsigned char, kNonceBytes> nonce;
  random_bytes(nonce);
  std::array<unsigned char, kTagBytes> tag;
  std::string ciphertext;
  run(true, sealing_, view_of(nonce), context, plain, ciphertext, tag);
  std::string blob(1, static_cast<char>(kVersion));
  blob.append(view_of(nonce)).append(view_of(tag)).append(ciphertext);
  return blob;
}

Result<std::string> MasterKey::unseal(std::string_view sealed, std::string_view context) const {
  auto blob = from_base64url(sealed);
  if (!blob || blob->size() < kHeadBytes)
    return Error{Errc::kMalformed, "a sealed text is invalid; expected url-safe base64"};
  return unseal_bytes(*blob, context);
}

Result<std::string> MasterKey::unseal_bytes(std::string_view head, std::string_view context) const {
  if (head.size() < kHeadBytes) return Error{Errc::kMalformed, "a sealed text is cut short"};
  if (head.front() != static_cast<char>(kVersion))
    return Error{Errc::kMalformed, "a sealed text has another version; expected 1"};
  std::array<unsigned char, kTagBytes> tag;
  std::copy_n(head.begin() + 1 + kNonceBytes, kTagBytes, tag.begin());
  std::string plain;
  if (!run(false, sealing_, head.substr(1, kNonceBytes), context, head.substr(kHeadBytes), plain, tag))
    return not_opened();
  return plain;
}

MasterKey MasterKey::subkey(std::string_view label) const {
  std::string info("mas.subkey.v1:");
  std::string bytes = hkdf_sha256(view_of(bytes_), kSalt, info.append(label), kKeyBytes);
  MasterKey key(bytes);
  wipe(bytes);
  return key;
}

HmacKey MasterKey::derive(std::string_view label) const {
  std::string info("mas.derive.v1:");
  std::string bytes = hkdf_sha256(view_of(bytes_), kSalt, info.append(label), kKeyBytes);
  HmacKey key(bytes);
  wipe(bytes);
  return key;
}

}  // namespace mas
