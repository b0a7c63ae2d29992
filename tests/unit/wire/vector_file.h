// A file of test vectors: JSON objects of texts, as proto/vectors holds them.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "proto/wire/json.h"
#include "tests/unit/catch.h"

namespace mas::test {

inline const std::filesystem::path kProto = MAS_PROTO_DIR;

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

using VectorObject = std::map<std::string, std::string>;

/// A JSON object's members, texts unescaped, everything else raw.
inline VectorObject vector_object(const std::string& json) {
  auto members = JsonReader::local().members(json);
  REQUIRE(members.ok());
  VectorObject out;
  for (const auto& [key, token] : *members) out[key] = json_text(token);
  return out;
}

inline VectorObject vector_file(const std::string& name) { return vector_object(read_file(kProto / "vectors" / name)); }

/// The bytes that hexadecimal digits stand for.
inline std::string unhex(std::string_view digits) {
  REQUIRE(digits.size() % 2 == 0);
  std::string out;
  for (size_t i = 0; i < digits.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  return out;
}

}  // namespace mas::test
