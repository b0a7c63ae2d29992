// Words of command lines.
#include "daemons/gatewayd/dlp/detect/arguments.h"

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kLongestCommand = 512, kLongestQuoted = 256;

bool is_quote(char c) { return c == '"' || c == '\''; }
bool ends_command(char c) {
  return c == '\0' || c == '\n' || c == '\r' || c == ';' || c == '|' || c == '&' || c == '`' || c == ')' || c == '<';
}

}  // namespace

Arguments::Arguments(const Sight& sight, uint32_t from) : sight_(sight), at_(from), limit_(from + kLongestCommand) {
  char next = sight.at(from);
  if (next == '\0') form_ = Form::kArray;
  if (is_quote(next)) {
    uint32_t comma = from + 1;
    if (sight.at(comma) == ' ') ++comma;
    if (sight.at(comma) != ',') return;
    form_ = Form::kList;
    quote_ = next;
    at_ = comma;
  }
}

bool Arguments::next() {
  if (at_ >= limit_) return false;
  switch (form_) {
    case Form::kShell:
      return next_in_shell();
    case Form::kList:
      return next_in_list();
    case Form::kArray:
      return next_in_array();
  }
  return false;
}

/// @return where the quote that opens at `quote` is closed; 0 where it is not, on this line.
uint32_t Arguments::closing(uint32_t quote) const {
  for (uint32_t at = quote + 1; at - quote <= kLongestQuoted; ++at) {
    char c = sight_.at(at);
    if (c == sight_.at(quote)) return at;
    if (c == '\0' || c == '\n') return 0;
  }
  return 0;
}

bool Arguments::next_in_shell() {
  while (true) {
    char c = sight_.at(at_);
    if (c == ' ' || c == '\t') {
      ++at_;
    } else if (c == '\\' && (sight_.at(at_ + 1) == '\n' || sight_.at(at_ + 1) == '\r')) {
      at_ += sight_.at(at_ + 1) == '\r' && sight_.at(at_ + 2) == '\n' ? 3 : 2;
    } else {
      break;
    }
  }
  uint32_t begin = at_;
  if (is_quote(sight_.at(begin))) {
    uint32_t close = closing(begin);
    if (close == 0) return false;
    word_ = {begin + 1, close};
    at_ = close + 1;
    return true;
  }
  while (!ends_command(sight_.at(at_)) && !is_space(sight_.at(at_)) && at_ < limit_) {
    if (is_quote(sight_.at(at_))) {
      bool opens = sight_.at(at_ - 1) == '=' || sight_.at(at_ - 1) == ':' || at_ - begin == 2;
      uint32_t close = opens ? closing(at_) : 0;
      if (close == 0) break;  // of the text around the command
      at_ = close;
    }
    ++at_;
  }
  if (at_ == begin) return false;
  word_ = {begin, at_};
  if (is_quote(sight_.at(at_))) at_ = limit_;
  return true;
}

bool Arguments::next_in_list() {
  while (at_ < limit_ && (sight_.at(at_) == ',' || is_space(sight_.at(at_)))) ++at_;
  if (sight_.at(at_) != quote_) return false;
  uint32_t close = closing(at_);
  if (close == 0) return false;
  word_ = {at_ + 1, close};
  at_ = close + 1;
  return true;
}

bool Arguments::next_in_array() {
  if (sight_.at(at_) != '\0' || at_ + 1 >= sight_.text().size()) return false;
  uint32_t end = at_ + 1;
  while (sight_.at(end) != '\0' && end - at_ <= kLongestQuoted) ++end;
  if (sight_.at(end) != '\0') return false;
  word_ = {at_ + 1, end};
  at_ = end;
  return true;
}

Span Arguments::rest(uint32_t skip) const {
  Span part{word_.begin + skip, word_.end};
  if (part.size() >= 2 && is_quote(sight_.at(part.begin)) && sight_.at(part.end - 1) == sight_.at(part.begin))
    return {part.begin + 1, part.end - 1};
  return part;
}

}  // namespace mas::dlp
