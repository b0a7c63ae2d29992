// The gateway's stage: what becomes of a message by what its payload holds.
//
// Happy path: look() at an envelope; it says whether the message may pass, as what, and what the audit is to say. What
// was found is named by type, path and keyed hash, never by itself.
// Failure: what cannot be scanned is UNAVAILABLE: nothing passes unseen.
// Threading: one per turn loop. Ownership: an outcome lives until the next look(), and as long as the envelope.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/scanner.h"
#include "proto/base/decisions.h"
#include "proto/wire/data_key.h"
#include "proto/wire/digest.h"

namespace mas::dlp {

inline constexpr size_t kAuditedFindings = 8;  ///< of one message; how many more there were is said

class ContentStage {
 public:
  struct Verdict {
    /// ALLOWED, REDACTED, ENCRYPTED, DLP_BLOCKED, TOO_LARGE (masked, it would be) or UNAVAILABLE.
    Decision decision = Decision::kAllowed;
    std::string reason;                          ///< of a denial: the types, in the words of the receipt
    std::string_view envelope;                   ///< what is to be delivered
    std::span<const std::string_view> detected;  ///< for the audit: `type path hash`
  };

  /// @param key encrypts values; nullopt: they are masked. @param tags makes the keyed hashes; must outlive the stage.
  /// @param max_envelope a message that masks make larger is refused.
  static Result<std::unique_ptr<ContentStage>> make(std::shared_ptr<const Rules> rules, std::optional<DataKey> key,
                                                    const HmacKey& tags, size_t max_envelope);

  /// @param envelope valid, as the decoder has seen it. @param content what of it is scanned: all of it, or its `data`
  /// where nothing else is content (Envelope::bare); a view into it.
  const Verdict& look(std::string_view sender, std::string_view target, std::string_view envelope,
                      std::string_view content);

  /// @return whether the last look() found that type: not only mentioned it, and not in what is allowed. True also
  /// where there were more findings than are told.
  bool found(std::string_view type) const;

  /// Findings since the last take_counts(): by type, then by Action.
  using Counts = std::vector<std::array<uint64_t, std::size(kActionNames)>>;
  const Counts& counts() const { return counts_; }
  /// What allow-lists let pass since then.
  uint64_t suppressed() const { return suppressed_; }
  void clear_counts();
  const Rules& rules() const { return scanner_->rules(); }

 private:
  ContentStage(std::unique_ptr<Scanner> scanner, std::optional<DataKey> key, const HmacKey& tags, size_t max_envelope);
  void describe();
  void decide(std::string_view envelope, std::string_view content);
  std::string blocked_types() const;

  const std::unique_ptr<Scanner> scanner_;
  const std::optional<DataKey> key_;
  const HmacKey& tags_;
  const size_t max_envelope_;
  Verdict outcome_;
  std::string rewritten_;
  std::vector<std::string> texts_;
  std::vector<std::string_view> detected_;
  Counts counts_;
  uint64_t suppressed_ = 0;
};

}  // namespace mas::dlp
