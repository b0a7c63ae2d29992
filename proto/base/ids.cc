// Identifiers and their checks.
#include "proto/base/ids.h"

#include <algorithm>

#include "proto/base/random.h"
#include "proto/base/utf8.h"

namespace mas {
namespace {

constexpr char kHex[] = "0123456789abcdef";

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// @return the bytes of the control character that `text` begins with: 0 for none, 2 for U+0080 to U+009F.
size_t control_bytes(std::string_view text) {
  auto c = static_cast<unsigned char>(text[0]);
  if (c < 0x20 || c == 0x7f) return 1;
  if (c != 0xc2 || text.size() < 2) return 0;
  auto next = static_cast<unsigned char>(text[1]);
  return next >= 0x80 && next <= 0x9f ? 2 : 0;
}

}  // namespace

Status check_agent_id(std::string_view id) {
  auto refuse = [&](std::string_view why) {
    return Error{Errc::kInvalidArgument, "agent id '" + printable(id) + "' " + std::string(why) +
                                             "; expected 1-128 of [A-Za-z0-9._-], starting with a letter or digit"};
  };
  if (id.empty()) return refuse("is empty");
  if (id.size() > kMaxAgentIdBytes) return refuse("has " + std::to_string(id.size()) + " characters");
  if (!is_alnum(id[0])) return refuse("does not start with a letter or digit");
  for (char c : id)
    if (!is_alnum(c) && c != '.' && c != '_' && c != '-') return refuse("has a character outside the set");
  return {};
}

bool is_foreign_agent_id(std::string_view id) {
  return !id.empty() && id.size() <= 512 && is_valid_utf8(id) && !has_control_character(id);
}

bool has_control_character(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i)
    if (control_bytes(text.substr(i)) > 0) return true;
  return false;
}

std::string Id128::hex() const {
  std::string out;
  out.reserve(32);
  for (unsigned char b : bytes) {
    out.push_back(kHex[b >> 4]);
    out.push_back(kHex[b & 15]);
  }
  return out;
}

Id128 new_instance_id() {
  Id128 id;
  random_bytes(id.bytes);
  return id;
}

Id128 new_uuid_v7(WallMicros now) {
  Id128 id;
  random_bytes(id.bytes);
  auto millis = static_cast<uint64_t>(now < 0 ? 0 : now / 1000);
  for (int i = 0; i < 6; ++i) id.bytes[static_cast<size_t>(i)] = static_cast<unsigned char>(millis >> (40 - 8 * i));
  id.bytes[6] = static_cast<unsigned char>(0x70 | (id.bytes[6] & 0x0f));
  id.bytes[8] = static_cast<unsigned char>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

void append_uuid(std::string& out, const Id128& id) {
  char text[36];
  char* p = text;
  for (size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
    *p++ = kHex[id.bytes[i] >> 4];
    *p++ = kHex[id.bytes[i] & 15];
  }
  out.append(text, sizeof text);
}

std::string printable(std::string_view text, size_t max_bytes) {
  bool cut = text.size() > max_bytes;
  size_t end = cut ? max_bytes : text.size();
  while (cut && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text = text.substr(0, end);
  bool ascii_only = !is_valid_utf8(text);
  std::string out;
  while (!text.empty()) {
    bool strange = ascii_only && static_cast<unsigned char>(text[0]) >= 0x80;
    size_t control = strange ? 1 : control_bytes(text);
    out.push_back(control > 0 ? '?' : text[0]);
    text.remove_prefix(std::max<size_t>(control, 1));
  }
  if (cut) out += "…";
  return out;
}

}  // namespace mas
