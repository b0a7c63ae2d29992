// Entries of the archive, sealed and opened.
#include "daemons/gatewayd/archive/entry.h"

#include <algorithm>
#include <utility>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/random.h"

namespace mas::gateway::archive {
namespace {

constexpr std::string_view kLabel = "mas.archive.v1";
constexpr size_t kKeyIdBytes = 64;
constexpr size_t kSealedOverhead = 29;                // version, nonce, tag
constexpr uint64_t kMaxBytes = 512ull * 1024 * 1024;  // what a value of Redis may have

bool is_key_id(std::string_view text) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= kKeyIdBytes && std::all_of(text.begin(), text.end(), fits);
}

Error bad_id() { return {Errc::kInvalidArgument, "the archive key's id is 1 to 64 of [A-Za-z0-9._-]"}; }

std::string context_of(std::string_view stream, std::string_view head) {
  std::string context;
  ByteWriter(context).text16(kLabel).text16(stream).bytes(head);
  return context;
}

Error malformed(std::string what) { return {Errc::kMalformed, "invalid entry of the archive: " + std::move(what)}; }

}  // namespace

Result<Key> Key::read(std::string_view id, const std::string& file) {
  if (!is_key_id(id)) return bad_id();
  auto key = MasterKey::read(file);
  if (!key) return key.error();
  return Key(id, std::move(*key));
}

Result<Key> Key::of(std::string_view id, std::string_view bytes) {
  if (!is_key_id(id)) return bad_id();
  auto key = MasterKey::of(bytes);
  if (!key) return key.error();
  return Key(id, std::move(*key));
}

MasterKey Key::of_entry(std::string_view salt) const {
  std::string label(kLabel);
  return key_.subkey(label.append(":").append(salt));
}

void EntryBuilder::clear() {
  constexpr size_t kKept = 1024 * 1024;  // a larger one was for a large turn
  index_.clear();
  envelopes_.clear();
  if (envelopes_.capacity() > kKept) envelopes_.shrink_to_fit();
  records_ = 0;
}

void EntryBuilder::add(const ArchivedMessage& record) {
  if (full()) return;
  ByteWriter(index_)
      .text16(record.sender)
      .text16(record.target)
      .text16(record.type)
      .text16(record.message_id)
      .integer(static_cast<uint32_t>(record.envelope.size()));
  envelopes_.append(record.envelope);
  ++records_;
}

std::string EntryBuilder::finish(const Key& key, std::string_view stream, WallMicros time) {
  std::array<unsigned char, kSaltBytes> salt;
  random_bytes(salt);
  std::string entry;
  ByteWriter(entry)
      .integer(kVersion)
      .text16(key.id())
      .bytes(salt)
      .integer(static_cast<uint64_t>(std::max<WallMicros>(time, 0)))
      .integer(records_)
      .bytes(index_);
  entry.append(key.of_entry(view_of(salt)).seal_bytes(envelopes_, context_of(stream, entry)));
  clear();
  return entry;
}

Status decode(std::string_view bytes, Entry& ret_entry) {
  ByteReader reader(bytes);
  if (reader.integer<uint8_t>() != kVersion) return malformed("its version is not 1");
  Entry entry;
  entry.key_id = reader.text16();
  entry.salt = reader.bytes(kSaltBytes);
  entry.time = static_cast<WallMicros>(reader.integer<uint64_t>());
  uint32_t count = reader.integer<uint32_t>();
  if (!reader.ok() || !is_key_id(entry.key_id) || entry.time < 0) return malformed("its head is cut short");
  if (count == 0 || count > kMaxRecords) return malformed("it has no records or too many");
  constexpr size_t kLeastRecord = 12;
  entry.records.reserve(std::min<size_t>(count, reader.left() / kLeastRecord));
  uint64_t total = 0;
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    Entry::SealedMessage part;
    part.sender = reader.text16();
    part.target = reader.text16();
    part.type = reader.text16();
    part.message_id = reader.text16();
    part.size = reader.integer<uint32_t>();
    part.begin = static_cast<uint32_t>(total);
    total += part.size;
    if (total > kMaxBytes) return malformed("its envelopes are too large");
    entry.records.push_back(part);
  }
  if (!reader.ok()) return malformed("a record is cut short");
  if (reader.left() != total + kSealedOverhead) return malformed("its envelopes have another length than it states");
  entry.head = bytes.substr(0, bytes.size() - reader.left());
  entry.sealed = reader.rest();
  ret_entry = std::move(entry);
  return {};
}

Result<std::string> open(const Entry& entry, const Key& key, std::string_view stream) {
  auto plain = key.of_entry(entry.salt).unseal_bytes(entry.sealed, context_of(stream, entry.head));
  if (plain) return plain;
  return Error{Errc::kAuthFailed, "an entry of the archive that is encrypted under key '" +
                                      printable(entry.key_id, 64) +
                                      "' cannot be decrypted with the key that is configured as '" + key.id() +
                                      "': it is a different key, or the entry was changed"};
}

}  // namespace mas::gateway::archive
