// Single values of a payload, encrypted on their way: what the gateway's data-loss prevention writes in their place,
// and how agents that hold the key get them back.
//
//   {mas:enc:<kind>:<key id>:<sealed>}      kind s: text within a string; n: a JSON number, or part of one
//
// `sealed` is AES-256-GCM (seal.h) under the data key, bound to the kind and to the value's path in the envelope
// (json_path.h), so that a token that is moved to another member cannot be decrypted. A number's token is a JSON
// string.
// Threading: none; a DataKey is immutable. Ownership: by value.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "proto/wire/seal.h"

namespace mas {

class DataKey {
 public:
  /// @param id 1 to 64 of `[A-Za-z0-9._-]`. @param file holds 32 bytes, in the forms of MasterKey::read().
  static Result<DataKey> read(std::string_view id, const std::string& file);
  static Result<DataKey> of(std::string_view id, std::string_view bytes);

  const std::string& id() const { return id_; }

  /// Appends the token for `value`. @param path where the value stands. @param number whether it is a JSON number.
  void append_encrypted(std::string& out, std::string_view value, std::string_view path, bool number) const;
  /// @param token as append_encrypted() wrote it, of this key. @return kAuthFailed where it does not open at `path`.
  Result<std::string> decrypt(std::string_view sealed, std::string_view path, bool number) const;

 private:
  DataKey(std::string_view id, MasterKey key) : id_(id), key_(std::move(key)) {}

  std::string id_;
  MasterKey key_;
};

/// What decrypt_values() did.
struct Decrypted {
  std::string json;
  size_t opened = 0;  ///< tokens that became values again
  size_t locked = 0;  ///< tokens of keys that are not among those given; they stand as they were
};

/// @param json one valid JSON value. @param root its path: `data` for an envelope's data.
/// @return the same with every token that one of `keys` opens replaced by its value, and everything else byte for byte
/// as it was; kAuthFailed where a token of a key that is given does not open, with its path.
Result<Decrypted> decrypt_values(std::string_view json, std::string_view root, std::span<const DataKey> keys);

}  // namespace mas
