// Scans messages for data that must not pass as it is.
//
//   bytes → document (document.h) → words and literals (matcher.h) → detectors (detect/) ─┐
//             └→ views (views.h): folded, decoded, to a depth of two → the same ──────────┴→ overlaps → findings
//
// Happy path: scan_json() or scan_text(), then report(). A scanner keeps its buffers: a steady stream of messages
// allocates nothing to speak of.
// Failure: an error where the text could not be scanned; it must not count as clean.
// Threading: one scanner per thread; the rules are shared. Ownership: the report, and what it views, lives until the
// next scan, and as long as the text that was scanned.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemons/gatewayd/dlp/byte_classes.h"
#include "daemons/gatewayd/dlp/detect/digit_groups.h"
#include "daemons/gatewayd/dlp/document.h"
#include "daemons/gatewayd/dlp/rules.h"
#include "daemons/gatewayd/dlp/views.h"

namespace mas::dlp {

struct Finding {
  uint16_t type = 0;
  Action action = Action::kAlert;
  bool acts = false;  ///< its score is high enough for its action; else it is only mentioned
  bool validated = false;
  float score = 0;
  Span source;              ///< bytes of the message that are the value: inside of a string, or a whole number
  uint32_t node = 0;        ///< of the message's document
  uint8_t quotes = 0;       ///< 0: it stands in a string. n: it is a number within n-1 strings of JSON
  uint32_t document = 0;    ///< where it was seen: 0 the message itself
  Span seen;                ///< bytes of that document's text
  std::string_view detail;  ///< static text
  uint32_t candidate = 0;   ///< which of the scanner's
};

/// A candidate, how it was judged, and what became of it.
struct Considered {
  enum class Fate : uint8_t {
    kStands,   ///< it is among the findings
    kTooLow,   ///< its score is not worth telling
    kAllowed,  ///< an entry of the allow-list lets it pass
    kOff,      ///< its type is off between these agents
    kCovered,  ///< a better one overlaps it
    kUntold,   ///< there were too many
  };
  Finding finding;
  Judgement judgement;
  Fate fate = Fate::kTooLow;
  uint16_t covered_by = 0;  ///< a type
};

struct Report {
  std::vector<Finding> findings;  ///< by growing source
  Action action = Action::kOff;   ///< the strictest of all that act
  uint32_t suppressed = 0;        ///< what the allow-list let pass
  uint32_t untold = 0;            ///< alerts past the number that is told
  /// Why the message is blocked although not all of it was looked at; empty: all was.
  std::string_view refused;
};

class Scanner {
 public:
  static Result<std::unique_ptr<Scanner>> make(std::shared_ptr<const Rules> rules);

  /// Between whom the next messages go: overrides and allow-lists go by it. Without, they are from and to nobody.
  void set_scope(std::string_view sender, std::string_view target);

  /// @param json one valid JSON value, at most 64 MiB.
  /// @param root the key that it stands under, which paths begin with: `data`; empty: none.
  Status scan_json(std::string_view json, Document::Shape shape = Document::Shape::kAnything,
                   std::string_view root = {});
  Status scan_text(std::string_view text);

  const Report& report() const { return report_; }
  /// Whether the next scans keep what considered() tells.
  void set_explaining(bool on) { explaining_ = on; }
  /// Every candidate of the last scan, by growing place; what types that are off for everybody would see is not there.
  std::vector<Considered> considered() const;
  const Rules& rules() const { return *rules_; }
  /// The value as it was read: unescaped, folded or decoded. A secret: for masks, tags and comparisons, never for a
  /// log.
  std::string_view value(const Finding& finding) const;
  /// Where a finding is, as keys and places: `data.patient.ids[2]`; of a key the object that holds it. `$` for the
  /// whole. Keys may be secrets themselves: those in which something was found are written as `*`. A path of more than
  /// `most` bytes ends early, in "…".
  std::string path(const Finding& finding, size_t most = kLongestPath) const;
  static constexpr size_t kLongestPath = 4096;
  /// Names of keys, by their nodes.
  using Names = std::unordered_map<uint32_t, std::string>;
  /// Appends where a node is, whatever was found in its keys. @param renamed keys that are not called by their texts.
  /// @return false where the path has more than `most` bytes; then it ends somewhere.
  bool append_path(std::string& path, uint32_t node, const Names& renamed, size_t most) const;
  const Document& document() const { return *views_[0].document; }
  /// What the last scan was told that the message is.
  Document::Shape shape() const { return shape_; }

  // For who replaces values: every reading of the message, 0 the message itself, and the way back from it.
  static constexpr uint32_t kReadings = 6;
  const Document& reading(uint32_t number) const { return *views_[number].document; }
  /// Where a part of a reading stands in the message.
  struct Place {
    Span source;         ///< bytes of the message; of a number all of it
    uint32_t node = 0;   ///< of the message's document
    uint8_t quotes = 0;  ///< as Finding::quotes
  };
  Place trace(uint32_t reading, uint32_t node, Span part) const;

  /// What the last scan took: a measure that is the same on every machine.
  const Work& work() const { return work_; }

 private:
  /// A document, and which it was made from.
  struct View {
    std::unique_ptr<Document> document;
    uint32_t parent = 0;
    bool classified = false;  ///< whether `classes` are of this text
    ByteClasses classes;
  };
  explicit Scanner(std::shared_ptr<const Rules> rules);
  Status scan();
  Status look_through(uint32_t view);
  const ByteClasses& classes_of(uint32_t view);
  void read_words(const Document& document);
  bool is_phrase(std::string_view text, Span span) const;
  std::string_view key_of(uint32_t reading, uint32_t node) const;
  bool is_suppressed(const Finding& finding);
  void settle();
  void settle_overlaps();
  Finding finding_of(const Candidate& seen) const;
  void note(const Finding& finding, Considered::Fate fate, uint16_t covered_by = 0) {
    if (explaining_) fates_[finding.candidate] = {fate, covered_by};
  }
  template <typename NameOf>
  bool write_path(std::string& path, uint32_t node, size_t most, NameOf name_of) const;

  const std::shared_ptr<const Rules> rules_;
  Scratch scratch_;
  KeyReader keys_;
  std::array<View, kReadings> views_;
  std::string sender_, target_;
  std::vector<Action> actions_;  // by type, in this scope
  std::vector<PatternHit> hits_;
  std::vector<PathStep> steps_;
  Status allowing_;
  std::vector<Match> matches_;
  std::vector<Word> words_;
  std::vector<DigitGroup> groups_;
  std::vector<Candidate> candidates_;
  Work work_;
  std::vector<uint32_t> found_keys_;  // nodes of keys in which something was found; sorted
  std::vector<Finding> traced_;
  bool explaining_ = false;
  std::vector<Judgement> judged_;
  struct CandidateFate {
    Considered::Fate fate = Considered::Fate::kUntold;
    uint16_t covered_by = 0;
  };
  std::vector<CandidateFate> fates_;  // by candidate, while explaining
  Report report_;
  Document::Shape shape_ = Document::Shape::kAnything;
  std::string root_;
};

}  // namespace mas::dlp
