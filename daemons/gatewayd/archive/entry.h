// The archive of delivered messages: one entry of `mas.archive:{p}` per turn, with a record for each message.
//
//     u8 version (1) · text16 key id · 16 bytes salt · u64 time (µs) · u32 number of records
//     · per record: text16 sender · text16 target · text16 type · text16 message id · u32 bytes of its envelope
//     · sealed: the envelopes, one behind the other
//
// Sender, target and time are in clear, as in the audit, so queries need no key. Envelopes are
// AES-256-GCM (proto/wire/seal.h) under a key of this entry alone, derived from the archive's key and the salt, and
// bound to the stream's key and to every byte before them: an entry that was changed, moved or mixed cannot be opened.
//
// Happy path: add() each delivery; finish() makes the entry. decode() parses an entry; open() decrypts its envelopes.
// Failure: decode() names the invalid bytes; open() reports a wrong key. Neither error contains a part of an envelope.
// Threading: none; keys are immutable. Ownership: a decoded entry views the bytes it was decoded from.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/wire/seal.h"

namespace mas::gateway::archive {

inline constexpr uint8_t kVersion = 1;
inline constexpr size_t kMaxRecords = 65'536;
inline constexpr size_t kSaltBytes = 16;

/// The key that entries are sealed under, and what it is called in them.
class Key {
 public:
  /// @param id 1 to 64 of `[A-Za-z0-9._-]`. @param file holds 32 bytes, in the forms of MasterKey::read().
  static Result<Key> read(std::string_view id, const std::string& file);
  static Result<Key> of(std::string_view id, std::string_view bytes);

  const std::string& id() const { return id_; }
  /// The key of one entry. Each has its own, so that no number of turns uses up the nonces of one.
  MasterKey of_entry(std::string_view salt) const;

 private:
  Key(std::string_view id, MasterKey key) : id_(id), key_(std::move(key)) {}

  std::string id_;
  MasterKey key_;
};

struct ArchivedMessage {
  std::string_view sender, target, type, message_id;
  std::string_view envelope;  ///< as it was delivered
};

/// Collects what a turn delivers for one partition.
class EntryBuilder {
 public:
  void clear();
  size_t records() const { return records_; }
  bool full() const { return records_ >= kMaxRecords; }
  /// @param record copied. No effect when full.
  void add(const ArchivedMessage& record);
  /// @param stream the key of the stream that it will be added to. @return the entry; it is empty afterwards.
  std::string finish(const Key& key, std::string_view stream, WallMicros time);

 private:
  std::string index_, envelopes_;
  uint32_t records_ = 0;
};

/// What an entry says without a key.
struct Entry {
  struct SealedMessage {
    std::string_view sender, target, type, message_id;
    uint32_t begin = 0, size = 0;  ///< of its envelope within open()
  };
  std::string_view key_id, salt, head, sealed;
  WallMicros time = 0;
  std::vector<SealedMessage> records;
};

/// @param ret_entry set only on success.
Status decode(std::string_view bytes, Entry& ret_entry);

/// @return all envelopes; kAuthFailed where the key does not open the entry, with both ids.
Result<std::string> open(const Entry& entry, const Key& key, std::string_view stream);

}  // namespace mas::gateway::archive
