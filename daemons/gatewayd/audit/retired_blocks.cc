// Frames and names of files of retired blocks.
#include "daemons/gatewayd/audit/retired_blocks.h"

#include <charconv>
#include <cstdio>

#include "daemons/gatewayd/audit/block.h"

namespace mas::gateway::audit {

void append_retired_block(std::string& out, const RetiredBlockFrame& frame) {
  auto size = static_cast<uint32_t>(sizeof(uint16_t) + frame.entry.size() + frame.block.size());
  ByteWriter(out).integer(size).text16(frame.entry).bytes(frame.block);
}

RetiredBlockReader::RetiredBlockReader(std::string_view bytes) : bytes_(bytes) {
  if (bytes.starts_with(kRetiredBlocksMagic))
    good_ = kRetiredBlocksMagic.size();
  else
    status_ = Error{Errc::kMalformed, "not a file of retired audit blocks"};
}

bool RetiredBlockReader::next(RetiredBlockFrame& ret_frame) {
  if (!status_.ok() || good_ == bytes_.size()) return false;
  ByteReader reader(bytes_.substr(good_));
  ByteReader frame(reader.text32());
  std::string_view entry = frame.text16();
  if (!reader.ok() || !frame.ok() || frame.left() > kBlockBytes) {
    status_ = Error{Errc::kMalformed, "retired blocks: the frame at byte " + std::to_string(good_) + " is cut short"};
    return false;
  }
  ret_frame = {entry, frame.rest()};
  good_ = bytes_.size() - reader.left();
  return true;
}

std::string retired_file_name(uint32_t partition, uint64_t first_block) {
  char name[64];
  std::snprintf(name, sizeof name, "audit-%04u-%020llu.mas", partition, static_cast<unsigned long long>(first_block));
  return name;
}

std::optional<RetiredFileName> parse_retired_file_name(std::string_view name) {
  constexpr std::string_view kPrefix = "audit-";
  RetiredFileName parsed;
  size_t dash = name.rfind('-');
  if (!name.starts_with(kPrefix) || dash < kPrefix.size()) return std::nullopt;
  std::from_chars(name.data() + kPrefix.size(), name.data() + dash, parsed.partition);
  std::from_chars(name.data() + dash + 1, name.data() + name.size(), parsed.first_block);
  if (retired_file_name(parsed.partition, parsed.first_block) != name) return std::nullopt;
  return parsed;
}

}  // namespace mas::gateway::audit
