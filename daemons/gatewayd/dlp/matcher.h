// All literals at once: the words of the vocabulary and the beginnings of secrets, in one vectorscan database.
//
// Literals are short and many, which is what vectorscan is fast with; what they are the beginning of, the detectors
// find out. The database is made once and is read by any number of threads; scratch space is each scanner's own.
// Failure: vectorscan's error with its number; a scan that fails has found nothing, and whoever asked must not go on as
// if the text were clean.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/literal_text.h"
#include "proto/base/result.h"

struct hs_database;
struct hs_scratch;

namespace mas::dlp {

struct DatabaseDeleter {
  void operator()(hs_database* database) const;
};
struct ScratchDeleter {
  void operator()(hs_scratch* scratch) const;
};
using Database = std::unique_ptr<hs_database, DatabaseDeleter>;
using Scratch = std::unique_ptr<hs_scratch, ScratchDeleter>;

/// @return "vectorscan: … (number)".
Error vectorscan_error(std::string_view what, int code);

class Matcher {
 public:
  static Result<Matcher> make();

  /// @param scratch is made or grown as it takes.
  Status prepare(Scratch& scratch) const;
  /// @param ret_matches by growing ends; cleared first.
  Status scan(std::string_view text, hs_scratch* scratch, std::vector<Match>& ret_matches) const;
  /// The same for a key. @return whether the literals are the same with digits behind it.
  bool scan_key(std::string_view key, hs_scratch* scratch, std::vector<Match>& ret_matches) const;

  /// What a match's number means. For phrases `argument` is the context.
  const Literal& literal(uint32_t number) const { return literals_[number]; }
  std::span<const Literal> literals() const { return literals_; }

 private:
  std::vector<std::string> spellings_;
  std::vector<Literal> literals_;
  std::vector<std::string_view> before_digits_;  // of the literals that end in digits, what stands before these
  Database database_;
};

}  // namespace mas::dlp
