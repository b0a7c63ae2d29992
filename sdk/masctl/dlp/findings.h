// What a scan found, as masctl tells it: rows for people, JSON, one line per line of input. Never a value, only its
// mask.
//
// Threading: none. Ownership: none is taken. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/scanner.h"
#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

/// A scanner and what it scanned last: a JSON value or a text.
class Inspection {
 public:
  static Result<std::unique_ptr<Inspection>> make(std::shared_ptr<const dlp::Rules> rules);

  /// Who sends and receives what is scanned next.
  void between(std::string_view sender, std::string_view target) { scanner_->set_scope(sender, target); }
  Status json(std::string_view value);
  Status text(std::string_view text);
  /// A JSON value where `bytes` are one, else a text.
  Status anything(std::string_view bytes);

  /// "block", "redact", "encrypt", "alert"; "none" where nothing acts.
  std::string_view action() const;
  const dlp::Report& report() const { return scanner_->report(); }
  /// Names of what acts, each once, sorted.
  std::vector<std::string> types() const;

  /// One row per finding.
  Table table() const;
  void write_json(JsonWriter& json) const;
  /// Whether what is scanned next is explained, too.
  void explain(bool on) { scanner_->set_explaining(on); }
  /// One row per candidate: what spoke for it and against it, and what became of it and why (explanation.cc).
  Table explanation() const;
  void write_explanation(JsonWriter& json) const;
  /// The message with everything masked that is blocked, redacted or encrypted.
  std::string redacted() const;

 private:
  explicit Inspection(std::unique_ptr<dlp::Scanner> scanner) : scanner_(std::move(scanner)) {}
  const dlp::TypeRule& type_of(const dlp::Finding& finding) const { return scanner_->rules().types[finding.type]; }
  std::string fate_of(const dlp::Considered& one) const;
  std::string where(const dlp::Finding& finding) const;

  std::unique_ptr<dlp::Scanner> scanner_;
  std::string_view message_;
  bool is_json_ = false;
};

/// Answers lines of JSON, each by itself: {"id":…,"payload":…} or {"id":…,"text":"…"}, the payload first where both are
/// there. What an answer has of the input is its raw bytes but for the masks.
class LineInspector {
 public:
  explicit LineInspector(Inspection& inspection) : inspection_(inspection) {}
  /// @param number of the line, from 1. @return one line of JSON without its end:
  /// {"id":…,"types":[…],"action":"…","redacted":…}, or {"id":null,"error":"line N: …"}.
  std::string answer(std::string_view line, uint64_t number);
  uint64_t malformed() const { return malformed_; }
  static std::string error_line(uint64_t number, std::string_view problem);

 private:
  Inspection& inspection_;
  uint64_t malformed_ = 0;
};

}  // namespace mas::ctl
