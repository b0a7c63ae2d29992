// Steps of a path.
#include "proto/wire/json_path.h"

#include <algorithm>

#include "proto/base/json_writer.h"

namespace mas {

void append_key_step(std::string& path, std::string_view key) {
  bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (plain) {
    if (!path.empty()) path.push_back('.');
    path.append(key);
    return;
  }
  path.push_back('[');
  append_json_string(path, key);
  path.push_back(']');
}

void append_index_step(std::string& path, size_t index) { path.append("[").append(std::to_string(index)).append("]"); }

}  // namespace mas
