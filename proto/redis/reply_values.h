// What replies of several texts, and the text of INFO, hold. Pure. Ownership: views live as long as the reply.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/numbers.h"
#include "proto/redis/reply.h"

namespace mas::redis {

/// @return what HMGET answered, nullopt for a missing field; nothing where the reply is no array.
inline std::vector<std::optional<std::string_view>> values_of(const Reply& reply) {
  std::vector<std::optional<std::string_view>> values;
  if (!reply.is_array()) return values;
  values.reserve(reply.count);
  for (const auto& value : reply)
    values.push_back(value.is_nil() ? std::nullopt : std::optional<std::string_view>(value.text));
  return values;
}

/// @param pairs a flat list of names and values. @return the value that follows `name`; nullptr where there is none.
inline const Reply* field_of(const Reply& pairs, std::string_view name) {
  if (!pairs.is_array()) return nullptr;
  for (size_t i = 0; i + 1 < pairs.count; i += 2)
    if (pairs[i].is_text() && pairs[i].text == name) return &pairs[i + 1];
  return nullptr;
}

/// @param entry of a stream: its id, and its fields with their values. @return the value; nullptr where there is none.
inline const Reply* entry_field(const Reply& entry, std::string_view field) {
  return entry.is_array() && entry.count == 2 ? field_of(entry[1], field) : nullptr;
}

/// @param info the text that INFO answers: lines of NAME:VALUE. @return the value; empty where the name is not there.
inline std::string_view info_value(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    std::string_view line = info.substr(0, info.find('\n'));
    info.remove_prefix(std::min(info.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return line.substr(name.size() + 1);
  }
  return {};
}

/// @return microseconds since 1970 from the two texts that TIME answers; nullopt: they are no time.
inline std::optional<WallMicros> time_of(std::string_view seconds_text, std::string_view micros_text) {
  constexpr WallMicros kMaxSeconds = 1'000'000'000'000;  // so that the product fits
  auto seconds = parse_number<WallMicros>(seconds_text), micros = parse_number<WallMicros>(micros_text);
  if (!seconds || !micros || *seconds <= 0 || *seconds > kMaxSeconds) return std::nullopt;
  if (*micros < 0 || *micros >= 1'000'000) return std::nullopt;
  return *seconds * 1'000'000 + *micros;
}

/// The same from the reply.
inline std::optional<WallMicros> time_of(const Reply& reply) {
  if (!reply.is_array() || reply.count != 2) return std::nullopt;
  return time_of(reply[0].text, reply[1].text);
}

}  // namespace mas::redis
