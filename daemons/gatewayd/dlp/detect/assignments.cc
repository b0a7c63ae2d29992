// Names, signs and values.
#include "daemons/gatewayd/dlp/detect/assignments.h"

#include <algorithm>
#include <array>

namespace mas::dlp {
namespace {

constexpr uint32_t kLongestName = 64;    // bytes to either side of a word
constexpr uint32_t kLongestValue = 512;  // bytes
constexpr uint32_t kFarthest = 24;       // bytes of spaces and signs between name and value

bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool ends_line(char c) { return c == '\n' || c == '\r' || c == '\0'; }
bool is_word_byte(char c) { return is_alnum(c) || c == '_'; }

/// Reads on behind a name.
class Reader {
 public:
  Reader(std::string_view text, Span name) : text_(text), name_(name), at_(name.end) {}

  Value read() {
    close_name();
    bool found = tag() || sign() || argument() || value_member() || command();
    if (!found) return {};
    skip_blanks();
    Value value = take();
    if (value.link == Link::kNone) value = {{at_, at_}, Link::kSign, false};  // the sign is there, the value is not
    return value;
  }

 private:
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  char before(uint32_t n) const { return name_.begin >= n ? text_[name_.begin - n] : '\0'; }
  void skip_blanks() {
    for (uint32_t from = at_; at_ - from < kFarthest && is_blank(at(at_)); ++at_) {
    }
  }
  bool take_if(std::string_view what) {
    if (at(at_) != what[0] || part(at_, what.size()) != what) return false;
    at_ += static_cast<uint32_t>(what.size());
    return true;
  }

  /// Quotes and brackets that close around the name: `"name"`, `ENV['name']`, `**name**`.
  void close_name() {
    for (int n = 0; n < 5; ++n) {
      char c = at(at_);
      if (is_quote(c)) quoted_name_ = true;
      if (!is_quote(c) && c != ']' && c != '*' && !(c == '\\' && is_quote(at(at_ + 1)))) break;
      ++at_;
    }
    quoted_name_ = quoted_name_ && is_quote(before(1));
  }

  /// <name>value, and <entry key="name">value.
  bool tag() {
    bool attribute = quoted_name_ && (before(2) == '=' || before(2) == '\\');
    bool element = at_ == name_.end && before(1) == '<';
    if (at(at_) != '>' || !(attribute || element) || at(at_ + 1) == '@' || at(at_ + 1) == '<') return false;
    ++at_;
    return tag_ = true;
  }

  bool sign() {
    uint32_t from = at_;
    if (signs()) return true;
    at_ = from;
    return false;
  }

  bool signs() {
    skip_blanks();
    for (std::string_view mark : {":=", "=>", "?=", "||=", "->", "<-", "：", "＝"})
      if (take_if(mark)) return true;
    if (at(at_) == '=') {
      ++at_;
      if (at(at_) == '~') return false;
      while (at(at_) == '=') ++at_, must_quote_ = true;
      return true;
    }
    if (at(at_) != ':' || at(at_ + 1) == ':' || (at(at_ + 1) == '/' && at(at_ + 2) == '/')) return false;
    ++at_;
    if (at(at_) == '*' && at(at_ + 1) == '*' && (is_blank(at(at_ + 2)) || is_quote(at(at_ + 2))))
      at_ += 2;  // **Password:**
    skip_type();
    return true;
  }

  /// `: &str =`, `: Optional[str] =`.
  void skip_type() {
    constexpr uint32_t kLongestType = 32;
    std::array<char, kLongestType> letters{};
    size_t count = 0;
    uint32_t end = at_;
    while (end - at_ < kLongestType &&
           (is_word_byte(at(end)) || std::string_view(" &'[]<>?|.*").find(at(end)) != std::string_view::npos)) {
      if (is_letter(at(end))) letters[count++] = to_lower(at(end));
      ++end;
    }
    if (at(end) != '=' || at(end + 1) == '=') return;
    constexpr std::array<std::string_view, 12> kTypes = {"str",     "string", "staticstr",  "optionalstr",
                                                         "strnone", "any",    "secretstr",  "bytes",
                                                         "char",    "text",   "stringnull", "finalstr"};
    if (equals_any(std::string_view(letters.data(), count), kTypes)) at_ = end + 1;
  }

  /// `set("name", "value")`, `("name", "value")`, `["name", "value"]`.
  bool argument() {
    if (!quoted_name_ || at(at_) != ',') return false;
    char opener = before(2);
    if (opener == '\\' || opener == ' ') opener = before(3);  // define( 'NAME', …
    if (opener != '(' && opener != '[' && opener != '{') return false;
    ++at_;
    skip_blanks();
    uint32_t value = at_;
    while (at(value) == '\\' || at(value) == '@') ++value;
    return is_quote(at(value));
  }

  /// `- name: X` and below it `value: v`; `key="X" value="v"`.
  bool value_member() {
    uint32_t i = is_of_terraform() ? std::max(at_, default_of_variable()) : at_;
    for (uint32_t from = i;
         i - from < 40 && (is_space(at(i)) || std::string_view(",{\"'`\\").find(at(i)) != std::string_view::npos);
         ++i) {
    }
    std::string_view rest = part(i, 7);
    if (i == at_ || !(equals_word(rest.substr(0, 5), "value") || rest == "default")) return false;
    i += rest == "default" ? 7 : 5;
    while (is_quote(at(i)) || is_blank(at(i)) || at(i) == '\\') ++i;
    if ((at(i) != ':' && at(i) != '=') || !named_before()) return false;
    at_ = i + 1;
    return true;
  }

  /// variable "name" {
  bool is_of_terraform() const { return name_.begin >= 10 && part(name_.begin - 10, 9) == "variable "; }
  /// Where the members before `default` of that block end; 0 where it has none.
  uint32_t default_of_variable() const {
    constexpr uint32_t kLongestBlock = 200;
    std::string_view block = part(at_, kLongestBlock);
    block = block.substr(0, std::min(block.find('}'), block.find('\0')));
    size_t found = block.find("\n  default");
    return found == std::string_view::npos ? 0 : at_ + static_cast<uint32_t>(found);
  }

  /// Whether `name:`, `key=` or such stands before the name.
  bool named_before() const {
    uint32_t i = name_.begin, from = i;
    if (is_of_terraform()) return true;
    while (i > 0 && from - i < 8 && (is_quote(text_[i - 1]) || is_blank(text_[i - 1]) || text_[i - 1] == '\\')) --i;
    if (i == 0 || (text_[i - 1] != ':' && text_[i - 1] != '=')) return false;
    --i;
    while (i > 0 && from - i < 16 && (is_quote(text_[i - 1]) || is_blank(text_[i - 1]) || text_[i - 1] == '\\')) --i;
    uint32_t end = i;
    while (i > 0 && end - i < 8 && is_letter(text_[i - 1])) --i;
    constexpr std::array<std::string_view, 3> kNames = {"name", "key", "id"};
    return equals_any(part(i, end - i), kNames);
  }

  /// `--name value`, `ENV NAME value`, `#define NAME value`, `setx NAME value`, `gh secret set NAME --body value`.
  bool command() {
    if (!is_blank(at(at_))) return false;
    skip_blanks();
    if (at(at_) == '-' && (take_if("--body ") || take_if("--body=") || take_if("-b"))) return true;
    if (at(at_) == '-' || ends_line(at(at_))) return false;
    if (before(1) == '-' && before(2) == '-') return true;
    if (before(1) == ':' && before(2) == '/') return true;  // npm config set //registry/:_authToken
    if (before(1) == ':' && !is_alnum(before(2)) && is_quote(at(at_))) return true;  // Clojure's keywords
    uint32_t end = name_.begin;
    while (end > 0 && name_.begin - end < 4 && is_blank(text_[end - 1])) --end;
    uint32_t begin = end;
    while (begin > 0 && end - begin < 8 && is_letter(text_[begin - 1])) --begin;
    std::string_view word = part(begin, end - begin);
    if (word == "set" || word == "secret") {  // config set dbPassword value
      std::string_view name = part(name_.begin, name_.size());
      bool joined = name.find_first_of("_-.") != std::string_view::npos ||
                    std::any_of(name.begin() + 1, name.end(), [](char c) { return is_upper(c); });
      return end < name_.begin && joined && part(at_, 3) != "to ";
    }
    return end < name_.begin && (word == "ENV" || word == "setx" || word == "define" || word == "setenv");
  }

  /// What may stand around a text in code: r"…", new String("…"), String::from("…").
  void skip_wrapper() {
    constexpr uint32_t kLongest = 40;
    uint32_t i = at_;
    while (i - at_ < kLongest && (is_word_byte(at(i)) || at(i) == '.' || at(i) == ':' || at(i) == '@' ||
                                  (at(i) == ' ' && part(at_, 3) == "new")))
      ++i;
    if (i == at_ || i - at_ >= kLongest) return;
    if (is_quote(at(i)) && i - at_ <= 2) {
      at_ = i;
      return;
    }
    if (at(i) != '(' || !is_quote(at(i + 1))) return;
    std::string_view call = part(at_, i - at_);
    size_t last = call.find_last_of(".: ");
    constexpr std::array<std::string_view, 10> kWrappers = {"from", "of",    "string",  "secretstr",    "str",
                                                            "some", "bytes", "valueof", "securestring", "secret"};
    if (equals_any(last == std::string_view::npos ? call : call.substr(last + 1), kWrappers)) at_ = i + 1;
  }

  /// YAML's `>-` and `|`: the value is in the next line.
  void skip_block() {
    if (at(at_) != '>' && at(at_) != '|') return;
    uint32_t i = at_ + 1;
    if (at(i) == '-' || at(i) == '+') ++i;
    if (at(i) != '\n') return;
    for (at_ = i + 1; at_ - i < 64 && at(at_) == ' '; ++at_) {
    }
  }

  Value take() {
    take_if("ConvertTo-SecureString ");
    skip_block();
    skip_wrapper();
    if (at(at_) == '\\' && is_quote(at(at_ + 1))) ++at_;
    char quote = at(at_);
    if (is_quote(quote) && !tag_) {
      if (Value value = quoted(quote); value.link != Link::kNone) return value;
      if (at(at_ + 1) == quote || is_space(at(at_ + 1)) || at(at_ + 1) == ',') return {};
      ++at_;
    }
    if (must_quote_) return {};
    return bare();
  }

  Value quoted(char quote) const {
    uint32_t begin = at_ + 1, end = begin;
    while (end - begin < kLongestValue && at(end) != quote && !ends_line(at(end)))
      end += at(end) == '\\' && at(end + 1) == '\\' ? 2 : 1;
    if (at(end) != quote) return {};
    if (end > begin && at(end - 1) == '\\') --end;
    return {{begin, end}, end > begin ? Link::kSign : Link::kNone, true};
  }

  /// Whether a template, list or object that begins here is closed in this line, or goes on in the next.
  bool is_template() const {
    constexpr uint32_t kLongestTemplate = 96;
    std::string_view rest = part(at_, kLongestTemplate);
    rest = rest.substr(0, std::min(rest.find('\n'), rest.find('\0')));
    if (at(at_) == '{') {  // {name: …
      uint32_t i = at_ + 1;
      while (i - at_ < kLongestName && (is_word_byte(at(i)) || at(i) == '-' || is_quote(at(i)))) ++i;
      if (is_space(at(i)) || std::string_view(":,=}").find(at(i)) != std::string_view::npos) return true;
    }
    for (std::string_view pair : {"<>", "[]", "{}", "()", "${}", "$()", "%()", "#{}", "$[]"}) {
      std::string_view open = pair.substr(0, pair.size() - 1);
      if (at(at_) != open[0] || !rest.starts_with(open)) continue;
      if (rest.find(pair.back(), open.size()) != std::string_view::npos) return true;
      return pair != "<>" && rest.substr(open.size()).find_first_not_of(" \r") == std::string_view::npos;
    }
    return false;
  }

  /// Whether another name and its sign follow: `;Server=`, `&user=`, `, host: `.
  bool pair_follows(uint32_t i) const {
    constexpr uint32_t kLongest = 32;
    uint32_t from = i;
    while (at(i) == ' ') ++i;
    uint32_t name = i;
    while (i - from < kLongest && (is_word_byte(at(i)) || at(i) == '-' || at(i) == '.' || at(i) == ' ')) ++i;
    return i > name && (at(i) == '=' || (at(i) == ':' && at(i + 1) == ' '));
  }

  bool ends_here(uint32_t begin, uint32_t i) const {
    char c = at(i), next = at(i + 1);
    bool last = is_space(next) || next == '\0';
    switch (c) {
      case ',':
      case ';':
      case '&':
        return last || is_quote(next) || next == c || next == ')' || next == ']' || next == '}' || pair_follows(i + 1);
      case '|':
        return last || next == '|';
      case ')':
      case ']':
      case '}': {
        char open = c == ')' ? '(' : c == ']' ? '[' : '{';
        return !is_alnum(next) && part(begin, i - begin).find(open) == std::string_view::npos;
      }
      case '<':
        return tag_ || next == '/' || (is_letter(next) && part(i, 40).find('>') != std::string_view::npos);
      case '>':
        return last || next == '<';
      case '\\':
        return next == 'n' || next == 'r' || next == 't' || is_quote(next) || last;
      default:
        return is_space(c) || c == '\0' || is_quote(c);
    }
  }

  Value bare() const {
    if (is_template() || is_native_stop(at(at_))) return {};
    uint32_t end = at_;
    while (end - at_ < kLongestValue && end < text_.size() && !ends_here(at_, end) && !is_native_stop(at(end))) ++end;
    while (end > at_ && (at(end - 1) == '.' || at(end - 1) == '?' || at(end - 1) == ':')) --end;
    return {{at_, end}, end > at_ ? Link::kSign : Link::kNone, false};
  }

  /// What of it is outside of the text is left out.
  std::string_view part(size_t begin, size_t size) const { return text_.substr(std::min(begin, text_.size()), size); }

  const std::string_view text_;
  const Span name_;
  uint32_t at_;
  bool quoted_name_ = false, tag_ = false, must_quote_ = false;
};

}  // namespace

Span name_around(std::string_view text, Span word) {
  auto at = [&](size_t i) { return i < text.size() ? text[i] : '\0'; };
  auto joins = [&](uint32_t i) {
    char c = at(i);
    if (is_word_byte(c)) return true;
    return (c == '-' || c == '.') && i > 0 && is_alnum(at(i - 1)) && is_alnum(at(i + 1));
  };
  Span name = word;
  while (name.begin > 0 && word.begin - name.begin < kLongestName && joins(name.begin - 1)) --name.begin;
  while (name.end - word.end < kLongestName && joins(name.end)) ++name.end;
  return name;
}

Value assigned_value(std::string_view text, Span name) { return Reader(text, name).read(); }

bool stands_alone(std::string_view text, Span name, Span value) {
  constexpr uint32_t kLongestLead = 32;
  auto at = [&](size_t i) { return i < text.size() ? text[i] : '\0'; };
  uint32_t begin = name.begin;
  while (begin > 0 && name.begin - begin < kLongestLead &&
         std::string_view(" \t\"'`-*#>$:_").find(text[begin - 1]) != std::string_view::npos)
    --begin;
  uint32_t word = begin;
  while (word > 0 && begin - word < 8 && is_letter(text[word - 1])) --word;
  constexpr std::array<std::string_view, 8> kLeads = {"export", "set", "env", "const", "let", "var", "final", "define"};
  if (equals_any(text.substr(word, begin - word), kLeads)) begin = word;
  while (begin > 0 && is_blank(text[begin - 1]) && name.begin - begin < kLongestLead) --begin;
  char lead = begin > 0 ? text[begin - 1] : '\0';
  bool quoted = value.begin > 0 && is_quote(text[value.begin - 1]);
  std::string_view leads = quoted ? "{(,;&?/<" : "{,;&?/<";
  if (!ends_line(lead) && leads.find(lead) == std::string_view::npos) return false;
  uint32_t end = value.end;
  while (is_quote(at(end))) ++end;
  char next = at(end);
  if (is_blank(next)) {
    while (is_blank(at(end))) ++end;
    next = at(end) == '#' || (at(end) == '/' && at(end + 1) == '/') ? '\n' : ends_line(at(end)) ? '\n' : 'x';
  }
  return ends_line(next) || std::string_view(",;&)}]<\\").find(next) != std::string_view::npos;
}

}  // namespace mas::dlp
