// Regular expressions of the configuration, in one vectorscan database beside that of the literals.
//
// They are looked for in each node of a document by itself: `^` and `$` are the ends of a value, and nothing is found
// across two of them. Vectorscan reports every end of `{10,}`; here a match is the longest with its start.
// Patterns are ASCII and match bytes; what is found is widened to whole characters of UTF-8.
// Failure: check() says what is wrong with a pattern and what was expected; a scan that fails has found nothing, and
// whoever asked must not go on as if the text were clean.
// Threading: immutable after make(); scratch space is each scanner's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/document.h"
#include "daemons/gatewayd/dlp/matcher.h"
#include "daemons/gatewayd/dlp/sight.h"
#include "proto/base/result.h"

namespace mas::dlp {

/// A match of pattern number `pattern` in node number `node`.
struct PatternHit {
  uint32_t pattern;
  uint32_t node;
  Span span;  ///< in the document's text
};

class PatternSet {
 public:
  static constexpr size_t kLongestPattern = 1024;  ///< bytes
  static constexpr size_t kLargestPattern = 4096;  ///< characters that it may stand for (regex_size.h)

  /// Whether a pattern may be in a set: it compiles, matches something, and is not too large.
  static Status check(std::string_view pattern);
  enum class Wanted : uint8_t {
    kPlaces,   ///< for scan()
    kWhether,  ///< for match()
  };
  /// @param patterns that passed check().
  static Result<PatternSet> make(const std::vector<std::string>& patterns, Wanted wanted = Wanted::kPlaces);

  Status prepare(Scratch& scratch) const;
  /// @param ret_hits by node, pattern and start; cleared first. Those of one pattern may overlap.
  /// @param work pays for each match; the scan ends where it is over, and what it found is not all there is.
  Status scan(const Document& document, hs_scratch* scratch, std::vector<PatternHit>& ret_hits, Work& work) const;
  /// The same in any text: the numbers of the patterns that match, each once, in no order. For patterns that are
  /// anchored.
  Status match(std::string_view text, hs_scratch* scratch, std::vector<uint32_t>& ret_patterns) const;

 private:
  size_t shortest_ = 0;  // bytes that any of the patterns can match
  size_t count_ = 0;
  Database database_;
};

}  // namespace mas::dlp
