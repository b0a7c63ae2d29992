// Values in columns under their names: CSV, tables of Markdown, and SQL's INSERT.
//
//     id,cvv,created            | id | cvv |            INSERT INTO cards (id, cvv)
//     37,229,2018-09-06         |----|-----|            VALUES (37, '229'), (38, '104')
//                               | 37 | 229 |
//
// Pure; a table is read once, line by line; no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "daemons/gatewayd/dlp/document.h"

namespace mas::dlp {

class Columns {
 public:
  static constexpr size_t kMax = 64;

  /// @param text the same at every call. @param at a place in what may be the line of names. @return whether it is one:
  /// two names or more, and nothing else.
  bool find(std::string_view text, uint32_t at);

  size_t count() const { return names_.count; }
  Span name(size_t column) const { return names_.cells[column]; }
  /// Reads the next line of values. @return false where there is none with as many values as there are names.
  bool next();
  Span value(size_t column) const { return values_.cells[column]; }
  /// Whether the values are those of an INSERT.
  bool is_statement() const { return insert_; }
  /// The first byte that was not read.
  uint32_t end() const { return at_; }

 private:
  struct Row {
    std::array<Span, kMax> cells;
    size_t count = 0;
  };
  bool find_line(uint32_t at);
  bool find_insert(uint32_t at);
  /// Takes [begin, end) apart at separators outside of quotes. @return false where there are too many.
  bool split(uint32_t begin, uint32_t end, Row& ret_row) const;
  bool are_names() const;
  bool is_rule() const;
  char byte(uint32_t at) const { return at < text_.size() ? text_[at] : '\0'; }
  uint32_t line_end(uint32_t at) const;

  std::string_view text_;
  char separator_ = ',';
  bool insert_ = false;
  uint32_t at_ = 0;
  Span plain_;  ///< no parenthesis stands in it, and no node ends there: it is not read again
  Row names_, values_;
};

}  // namespace mas::dlp
