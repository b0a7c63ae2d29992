// Keys that are not known yet, and long ones.
#include "daemons/gatewayd/dlp/key_reader.h"

#include <algorithm>

namespace mas::dlp {

KeyReader::Says KeyReader::read(std::string_view key) {
  if (key.size() > kBlock) return read_long(key);
  std::array<char, kBlock> padded{};
  std::copy(key.begin(), key.end(), padded.begin());
  return read_padded(padded.data(), key.size());
}

KeyReader::Says KeyReader::read_long(std::string_view key) {
  while (!key.empty() && key.back() >= '0' && key.back() <= '9') key.remove_suffix(1);
  if (key.size() <= kBlock) return read(key);
  constexpr size_t kHalf = kBlock / 2;
  std::array<char, kBlock> ends;
  std::copy_n(key.data(), kHalf, ends.data());
  std::copy_n(key.data() + key.size() - kHalf, kHalf, ends.data() + kHalf);
  const ByteBlock bytes = load_block(ends.data());
  const size_t place = place_of(bytes);
  for (size_t i : {place, place + 1})
    if (known_[i].is(bytes, key.size()) && long_keys_[i] == key) return read_known(known_[i], key);
  return read_new(key, bytes, place);
}

KeyReader::Says KeyReader::read_new(std::string_view key, const ByteBlock& bytes, size_t place) {
  Says says;
  says.mask = read_key(key);
  says.roles = roles_of(key);
  if (key.size() > kLongestKey) return says;
  known_[place + 1] = known_[place];
  std::swap(long_keys_[place], long_keys_[place + 1]);
  known_[place] = {bytes, says, static_cast<uint32_t>(key.size())};
  if (key.size() > kBlock) long_keys_[place] = key;
  return says;
}

void KeyReader::look_for_literals(Known& known, std::string_view key) {
  Says& says = known.says;
  says.literals = Literals::kSome;
  if (!find_literals_ || !find_literals_(key, matches_) || matches_.size() > 1) return;
  says.literals = matches_.empty() ? Literals::kNone : Literals::kOne;
  if (matches_.empty()) return;
  says.literal = static_cast<uint16_t>(matches_[0].literal);
  says.literal_end = matches_[0].end;
}

}  // namespace mas::dlp
