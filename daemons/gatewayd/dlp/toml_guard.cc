// Looks at every token of a TOML file once.
#include "daemons/gatewayd/dlp/toml_guard.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/detect/values.h"
#include "proto/base/utf8.h"

namespace mas::dlp {
namespace {

constexpr size_t kDeepest = 4;       // lists and inline tables
constexpr size_t kMaxDots = 4;       // parts of a key, less one
constexpr size_t kLongestName = 64;  // bytes of a key's part
constexpr size_t kMaxDigits = 9;

bool is_name(char c) { return is_alnum(c) || c == '_' || c == '-'; }

class Guard {
 public:
  explicit Guard(std::string_view text) : text_(text) {}

  TomlFault run() {
    while (fault_.line == 0 && at_ < text_.size()) {
      skip_blank();
      if (at_ == text_.size()) break;
      if (text_[at_] == '[')
        header();
      else
        pair();
    }
    return std::move(fault_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void fail(std::string expected) {
    if (fault_.line != 0) return;
    fault_.line =
        1 + static_cast<size_t>(std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
    fault_.expected = std::move(expected);
  }
  void skip_space() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  void skip_comment() {
    if (peek() == '#')
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }
  /// White space, line breaks and comments.
  void skip_blank() {
    while (is_space(peek()) || peek() == '#') {
      skip_comment();
      if (is_space(peek())) ++at_;
    }
  }
  void end_of_line() {
    skip_space();
    skip_comment();
    if (peek() == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] != '\n') fail("expected the end of the line");
  }

  void header() {
    bool list = text_.substr(at_).starts_with("[[");
    at_ += list ? 2 : 1;
    skip_space();
    name();
    skip_space();
    std::string_view close = list ? "]]" : "]";
    if (!text_.substr(at_).starts_with(close)) return fail("expected a heading such as [dlp] or [[dlp.rule]]");
    at_ += close.size();
    end_of_line();
  }

  void pair() {
    key_and_value();
    if (fault_.line == 0) end_of_line();
  }

  void key_and_value() {
    name();
    skip_space();
    if (peek() != '=') return fail("expected KEY = VALUE with a bare key of letters, digits, _ and -");
    ++at_;
    skip_space();
    value();
  }

  void name() {
    for (size_t dots = 0;; ++dots) {
      size_t begin = at_;
      while (is_name(peek())) ++at_;
      if (at_ == begin || at_ - begin > kLongestName || dots > kMaxDots)
        return fail("expected a bare key of letters, digits, _ and -");
      if (peek() != '.') return;
      ++at_;
    }
  }

  void value() {
    char c = peek();
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '[' || c == '{') return nested(c);
    size_t begin = at_;
    while (is_alnum(peek()) || peek() == '.') ++at_;
    std::string_view word = text_.substr(begin, at_ - begin);
    if (word == "true" || word == "false" || is_number(word)) return;
    fail("expected a text in quotes, a list, a table, true, false or a number such as 3.5");
  }

  static bool is_number(std::string_view word) {
    size_t point = std::min(word.find('.'), word.size());
    std::string_view whole = word.substr(0, point), rest = word.substr(std::min(point + 1, word.size()));
    auto digits = [](std::string_view text) {
      return text.size() <= kMaxDigits && std::all_of(text.begin(), text.end(), is_digit);
    };
    bool zero = whole.size() > 1 && whole[0] == '0';
    return !whole.empty() && !zero && digits(whole) && digits(rest) && (point == word.size() || !rest.empty());
  }

  void quoted(char quote) {
    if (text_.substr(at_).starts_with(std::string(3, quote))) return fail("expected a text of one line");
    for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      char c = text_[at_];
      if (c == quote) return void(++at_);
      if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f)
        return fail("expected no control characters");
      if (c == '\\' && quote == '"' && !escape())
        return fail("expected \\\\ for a backslash, or a text in 'single quotes'");
    }
    fail("expected a closing quote in the same line");
  }

  /// Leaves at_ at the escape's second character.
  bool escape() {
    ++at_;
    if (std::string_view("btnfr\"\\").find(peek()) != std::string_view::npos && peek() != '\0') return true;
    if (peek() != 'u') return false;
    return text_.size() - at_ > 4 && std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(at_) + 1,
                                                 text_.begin() + static_cast<std::ptrdiff_t>(at_) + 5, [](char c) {
                                                   return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
                                                 });
  }

  void nested(char open) {
    if (++depth_ > kDeepest) return fail("expected lists and tables that nest less deeply");
    ++at_;
    char close = open == '[' ? ']' : '}';
    auto skip = [&] { open == '[' ? skip_blank() : skip_space(); };
    skip();
    while (fault_.line == 0 && peek() != close) {
      open == '[' ? value() : key_and_value();
      skip();
      if (peek() == ',') {
        ++at_;
        skip();
        if (open == '{' && peek() == close) return fail("expected no comma before }");
      } else if (peek() != close) {
        return fail(std::string("expected , or ") + close);
      }
    }
    --depth_;
    if (fault_.line == 0) ++at_;
  }

  const std::string_view text_;
  size_t at_ = 0, depth_ = 0;
  TomlFault fault_;
};

}  // namespace

TomlFault find_toml_fault(std::string_view text) {
  if (!is_valid_utf8(text)) {
    size_t line = 1;
    while (true) {
      size_t end = text.find('\n');
      if (!is_valid_utf8(text.substr(0, end))) break;
      text.remove_prefix(end + 1);
      ++line;
    }
    return {line, "expected UTF-8"};
  }
  return Guard(text).run();
}

}  // namespace mas::dlp
