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

#include "daemons/gatewayd/dlp/byte_classes.h"
#include "daemons/gatewayd/dlp/context.h"
#include "daemons/gatewayd/dlp/document.h"
#include "daemons/gatewayd/dlp/types.h"

namespace mas::dlp {

inline constexpr float kActs = 0.6F;
inline constexpr float kMentions = 0.4F;
inline constexpr float kChecked = 0.95F;
/// What a sign adds to a score, or takes off.
struct Worth {
  static constexpr float kKey = 0.35F, kWords = 0.20F, kFarWords = 0.10F, kAgainst = 0.40F, kAgainstForm = 0.20F;
};

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

/// What scanning one message may cost. Every loop whose length the text decides takes its steps from here: about one
/// for each byte or word that is looked at once more. Ordinary messages take a small part of it (docs/DLP.md,
/// "Bounds").
struct Work {
  static constexpr uint64_t kStepsPerByte = 16, kBase = 128 * 1024;
  static constexpr uint32_t kMaxHidden = 8192;    ///< candidates whose action changes the message; past it: block
  static constexpr uint32_t kMaxAlerts = 8192;    ///< that are told; more of them change nothing
  static constexpr uint32_t kMaxMentions = 1024;  ///< of possible ones

  uint64_t steps = 0, most = kBase;
  uint32_t hidden = 0, alerts = 0, mentions = 0;
  uint32_t untold = 0;    ///< alerts past their number
  bool too_many = false;  ///< more than kMaxHidden
  bool over() const { return steps > most || too_many; }
};

/// How a candidate came by its score; kept only where somebody wants to know (Scanner::explain).
struct Judgement {
  static constexpr uint32_t kNotKept = UINT32_MAX;

  Candidate candidate;
  uint32_t kept = kNotKept;  ///< its place among the candidates
  float shape = 0;
  bool checked = false;
  bool by_rule = false;  ///< of the configuration, whose score is its own affair
  bool far = false;      ///< words that name it are there, others stand nearer
  ContextMask wanted = 0;
  ContextMask key = 0;    ///< what its key says
  ContextMask words = 0;  ///< what the words around say
  float against = 0;      ///< what was taken off
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

/// Where a Sight puts what it sees. Threading: none. Ownership: the scanner's.
struct Seen {
  const std::vector<Action>& actions;  ///< by type
  std::vector<Candidate>& candidates;
  Work& work;
  std::vector<Judgement>* judged = nullptr;  ///< nullptr: nobody asks
};

class Sight {
 public:
  /// @param classes of the document's text.
  Sight(const Document& document, const ByteClasses& classes, uint32_t number, const EnabledTypes& enabled,
        const std::vector<Word>& words, const Seen& seen)
      : document_(document),
        text_(document.text()),
        classes_(classes),
        number_(number),
        enabled_(enabled),
        words_(words),
        seen_(seen) {}

  std::string_view text() const { return text_; }
  const Document& document() const { return document_; }
  const ByteClasses& classes() const { return classes_; }
  const std::vector<Word>& words() const { return words_; }
  /// Whether somebody asks for what is not found, too.
  bool explains() const { return seen_.judged != nullptr; }
  bool wants(Type type) const { return enabled_[static_cast<size_t>(type)]; }

  /// Tells that `steps` bytes or words were looked at. Detectors call it for what they read of text() itself; what they
  /// ask for below counts by itself.
  void spend(size_t steps) const { seen_.work.steps += steps; }
  Work& work() const { return seen_.work; }
  /// Whether the message may cost no more: detectors stop, and the message is refused.
  bool is_spent() const { return seen_.work.over(); }

  /// @return 0 outside of the text, as between nodes.
  char at(size_t i) const {
    spend(1);
    return i < text_.size() ? text_[i] : '\0';
  }
  char before(size_t i) const {
    spend(1);
    return i > 0 && i <= text_.size() ? text_[i - 1] : '\0';
  }
  /// What of it is outside of the text is left out.
  std::string_view view(Span span) const {
    spend(span.size());
    return span.begin < text_.size() ? text_.substr(span.begin, span.size()) : std::string_view();
  }

  /// The node that holds byte `at`; amortised constant time for growing positions.
  const Node& node_of(uint32_t at);

  /// What the words around say: all of them within 40 bytes of `span` in its node.
  ContextMask near(Span span);
  /// Judges a candidate, and keeps it where it is worth it.
  void see(Type type, Span span, const Evidence& evidence);
  /// Keeps a candidate that was judged elsewhere. @param type in Rules::types. @param detail lives as long as the
  /// rules.
  void keep(uint16_t type, uint32_t node, Span span, float score, bool validated, std::string_view detail);

 private:
  struct Around {
    ContextMask all = 0;
    ContextMask nearest = 0;  ///< the last word of data before it
  };
  Around around(Span span, const Node& node) const;
  /// @return its place among the candidates; Judgement::kNotKept where it is not worth it, or there are too many.
  uint32_t put(const Candidate& candidate);

  const Document& document_;
  const std::string_view text_;
  const ByteClasses& classes_;
  const uint32_t number_;
  const EnabledTypes& enabled_;
  const std::vector<Word>& words_;  // by growing ends
  const Seen seen_;
  uint32_t node_ = 0;  // where the last search ended
};

}  // namespace mas::dlp
