// Rules of the configuration: a pattern, what must stand near it, what its value must be.
//
//   pattern hits → keywords near or in the key? → validator, entropy → context → score
//                → those that touch are one candidate
//
// A score (sight.h): 0.75 of itself; where the rule names a context, 0.5 without it (a possible finding), 0.85 with its
// word in the key, 0.7 with it near. A validator that holds makes at least 0.95 of what acts.
// Failure: a scan that fails has found nothing, and whoever asked must not go on as if the text were clean.
// Threading: immutable after make().
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/pattern_set.h"
#include "daemons/gatewayd/dlp/sight.h"
#include "daemons/gatewayd/dlp/validators.h"

namespace mas::dlp {

struct CustomRule {
  static constexpr uint32_t kLongestWord = 64;  ///< bytes of a keyword or context

  std::string id;
  std::string pattern;
  uint16_t type = 0;                  ///< in Rules::types: each rule has an entry of its own
  std::vector<std::string> keywords;  ///< lower case; none: the pattern is enough
  std::vector<std::string> context;   ///< lower case; none: nothing need be said about it
  const Validator* validator = nullptr;
  double min_entropy = 0;  ///< bits per byte
};

class CustomRules {
 public:
  /// @param rules whose patterns passed PatternSet::check(); at least one.
  static Result<CustomRules> make(std::vector<CustomRule> rules);

  const std::vector<CustomRule>& rules() const { return rules_; }
  Status prepare(Scratch& scratch) const { return patterns_.prepare(scratch); }

  /// @return the text of a node's key, or of what holds it; empty for none.
  using KeyOf = std::function<std::string_view(uint32_t node)>;
  /// Tells `sight` what is found in its document. @param hits room to work in.
  Status look(Sight& sight, hs_scratch* scratch, std::vector<PatternHit>& hits, const KeyOf& key_of) const;

 private:
  std::vector<CustomRule> rules_;
  PatternSet patterns_;
};

/// Whether one of `words` (lower case) stands in `text`, not within a longer word.
bool has_any_word(std::string_view text, const std::vector<std::string>& words);

}  // namespace mas::dlp
