// Lines of names and of values.
#include "daemons/gatewayd/dlp/detect/columns.h"

#include <algorithm>
#include <span>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kLongestLine = 2048;
constexpr size_t kLongestName = 40;

bool is_line_end(char c) { return c == '\n' || c == '\r' || c == '\0'; }
bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }

}  // namespace

bool Columns::find(std::string_view text, uint32_t at) {
  text_ = text;
  at_ = at;
  return find_insert(at) || find_line(at);
}

uint32_t Columns::line_end(uint32_t at) const {
  uint32_t end = at;
  while (!is_line_end(byte(end)) && end - at < kLongestLine) ++end;
  return end;
}

bool Columns::find_line(uint32_t at) {
  uint32_t begin = at, end = line_end(at);
  while (begin > 0 && at - begin < kLongestLine && !is_line_end(text_[begin - 1])) --begin;
  at_ = end;
  if (begin > 0 && !is_line_end(text_[begin - 1])) return false;
  if (byte(end) != '\n' && byte(end) != '\r') return false;
  std::string_view line = text_.substr(begin, end - begin);
  separator_ = ',';
  for (char mark : {'\t', '|', ';'})
    if (line.find(mark) != std::string_view::npos) {
      separator_ = mark;
      break;
    }
  insert_ = false;
  return split(begin, end, names_) && are_names();
}

bool Columns::find_insert(uint32_t at) {
  auto stops = [](char c) { return c == '(' || c == ')' || c == '\0'; };
  while (plain_.end < at && !stops(text_[plain_.end])) ++plain_.end;
  if (at < plain_.begin || at > plain_.end) plain_ = {at, at};
  while (plain_.begin > 0 && at - plain_.begin < kLongestLine && !stops(text_[plain_.begin - 1])) --plain_.begin;
  uint32_t begin = std::max(plain_.begin, at - std::min(at, kLongestLine));
  if (begin == 0 || text_[begin - 1] != '(') return false;
  while (plain_.end < at + kLongestLine && !stops(byte(plain_.end))) ++plain_.end;
  uint32_t end = std::min(plain_.end, at + kLongestLine);
  if (byte(end) != ')') return false;
  uint32_t word = end + 1;
  while (is_space(byte(word)) && word - end < 64) ++word;
  if (!equals_word(text_.substr(word, 6), "values")) return false;
  separator_ = ',';
  insert_ = true;
  at_ = word + 6;
  return split(begin, end, names_) && are_names();
}

bool Columns::split(uint32_t begin, uint32_t end, Row& row) const {
  row.count = 0;
  if (separator_ == '|') {  // the frame of a table
    while (begin < end && is_space(text_[begin])) ++begin;
    while (end > begin && is_space(text_[end - 1])) --end;
    if (begin < end && text_[begin] == '|') ++begin;
    if (end > begin && text_[end - 1] == '|') --end;
  }
  char quote = '\0';
  for (uint32_t i = begin, from = begin; i <= end; ++i) {
    if (i < end && quote != '\0') {
      if (text_[i] == quote) quote = '\0';
      continue;
    }
    if (i < end && text_[i] != separator_) {
      bool opens = is_quote(text_[i]) && trim(text_.substr(from, i - from)).empty();
      if (opens) quote = text_[i];
      continue;
    }
    if (row.count == kMax) return false;
    Span cell{from, i};
    while (cell.begin < cell.end && is_space(text_[cell.begin])) ++cell.begin;
    while (cell.end > cell.begin && is_space(text_[cell.end - 1])) --cell.end;
    if (cell.size() >= 2 && is_quote(text_[cell.begin]) && text_[cell.end - 1] == text_[cell.begin])
      ++cell.begin, --cell.end;
    row.cells[row.count++] = cell;
    from = i + 1;
  }
  return true;
}

/// Names are short, begin with a letter, and have no more than three words.
bool Columns::are_names() const {
  if (names_.count < 2) return false;
  return std::ranges::all_of(std::span(names_.cells).first(names_.count), [this](Span cell) {
    std::string_view name = text_.substr(cell.begin, cell.size());
    if (name.empty() || name.size() > kLongestName || !is_letter(name[0])) return false;
    if (std::count(name.begin(), name.end(), ' ') > 2) return false;
    return std::ranges::all_of(name, [](char c) {
      return is_alnum(c) || c == '_' || c == '-' || c == ' ' || c == '#' || c == '.' || (c & 0x80) != 0;
    });
  });
}

/// |---|:--:|
bool Columns::is_rule() const {
  return std::ranges::all_of(std::span(values_.cells).first(values_.count), [this](Span cell) {
    return text_.substr(cell.begin, cell.size()).find_first_not_of("-:= ") == std::string_view::npos;
  });
}

bool Columns::next() {
  while (true) {
    uint32_t begin = at_, end = 0, past = 0;
    if (insert_) {
      while (is_space(byte(begin)) || byte(begin) == ',') ++begin;
      if (byte(begin) != '(') return false;
      end = ++begin;
      char quote = '\0';
      for (; end - begin < kLongestLine && byte(end) != '\0' && (quote != '\0' || byte(end) != ')'); ++end)
        if (byte(end) == '\'') quote = quote == '\0' ? '\'' : '\0';
      if (byte(end) != ')') return false;
      past = end + 1;
    } else {
      while (byte(begin) == '\r' || byte(begin) == '\n') ++begin;
      end = line_end(begin);
      if (begin == end || !is_line_end(byte(end))) return false;
      past = end;
    }
    if (!split(begin, end, values_) || values_.count != names_.count) return false;
    at_ = past;
    if (!is_rule()) return true;
  }
}

}  // namespace mas::dlp
