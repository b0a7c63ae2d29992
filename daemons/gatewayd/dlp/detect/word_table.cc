// Open addressing, with the words packed into numbers.
#include "daemons/gatewayd/dlp/detect/word_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {

WordTable::WordTable(const std::vector<Group>& groups) {
  size_t count = 0;
  for (const Group& group : groups)
    count += static_cast<size_t>(std::count(group.words.begin(), group.words.end(), '|')) + 1;
  slots_.resize(std::bit_ceil(count * 2));
  for (const Group& group : groups) {
    for (std::string_view rest = group.words; !rest.empty();) {
      size_t end = std::min(rest.find('|'), rest.size());
      Bytes word = bytes_of(rest.substr(0, end));
      lengths_[static_cast<unsigned char>(rest[0])] |= 1U << end;
      Slot& slot = slots_[slot_of(word)];
      slot.word = word;
      slot.bits |= group.bits;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

uint32_t WordTable::of(std::string_view word) const {
  if (word.empty() || word.size() > kLongest) return 0;
  if ((lengths_[static_cast<unsigned char>(to_lower(word[0]))] >> word.size() & 1) == 0) return 0;  // most words
  return slots_[slot_of(bytes_of(word))].bits;
}

WordTable::Bytes WordTable::bytes_of(std::string_view word) {
  std::array<char, kLongest + 1> lower{};
  std::transform(word.begin(), word.end(), lower.begin(), to_lower);
  lower[kLongest] = static_cast<char>(word.size());
  Bytes bytes;
  std::memcpy(bytes.data(), lower.data(), sizeof bytes);
  return bytes;
}

size_t WordTable::slot_of(const Bytes& word) const {
  uint64_t mixed = 0;
  for (uint64_t part : word) mixed = (mixed ^ part) * 0x9e3779b97f4a7c15U;
  size_t at = static_cast<size_t>(mixed >> 32) & (slots_.size() - 1);
  while (slots_[at].bits != 0 && slots_[at].word != word) at = (at + 1) & (slots_.size() - 1);
  return at;
}

}  // namespace mas::dlp
