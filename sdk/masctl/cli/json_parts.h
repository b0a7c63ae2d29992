// Foreign bytes as parts of masctl's own JSON, which must be valid whatever Redis holds.
#pragma once

#include <string_view>

#include "proto/base/json_writer.h"
#include "proto/base/utf8.h"
#include "proto/wire/json.h"
#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

/// Writes bytes as a JSON string; those that are not UTF-8 with the offending bytes as \xNN.
inline void json_text_or_lossy(JsonWriter& json, std::string_view bytes) {
  json.string(is_valid_utf8(bytes) ? std::string(bytes) : visible(bytes));
}

/// Writes bytes that should be JSON as JSON where they are, as a string where not.
inline void json_raw_or_text(JsonWriter& json, std::string_view bytes) {
  auto value = JsonReader::local().check_value(bytes);
  if (value.ok()) {
    json.raw(one_line(*value));
  } else {
    json_text_or_lossy(json, bytes);
  }
}

/// Writes a text, or null for none.
inline void json_text_or_null(JsonWriter& json, std::string_view bytes) {
  if (bytes.empty()) {
    json.null();
  } else {
    json_text_or_lossy(json, bytes);
  }
}

// The same as members: `"name":…`.
inline void json_member(JsonWriter& json, std::string_view name, std::string_view bytes) {
  json_text_or_lossy(json.key(name), bytes);
}
inline void json_raw_member(JsonWriter& json, std::string_view name, std::string_view bytes) {
  json_raw_or_text(json.key(name), bytes);
}
inline void json_member_or_null(JsonWriter& json, std::string_view name, std::string_view bytes) {
  json_text_or_null(json.key(name), bytes);
}

/// Writes `"name":[…]`. @param write called as write(json, item); writes one value.
template <typename Items, typename Write>
void json_list(JsonWriter& json, std::string_view name, const Items& items, Write write) {
  json.key(name).begin_array();
  for (const auto& item : items) write(json, item);
  json.end_array();
}

/// Writes `"name":["…"]`.
template <typename Texts>
void json_texts(JsonWriter& json, std::string_view name, const Texts& texts) {
  json_list(json, name, texts, json_text_or_lossy);
}

}  // namespace mas::ctl
