// What detectors look at, and where they put what they see: one document, the words that give context, and the scores.
//
// The score of a candidate, 0 to 1 (docs/DLP.md has the reasons):
//     shape                                        what the detector says: 0.3 (any number) to 0.9 (an address with @)
//     a check digit that tells much                at least 0.95
//     a key that names this kind of data           + 0.35
//     words within 40 bytes that do                + 0.20; + 0.10 where other words stand nearer
//     a key against it, for bare numbers also words - 0.40; - 0.20 where the form is one that is printed on cards
// From kActs on a candidate is a finding; down to kMentions it is told as a possible one, and nothing is done about it.
// Threading: none. Pure.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/context.h"
#include "daemons/gatewayd/dlp/document.h"
#include "daemons/gatewayd/dlp/types.h"

namespace mas::dlp {

inline constexpr float kActs = 0.6F;
inline constexpr float kMentions = 0.4F;
inline constexpr float kChecked = 0.95F;

/// Something that was seen in a document.
struct Candidate {
  uint16_t type = 0;
  bool validated = false;  ///< a check digit or a structure that does not come about by chance
  float score = 0;
  uint32_t document = 0;  ///< which of the scanner's
  uint32_t node = 0;
  Span span;                ///< in the document's text
  std::string_view detail;  ///< what it is in particular, such as a vendor: static text
};

/// A phrase of the vocabulary in running text.
struct Word {
  Span span;
  Context context;
};

/// What speaks for a candidate.
struct Evidence {
  float shape = 0;
  ContextMask wanted = 0;  ///< contexts that name this kind of data
  bool checked = false;    ///< the check digits tell much
  bool bare = false;       ///< a run of digits without form: words against it count, too
  std::string_view detail = {};
};

using EnabledTypes = std::bitset<kBuiltinTypes>;

class Sight {
 public:
  Sight(const Document& document, uint32_t number, const EnabledTypes& enabled, const std::vector<Word>& words,
        std::vector<Candidate>& into)
      : document_(document), text_(document.text()), number_(number), enabled_(enabled), words_(words), into_(into) {}

  std::string_view text() const { return text_; }
  const Document& document() const { return document_; }
  const std::vector<Word>& words() const { return words_; }
  bool wants(Type type) const { return enabled_[static_cast<size_t>(type)]; }

  /// @return 0 outside of the text, as between nodes.
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  char before(size_t i) const { return i > 0 ? text_[i - 1] : '\0'; }
  std::string_view view(Span span) const { return text_.substr(span.begin, span.size()); }

  /// The node that holds byte `at`; amortised constant time for growing positions.
  const Node& node_of(uint32_t at);

  /// What the words around say: all of them within 40 bytes of `span` in its node.
  ContextMask near(Span span);
  /// Judges a candidate, and keeps it where it is worth it. @return its score.
  float see(Type type, Span span, const Evidence& evidence);
  /// Keeps a candidate that was judged elsewhere. @param type in Rules::types. @param detail lives as long as the rules.
  void keep(uint16_t type, uint32_t node, Span span, float score, bool validated, std::string_view detail) {
    if (score >= kMentions) into_.push_back({type, validated, score, number_, node, span, detail});
  }

 private:
  struct Around {
    ContextMask all = 0;
    ContextMask nearest = 0;  ///< the last word of data before it
  };
  Around around(Span span, const Node& node) const;

  const Document& document_;
  const std::string_view text_;
  const uint32_t number_;
  const EnabledTypes& enabled_;
  const std::vector<Word>& words_;  // by growing ends
  std::vector<Candidate>& into_;
  uint32_t node_ = 0;  // where the last search ended
};

}  // namespace mas::dlp
