// The table's lookup, masks, templates and references.
#include "daemons/gatewayd/dlp/detect/stand_ins.h"

#include <algorithm>
#include <array>
#include <vector>

#include "daemons/gatewayd/dlp/detect/values.h"
#include "daemons/gatewayd/dlp/detect/word_table.h"

namespace mas::dlp {
namespace {

enum class Where : uint8_t { kWhole, kType, kJoined, kPiece, kBegin, kWithin };
constexpr size_t kKinds = static_cast<size_t>(As::kToken) + 1;

/// The bit of a kind and place in the table of whole words.
constexpr uint32_t bit_of(As as, Where where) {
  return 1U << (static_cast<uint32_t>(as) * 4 + static_cast<uint32_t>(where));
}

/// Words that a value may begin with or hold, by their first letters: a value is read once for all of them.
class Parts {
 public:
  void add(std::string_view list) {
    while (!list.empty()) {
      size_t end = std::min(list.find('|'), list.size());
      words_[static_cast<unsigned char>(list[0])].push_back(list.substr(0, end));
      list.remove_prefix(std::min(end + 1, list.size()));
    }
  }
  /// Whether one of the words stands at `at`, without regard to case.
  bool stands_at(std::string_view value, size_t at) const {
    const auto& words = words_[static_cast<unsigned char>(to_lower(value[at]))];
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return equals_word(value.substr(at, word.size()), word); });
  }
  bool stands_in(std::string_view value) const {
    for (size_t at = 0; at < value.size(); ++at)
      if (stands_at(value, at)) return true;
    return false;
  }

 private:
  std::array<std::vector<std::string_view>, 256> words_;
};

struct Table {
  std::vector<WordTable::Group> whole;
  std::array<Parts, kKinds> begin, within;

  void add(As as, Where where, std::string_view words) {
    auto kind = static_cast<size_t>(as);
    if (where == Where::kBegin)
      begin[kind].add(words);
    else if (where == Where::kWithin)
      within[kind].add(words);
    else
      whole.push_back({bit_of(as, where), words});
  }
};

const Table& table() {
  static const Table kTable = [] {
    Table made;
#define MAS_DLP_STAND_IN(as, where, list) made.add(As::as, Where::where, list);
#include "daemons/gatewayd/dlp/detect/stand_ins.def"
    return made;
  }();
  return kTable;
}

bool is_word(std::string_view value, As as, Where where) {
  static const WordTable kWords(table().whole);
  return (kWords.of(value) & bit_of(as, where)) != 0;
}

bool holds_word(std::string_view value, As as) { return table().within[static_cast<size_t>(as)].stands_in(value); }

// ---- Masks, templates, references

/// `String!`, `SecretStr`, `string[]`: a type of a schema.
bool is_type(std::string_view value) {
  while (!value.empty() && std::string_view("!?[]>;").find(value.back()) != std::string_view::npos)
    value.remove_suffix(1);
  return is_word(value, As::kPassword, Where::kType);
}

/// `<your password>`, `${DB_PASS}`, `{{ secret }}`, `%(token)s`: opened at the beginning and closed.
bool is_closed_template(std::string_view value) {
  struct Bracket {
    std::string_view open, close;
  };
  static constexpr std::array<Bracket, 9> kBrackets = {{{"${", "}"},
                                                        {"$(", ")"},
                                                        {"$[", "]"},
                                                        {"{{", "}}"},
                                                        {"{%", "%}"},
                                                        {"#{", "}"},
                                                        {"%(", ")"},
                                                        {"<", ">"},
                                                        {"[", "]"}}};
  for (const Bracket& bracket : kBrackets)
    if (value[0] == bracket.open[0] && value.starts_with(bracket.open))
      return value.find(bracket.close, bracket.open.size()) != std::string_view::npos;
  if (is_type(value)) return true;
  if (value.front() != '{' || value.back() != '}') return false;  // {password}: Python's format
  return std::all_of(value.begin() + 1, value.end() - 1,
                     [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-' || c == ' '; });
}

/// Whether a value begins with a prefix of references and goes on as a name or path does.
bool is_prefixed_reference(std::string_view value) {
  static constexpr std::string_view kPrefixes[] = {
      "env:",    "env.",        "vault:",     "secret:",   "secret/",   "file:",     "arn:",         "ref:",
      "op://",   "process.env", "os.environ", "os.getenv", "getenv(",   "/run/",     "/etc/",        "/var/",
      "http://", "https://",    "self.",      "config.",   "settings.", "request.",  "user.",        "this.",
      "args.",   "vault://",    "kms:",       "sm://",     "[REDACTED", "REDACTED",  "credentials(", "input(",
      "ssm:",    "ssm://",      "keyring:",   "aws-sm:",   "gcp-sm:",   "azure-kv:", "secrets.",     "var.",
      "local.",  "data.",       "params.",    "props.",    "req.",      "ENC[",      "ENC(",         "sealed:"};
  for (std::string_view where : kPrefixes) {
    if (where[0] != value[0] || !value.starts_with(where)) continue;
    std::string_view rest = value.substr(where.size());
    // "self.X9#kq!2": what no name holds is a value after all.
    if (rest.find_first_of("#!^~|") == std::string_view::npos || where.ends_with("/") || where.ends_with("("))
      return true;
  }
  return false;
}

bool is_mask(std::string_view value) {
  bool all = std::all_of(value.begin(), value.end(), [](char c) {
    return is_high(c) || std::string_view("*xX.-#_? ").find(c) != std::string_view::npos;  // bullets
  });
  return all || value.find("***") != std::string_view::npos;
}

/// `$NAME`, `%NAME%` in capitals.
bool is_named_variable(std::string_view value) {
  return (value[0] == '$' || (value[0] == '%' && value.back() == '%')) && value.size() > 2 &&
         std::all_of(value.begin() + 1, value.end(),
                     [](char c) { return is_upper(c) || c == '_' || c == '%' || is_digit(c); });
}

bool is_no_password(std::string_view value) {
  return is_word(value, As::kPassword, Where::kWhole) || is_mask(value) || is_closed_template(value) ||
         is_prefixed_reference(value) || is_named_variable(value);
}

// ---- Keys

/// A piece that no one would write by hand: long, and letters and digits change often.
bool is_random_piece(std::string_view piece) {
  size_t changes = 0, humps = 0;
  for (size_t i = 1; i < piece.size(); ++i) {
    changes += is_digit(piece[i]) != is_digit(piece[i - 1]) ? 1 : 0;
    humps += is_upper(piece[i]) != is_upper(piece[i - 1]) ? 1 : 0;
  }
  return piece.size() >= 6 && changes >= 3 && changes + humps >= 4;
}

bool is_written_by_hand(std::string_view value) {
  if (holds_word(value, As::kKey)) return true;
  bool example = false;
  for (size_t i = 0; i < value.size();) {
    size_t end = i;
    while (end < value.size() && is_alnum(value[end])) ++end;
    std::string_view piece = value.substr(i, end - i);
    if (is_random_piece(piece)) return false;
    size_t letters = 0;
    while (letters < piece.size() && is_letter(piece[letters])) ++letters;
    example = example || is_word(piece.substr(0, letters), As::kKey, Where::kPiece);
    i = end + 1;
  }
  return example || (value.starts_with('<') && value.ends_with('>'));
}

// ---- Logins

constexpr size_t kLongestSample = 24;

/// A value as it would be written without its case and the signs between words; of a long one its beginning.
struct Joined {
  std::array<char, kLongestSample> letters{};
  size_t size = 0;
  explicit Joined(std::string_view value) {
    for (char c : value)
      if (c != '_' && c != '-' && c != ' ' && c != '.' && size < letters.size()) letters[size++] = to_lower(c);
  }
  std::string_view view() const { return {letters.data(), size}; }
};

bool is_documentation(std::string_view value) {
  if (value.size() > kLongestSample) return false;
  Joined joined(value);
  std::string_view word = joined.view();
  if (word.empty()) return false;
  return is_word(word, As::kLogin, Where::kJoined) || holds_word(word, As::kLogin) ||
         table().begin[static_cast<size_t>(As::kLogin)].stands_at(word, 0);
}

bool is_identifier(std::string_view text) {
  return !text.empty() && !is_digit(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '_'; });
}

bool is_enclosed(std::string_view value) {
  constexpr std::string_view kOpen = "{<[%", kClose = "}>]%";
  size_t which = kOpen.find(value.front());
  return value.size() > 2 && which != std::string_view::npos && value.back() == kClose[which];
}

/// A variable of a shell or a template: `$NAME`, `${…}`, `$(…)`, `{name}`, `%NAME%`, `%s`, `#{…}`, `:name`.
bool is_variable(std::string_view value) {
  if (is_enclosed(value)) return true;
  if (value[0] == '$')
    return value.size() > 1 && (value[1] == '{' || value[1] == '(' || is_identifier(value.substr(1)));
  if (value[0] == '#' || value[0] == '@') return value.size() > 2 && value[1] == '{' && value.back() == '}';
  return value == "%s" || value == "%v" || value == "%d" || value.starts_with("%(") || value.starts_with("[^");
}

bool is_no_login(std::string_view value) {
  bool capitals = std::all_of(value.begin(), value.end(), [](char c) { return is_upper(c) || c == '_'; });
  bool same = std::all_of(value.begin(), value.end(), [value](char c) { return c == value[0]; });
  return capitals || same || is_variable(value) || is_documentation(value);
}

}  // namespace

bool is_stand_in(std::string_view value, As as) {
  if (as == As::kToken) return holds_word(value, as);
  std::string_view bare = trim(value);
  if (bare.empty() || is_no_password(bare)) return true;
  return as == As::kKey ? is_written_by_hand(value) : as == As::kLogin && is_no_login(bare);
}

bool is_sample_login(std::string_view user, std::string_view password) {
  if (is_documentation(password)) return true;
  auto joins = [](char c) { return c == '_' || c == '-' || c == ' ' || c == '.'; };
  auto same = [&] {
    size_t at = 0;
    for (char c : user) {
      if (joins(c)) continue;
      while (at < password.size() && joins(password[at])) ++at;
      if (at == password.size() || to_lower(password[at++]) != to_lower(c)) return false;
    }
    return std::all_of(password.begin() + static_cast<std::ptrdiff_t>(at), password.end(), joins);
  };
  return user.size() == password.size() && same() && count_digits(password) == 0;
}

}  // namespace mas::dlp
