// Building and decoding of audit blocks.
#include "daemons/gatewayd/audit/block.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "proto/base/bytes.h"
#include "proto/wire/keys.h"
#include "proto/wire/limits.h"

namespace mas::gateway::audit {
namespace {

constexpr uint8_t kTextId = 1, kShadow = 2, kDetectors = 4, kKnownFlags = 7;

constexpr size_t kHashBytes = sizeof(Digest);
constexpr size_t kUuidText = 36;
constexpr size_t kIdBytes = 16;
constexpr size_t kFixedBytes = 72;  // of a record without its optional parts
constexpr size_t kTextsMax = std::numeric_limits<uint16_t>::max();
constexpr size_t kTextsPerRecord = 7 + kDetectorNames;
constexpr size_t kBeforeNamespace = 1 + 4 + 8 + 8 + 8 + 2 * kHashBytes;
constexpr size_t kSmallestBlock = kBeforeNamespace + 2 + 4 + 2 + kHashBytes;

Error malformed(std::string text) { return Error{Errc::kMalformed, "audit block: " + std::move(text)}; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool dash_at(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

/// Fields of a record, written one after another into a buffer that is large enough for any record.
class Packed {
 public:
  template <typename T>
  Packed& put(T value) {
    std::memcpy(bytes_ + size_, &value, sizeof(T));
    size_ += sizeof(T);
    return *this;
  }
  template <size_t kSize>
  Packed& put(const std::array<unsigned char, kSize>& raw) {
    std::memcpy(bytes_ + size_, raw.data(), kSize);
    size_ += kSize;
    return *this;
  }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  char bytes_[kFixedBytes + 3 + 1 + 2 * kDetectorNames];
  size_t size_ = 0;
};

int32_t clamped(int64_t difference) {
  using Limits = std::numeric_limits<int32_t>;
  return static_cast<int32_t>(std::clamp<int64_t>(difference, Limits::min(), Limits::max()));
}

/// Reads the records of a block into `block`, whose texts are known.
class RecordDecoder {
 public:
  RecordDecoder(ByteReader& reader, Block& block) : reader_(reader), block_(block) {}

  Status decode(uint32_t count) {
    block_.uuids.reserve(count * kUuidText);  // views into it must stay
    block_.records.resize(count);
    for (AuditRecord& record : block_.records) {
      record = {};
      if (const char* wrong = read(record)) return malformed(where(record) + wrong);
    }
    // Now that the list does not move any more.
    std::span<const std::string_view> all = block_.detectors;
    for (size_t i = 0, at = 0; i < count; at += detector_counts_[i++])
      block_.records[i].detectors = all.subspan(at, detector_counts_[i]);
    return {};
  }

 private:
  std::string where(const AuditRecord& record) const {
    return "record " + std::to_string(&record - block_.records.data()) + ": ";
  }

  std::string_view text() {
    auto index = reader_.integer<uint16_t>();
    if (index < block_.texts.size()) return block_.texts[index];
    wrong_ = "an index of a text that the block does not have";
    return {};
  }

  Decision decision() {
    auto value = reader_.integer<uint8_t>();
    if (reader_.ok() && !is_decision(value)) wrong_ = "an unknown decision";
    return static_cast<Decision>(value);
  }

  std::string_view message_id(bool is_text) {
    if (!is_text) {
      Id128 id{reader_.array<kIdBytes>()};
      size_t begin = block_.uuids.size();
      append_uuid(block_.uuids, id);
      return std::string_view(block_.uuids).substr(begin);
    }
    std::string_view id = text();
    std::string_view rest = reader_.bytes(kIdBytes - sizeof(uint16_t));
    if (rest.find_first_not_of('\0') != std::string_view::npos) wrong_ = "extra bytes after a message id";
    return id;
  }

  Id128 instance() {
    std::string_view raw = text();
    Id128 id;
    if (raw.size() == kIdBytes)
      std::memcpy(id.bytes.data(), raw.data(), kIdBytes);
    else if (!raw.empty())
      wrong_ = "an instance that is not 16 bytes";
    return id;
  }

  void optional_parts(uint8_t flags, AuditRecord& record) {
    if ((flags & kShadow) != 0) {
      Decision shadow = decision();
      record.shadow = AuditRecord::Shadow{shadow, text()};
    }
    size_t count = (flags & kDetectors) != 0 ? reader_.integer<uint8_t>() : 0;
    if (count > kDetectorNames || ((flags & kDetectors) != 0 && count == 0)) wrong_ = "a wrong number of detectors";
    for (size_t i = 0; i < count && wrong_ == nullptr; ++i) block_.detectors.push_back(text());
    detector_counts_.push_back(count);
  }

  /// @return what is wrong, or nullptr.
  const char* read(AuditRecord& record) {
    wrong_ = nullptr;
    auto flags = reader_.integer<uint8_t>();
    if ((flags & ~kKnownFlags) != 0) return "unknown flags";
    record.time = block_.time + static_cast<int32_t>(reader_.integer<uint32_t>());
    record.message_id = message_id((flags & kTextId) != 0);
    record.sender = text();
    record.target = text();
    record.type = text();
    record.decision = decision();
    record.reason = text();
    record.instance = instance();
    record.sequence = reader_.integer<uint64_t>();
    record.payload = reader_.array<kHashBytes>();
    optional_parts(flags, record);
    return reader_.ok() ? wrong_ : "cut short";
  }

  ByteReader& reader_;
  Block& block_;
  const char* wrong_ = nullptr;
  std::vector<size_t> detector_counts_;
};

Status read_texts(ByteReader& reader, size_t count, std::vector<std::string_view>& ret_texts) {
  ret_texts.assign(1, std::string_view());
  for (size_t i = 0; i < count; ++i) {
    std::string_view text = reader.text16();
    if (!reader.ok() || text.empty() || text.size() > kAuditTextBytes)
      return malformed("text " + std::to_string(i + 1) + " is cut, empty or too long");
    ret_texts.push_back(text);
  }
  return {};
}

}  // namespace

std::optional<Id128> parse_uuid(std::string_view text) {
  if (text.size() != kUuidText) return std::nullopt;
  Id128 id;
  size_t digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (dash_at(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    int value = hex_value(text[i]);
    if (value < 0) return std::nullopt;
    unsigned char& byte = id.bytes[digits++ / 2];
    byte = static_cast<unsigned char>(byte << 4 | value);
  }
  return id;
}

void BlockBuilder::begin(uint32_t partition, uint64_t epoch, uint64_t number, const Digest& previous, WallMicros time,
                         const Digest& policy, std::string_view ns) {
  texts_.clear();
  records_.clear();
  header_.clear();
  count_ = 0;
  time_ = time;
  ByteWriter(header_)
      .integer(kBlockVersion)
      .integer(partition)
      .integer(epoch)
      .integer(number)
      .integer(static_cast<uint64_t>(time))
      .bytes(previous)
      .bytes(policy)
      .text16(ns);
}

bool BlockBuilder::full() const {
  return count_ >= kBlockRecords || texts_.size() + kTextsPerRecord > kTextsMax ||
         texts_.encoded().size() + records_.size() + kTextsPerRecord * (kAuditTextBytes + 2) + 2048 > kBlockBytes;
}

void BlockBuilder::add(const AuditRecord& record) {
  if (full())
    std::abort();  // a turn has fewer (kPartitionMessages); a block that nobody can read must not be chained to
  auto index = [this](std::string_view text) { return texts_.index_of(text.substr(0, kAuditTextBytes)); };
  auto uuid = parse_uuid(record.message_id);
  auto detectors = record.detectors.first(std::min(record.detectors.size(), kDetectorNames));
  int flags = (uuid ? 0 : kTextId) | (record.shadow ? kShadow : 0) | (detectors.empty() ? 0 : kDetectors);

  Packed packed;
  packed.put(static_cast<uint8_t>(flags)).put(clamped(record.time - time_));
  if (uuid)
    packed.put(uuid->bytes);
  else
    packed.put(index(record.message_id)).put(std::array<unsigned char, kIdBytes - sizeof(uint16_t)>{});
  packed.put(index(record.sender)).put(index(record.target)).put(index(record.type));
  packed.put(record.decision).put(index(record.reason));
  packed.put(record.instance == Id128{} ? uint16_t{0} : texts_.index_of(view_of(record.instance.bytes)));
  packed.put(record.sequence).put(record.payload);
  if (record.shadow) packed.put(record.shadow->decision).put(index(record.shadow->reason));
  if (!detectors.empty()) packed.put(static_cast<uint8_t>(detectors.size()));
  for (std::string_view name : detectors) packed.put(index(name));
  records_.append(packed.view());
  ++count_;
}

BlockBuilder::Finished BlockBuilder::finish() {
  out_.assign(kBlockDomain);
  ByteWriter writer(out_);
  writer.bytes(header_).integer(count_).integer(static_cast<uint16_t>(texts_.size()));
  writer.bytes(texts_.encoded()).bytes(records_);
  Finished finished;
  finished.hash = sha256(out_);
  writer.bytes(finished.hash);
  finished.bytes = std::string_view(out_).substr(kBlockDomain.size());
  return finished;
}

Status decode_block(std::string_view bytes, Block& ret_block) {
  if (bytes.size() > kBlockBytes) return Error{Errc::kTooLarge, "audit block: larger than 16 MiB"};
  auto head = block_head(bytes);
  if (!head) return head.error();
  ret_block.head = *head;
  ret_block.detectors.clear();
  ret_block.uuids.clear();

  ByteReader reader(bytes.substr(0, bytes.size() - kHashBytes));
  reader.bytes(1 + sizeof head->partition);
  ret_block.epoch = reader.integer<uint64_t>();
  reader.integer<uint64_t>();  // the number, in the head
  ret_block.time = static_cast<WallMicros>(reader.integer<uint64_t>());
  ret_block.previous = reader.array<kHashBytes>();
  ret_block.policy = reader.array<kHashBytes>();
  ret_block.ns = reader.text16();
  if (!check_namespace(ret_block.ns).ok()) return malformed("a wrong namespace");
  auto count = reader.integer<uint32_t>();
  auto texts = reader.integer<uint16_t>();
  if (!reader.ok()) return malformed("cut short");
  // A WallMicros takes a delta without overflow when it is a time of this era.
  if (ret_block.time < 0 || ret_block.time > std::numeric_limits<WallMicros>::max() / 2)
    return malformed("an invalid time");
  if (auto status = read_texts(reader, texts, ret_block.texts); !status) return status;
  if (count > kBlockRecords || count > reader.left() / kFixedBytes)
    return malformed("states " + std::to_string(count) + " records, which do not fit");
  if (auto status = RecordDecoder(reader, ret_block).decode(count); !status) return status;
  return reader.at_end() ? Status() : malformed("extra bytes after the last record");
}

Result<BlockHead> block_head(std::string_view bytes) {
  if (bytes.size() < kSmallestBlock) return malformed("cut short");
  ByteReader reader(bytes);
  if (reader.integer<uint8_t>() != kBlockVersion)
    return malformed(bytes[0] == 1 ? "version 1, which names no namespace; verify it with the program that wrote it"
                                   : "a version other than 2");
  BlockHead head;
  head.partition = reader.integer<uint32_t>();
  reader.integer<uint64_t>();  // epoch
  head.number = reader.integer<uint64_t>();
  head.hash = ByteReader(bytes.substr(bytes.size() - kHashBytes)).array<kHashBytes>();
  return head;
}

uint64_t block_epoch(std::string_view bytes) {
  ByteReader reader(bytes);
  reader.bytes(sizeof(uint8_t) + sizeof(BlockHead::partition));
  return reader.integer<uint64_t>();
}

Status check_namespace_of(std::string_view bytes, std::string_view ns) {
  ByteReader reader(bytes);
  reader.bytes(kBeforeNamespace);
  std::string_view its = reader.text16();
  if (reader.ok() && its == ns) return {};
  return malformed(its.empty() ? "of no namespace" : "of namespace '" + printable(its, limits::kNamespaceBytes) + "'");
}

Digest block_hash(std::string_view bytes) {
  thread_local std::string scratch;
  scratch.assign(kBlockDomain);
  scratch.append(bytes.substr(0, bytes.size() - kHashBytes));
  return sha256(scratch);
}

}  // namespace mas::gateway::audit
