// What is known and may pass: findings that an entry of the allow-list names do not appear.
//
// An entry says one or more things of a finding (its value, its key path, who sends or receives it, its type), and
// holds where all of them do. Values may be listed by their SHA-256, so that the configuration need not hold them.
// Failure: a pattern that cannot be run allows nothing, and is an error.
// Threading: immutable after make().
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/path_pattern.h"
#include "daemons/gatewayd/dlp/pattern_set.h"
#include "daemons/gatewayd/dlp/scope.h"
#include "proto/wire/digest.h"

namespace mas::dlp {

struct AllowEntry {
  std::vector<uint16_t> types;      ///< none: of any type
  std::vector<std::string> values;  ///< as they are read: unescaped
  std::vector<Digest> hashed;
  std::string pattern;  ///< of the whole value; empty: none
  std::optional<PathPattern> path;
  std::optional<AgentPattern> agent;  ///< sender or target
};

class AllowList {
 public:
  /// @param entries whose patterns passed PatternSet::check().
  static Result<AllowList> make(std::vector<AllowEntry> entries);
  /// The pattern that matches the whole of a value.
  static std::string anchored(std::string_view pattern) { return "^(?:" + std::string(pattern) + ")\\z"; }

  bool has_paths() const { return has_paths_; }
  /// What one question costs at most, in steps (Work). @param depth of the value's path.
  size_t steps_of(size_t depth) const { return kStepsOfQuestion + entries_.size() + path_steps_ * (depth + 1); }
  Status prepare(Scratch& scratch) const;

  struct Question {
    uint16_t type;
    std::string_view value;
    std::span<const PathStep> path;  ///< needed where has_paths()
    std::string_view sender, target;
  };
  Result<bool> allows(const Question& question, hs_scratch* scratch) const;

 private:
  bool names_value(const AllowEntry& entry, std::string_view value, const Digest& digest) const;

  static constexpr size_t kStepsOfQuestion = 64;

  std::vector<AllowEntry> entries_;
  size_t path_steps_ = 0;             // that one step of a path is compared with
  std::vector<uint32_t> pattern_of_;  // by entry: its number in patterns_
  std::optional<PatternSet> patterns_;
  bool has_paths_ = false, has_hashes_ = false;
};

}  // namespace mas::dlp
