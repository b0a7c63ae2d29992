// Key paths of an allow-list: `data.patient.ids[2]`, with `*` for one step and `**` for any number of them.
//
//   step   name | * | ** | [number] | [*] | ["any key as a JSON string"]      between names a dot
//
// They are written as Scanner::path prints them; `$` is the whole message. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace mas::dlp {

/// One step down from the message to a value.
struct PathStep {
  bool element = false;  ///< of an array
  uint32_t index = 0;    ///< of an element
  std::string_view key;  ///< of a member, unescaped
};

class PathPattern {
 public:
  static Result<PathPattern> parse(std::string_view text);
  bool matches(std::span<const PathStep> path) const;
  /// How many of its steps one step of a path is compared with, at most.
  size_t steps_per_step() const { return steps_.size() + 1; }

 private:
  struct Step {
    enum class Kind : uint8_t { kKey, kIndex, kOne, kAny };
    Kind kind;
    uint32_t index = 0;
    std::string key;
    bool takes(const PathStep& step) const;
  };
  std::vector<Step> steps_;
};

}  // namespace mas::dlp
