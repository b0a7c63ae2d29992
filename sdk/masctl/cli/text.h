// Text for people: foreign bytes made harmless, aligned tables, ages. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mas::ctl {

/// @return `text` as it may stand on a terminal: control characters (C0, DEL, C1), the marks that turn writing
/// direction around (U+202A–202E, U+2066–2069) and bytes that are not UTF-8 written as \n, \t, \x1b, \u202e. On one
/// line of valid JSON it changes nothing but into JSON's own escapes.
std::string visible(std::string_view text);

/// @return `json` (valid JSON) on one line: line breaks between tokens become spaces.
std::string one_line(std::string_view json);

/// @return "3s", "12m", "5h", "40d": a duration to the precision people ask for. Negative durations are "0s".
std::string brief_duration(double seconds);

/// @return "123,456".
std::string grouped(double number);

/// Rows of cells under headings: aligned with headings for people, tab-separated without for programs.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

  /// Cells are made visible() here. @param cells as many as there are headings.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  /// Two spaces between columns, none after the last; widths in code points.
  std::string aligned() const;
  std::string tab_separated() const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace mas::ctl
