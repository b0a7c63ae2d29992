// Passwords on command lines: options of programs that take them (programs.def), and what is piped into those that read
// them.
#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "daemons/gatewayd/dlp/detect/arguments.h"
#include "daemons/gatewayd/dlp/detect/literal_detectors.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"

namespace mas::dlp {
namespace {

enum class Form : uint8_t { kAttached, kSeparate, kEither, kLong };
enum class What : uint8_t {
  kPassword,
  kLogin,
  kPercent,
  kSlash,
  kComma,
  kPassPrefix,
  kToken,
  kCookies,
  kFirst,
  kSecond,
  kThird,
  kFourth,
  kHtpasswd
};

struct Program {
  std::string_view name, option;
  Form form;
  What what;
};

using enum Form;
using enum What;
constexpr Program kPrograms[] = {
#define MAS_DLP_PROGRAM(name, option, form, what) {name, option, form, what},
#include "daemons/gatewayd/dlp/detect/programs.def"
};

/// Names that are words, too: an option must follow at once.
bool is_word(std::string_view name) {
  return name == "zip" || name == "unzip" || name == "http" || name == "mongo" || name == "ab";
}

constexpr std::string_view kOptionFollows = " -";

bool is_program(std::string_view word) {
  static const std::unordered_set<std::string_view> names = [] {
    std::unordered_set<std::string_view> made;
    for (const Program& program : kPrograms) made.insert(program.name.substr(0, program.name.find(' ')));
    return made;
  }();
  return names.contains(word);
}

/// Whether the next command begins, which looks at its own words: a program's name that is no option's value (a user
/// may be called like it), or this program's again.
bool begins_command(std::string_view word, const Program& program, bool after_option) {
  std::string_view own = program.name.substr(0, program.name.find(' '));
  return word == own || (!after_option && is_program(word));
}

constexpr uint32_t kMaxWords = 32;

void see_password(Sight& sight, Span span) {
  constexpr size_t kShortest = 4, kLongest = 128, kLongestPort = 5;
  std::string_view value = sight.view(span);
  if (value.size() < kShortest || value.size() > kLongest || is_stand_in(value, As::kLogin) || is_token(value)) return;
  if (value.size() <= kLongestPort && count_digits(value) == value.size()) return;
  sight.see(Type::password, span, {0.9F, bit(Context::kPassword), true, false, "command line"});
}

/// User and password in one word. Numbers alone are a user and a group.
void see_login(Sight& sight, Span span, char separator) {
  constexpr size_t kLeastKey = 16;
  std::string_view both = sight.view(span);
  size_t sign = both.find(separator);
  if (sign == std::string_view::npos || both.find("://") != std::string_view::npos) return;
  std::string_view user = both.substr(0, sign), password = both.substr(sign + 1);
  if (password.empty() ? !is_random(user, kLeastKey) || is_token(user) : is_stand_in(password, As::kLogin)) return;
  if (is_token(password) || is_token(user) || is_sample_login(user, password)) return;
  if (count_digits(both) + 1 >= both.size()) return;
  sight.see(Type::basic_auth, span, {0.9F, 0, true, false, "command line"});
}

void see_key(Sight& sight, Span span) {
  constexpr size_t kShortest = 16;
  std::string_view value = sight.view(span);
  if (is_random(value, kShortest) && !is_token(value) && !is_uuid(value))
    sight.see(Type::api_key, span, {0.8F, bit(Context::kApiKey), false, false, "command line"});
}

void see_value(Sight& sight, Span span, What what) {
  switch (what) {
    case kLogin:
      return see_login(sight, span, ':');
    case kPercent:
      return see_login(sight, span, '%');
    case kComma:
      return see_login(sight, span, ',');
    case kPassPrefix:
      if (sight.view(span).starts_with("pass:")) see_password(sight, {span.begin + 5, span.end});
      return;
    case kToken:
      return see_key(sight, span);
    case kCookies:
      return see_cookies(sight, span.begin);
    default:
      return see_password(sight, span);
  }
}

/// -u after other letters of options: curl -sSu user:password.
bool ends_in_option(std::string_view word, std::string_view option) {
  constexpr size_t kMax = 6;
  return word.size() > 2 && word.size() <= kMax && word[0] == '-' && option.size() == 2 && word.back() == option[1] &&
         std::all_of(word.begin() + 1, word.end(), is_letter);
}

/// Rows of one program stand together: @return the first behind those of `row`'s.
size_t past_rows(size_t row) {
  size_t end = row;
  while (end < std::size(kPrograms) && kPrograms[end].name == kPrograms[row].name) ++end;
  return end;
}

/// One word, as the options of the program read it. @return whether its value is the next word.
const Program* look_at_option(Sight& sight, const Arguments& arguments, size_t first, size_t end) {
  std::string_view word = sight.view(arguments.word());
  for (size_t row = first; row < end; ++row) {
    const Program& program = kPrograms[row];
    auto size = static_cast<uint32_t>(program.option.size());
    bool exact = word == program.option;
    bool joined = program.what == kLogin && ends_in_option(word, program.option);
    if (program.form != kAttached && (exact || joined)) return &program;
    if (exact || !word.starts_with(program.option)) continue;
    if (program.form == kLong && word[size] == '=') see_value(sight, arguments.rest(size + 1), program.what);
    bool attached = program.form == kAttached || program.form == kEither;
    if (attached && word[size] != '-') see_value(sight, arguments.rest(size), program.what);
  }
  return nullptr;
}

/// Whether a word is an option without dashes, as nmcli's `password`.
bool is_plain_option(std::string_view word, size_t first, size_t end) {
  for (size_t row = first; row < end; ++row)
    if (kPrograms[row].option == word) return true;
  return false;
}

void look_at_options(Sight& sight, Arguments& arguments, size_t first) {
  bool after_option = false;
  size_t end = past_rows(first);
  for (uint32_t words = 0; words < kMaxWords && arguments.next(); ++words) {
    std::string_view word = sight.view(arguments.word());
    if (begins_command(word, kPrograms[first], after_option)) return;
    after_option = word.starts_with('-') || word.starts_with('/') || is_plain_option(word, first, end);
    if (!after_option) continue;
    const Program* program = look_at_option(sight, arguments, first, end);
    if (program == nullptr) continue;
    if (!arguments.next()) return;
    std::string_view value = sight.view(arguments.word());
    if (begins_command(value, kPrograms[first], true)) return;
    if (!value.starts_with('-')) see_value(sight, arguments.rest(0), program->what);
    after_option = false;
  }
}

/// Windows' drives, shares and switches: what net's words may be beside names and passwords.
bool is_share_or_switch(std::string_view word) {
  return word.starts_with('/') || word.starts_with("\\\\") || word.ends_with(':') || word == "*";
}

void look_at_words(Sight& sight, Arguments& arguments, const Program& program) {
  constexpr uint32_t kMax = 8;
  uint32_t number = 0, wanted = static_cast<uint32_t>(program.what) - static_cast<uint32_t>(kFirst) + 1;
  bool net = program.name.starts_with("net "), batch = false;
  Span last;
  while (number < kMax && arguments.next()) {
    std::string_view word = sight.view(arguments.word());
    if (begins_command(word, program, number > 0)) break;
    if (word.starts_with('-')) {
      batch |= word.find('b') != std::string_view::npos;
      if (program.what == kHtpasswd && word.ends_with('C')) arguments.next();
      continue;
    }
    if (net && is_share_or_switch(word)) continue;
    ++number;
    last = arguments.word();
    if (program.what == kSlash) {
      size_t slash = word.find('/'), at = word.rfind('@');
      if (slash == std::string_view::npos || slash == 0 || word[0] == '@') return;
      Span password{last.begin + static_cast<uint32_t>(slash) + 1, last.end};
      if (at != std::string_view::npos && at > slash) password.end = last.begin + static_cast<uint32_t>(at);
      if (!is_sample_login(word.substr(0, slash), sight.view(password))) see_password(sight, password);
      return;
    }
    if (program.what != kHtpasswd && number == wanted) return see_password(sight, last);
  }
  if (program.what == kHtpasswd && batch && number >= 2) see_password(sight, last);
}

/// Whether a node that is an element of an array ends at `end`.
bool is_first_of_array(Sight& sight, uint32_t end) {
  const Node& node = sight.node_of(end - 1);
  return node.text.end == end && node.container != kNowhere && sight.document().containers()[node.container].array;
}

}  // namespace

void program_at(Sight& sight, uint16_t program, Span literal) {
  const Program& found = kPrograms[program];
  if (!starts_word(sight, literal.begin) || sight.before(literal.begin) == '-' || sight.before(literal.begin) == '_')
    return;
  uint32_t end = literal.end;
  if (is_word(found.name)) end -= static_cast<uint32_t>(kOptionFollows.size());
  if (sight.view({end, end + 4}) == ".exe") end += 4;
  char next = sight.at(end);
  if (next != ' ' && next != '\t' && next != '"' && next != '\'' && next != '\0') return;
  if (next == '\0' && !is_first_of_array(sight, end)) return;
  Arguments arguments(sight, end);
  if (found.option.empty())
    look_at_words(sight, arguments, found);
  else
    look_at_options(sight, arguments, program);
}

/// --password X, --passphrase=X of any program.
void password_option_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestName = 16;
  uint32_t end = run_while(sight, literal.begin, kLongestName, [](char c) { return is_lower(c) || c == '-'; });
  std::string_view name = sight.view({literal.begin, end});
  if (name != "--password" && name != "--passphrase" && name != "--passwd" && name != "--pass") return;
  char sign = sight.at(end);
  if (sign == '=') {
    Arguments value(sight, end + 1);
    if (value.next()) see_password(sight, value.rest(0));
    return;
  }
  if (sign != ' ' && sign != '"' && sign != '\'' && sign != '\0') return;
  Arguments value(sight, end);
  if (!value.next()) return;
  std::string_view text = sight.view(value.rest(0));
  bool mixed = count_digits(text) > 0 || !std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c); });
  // In running text a word that follows is the sentence's.
  if (mixed && !text.starts_with('-') && text.find_first_of(" [(") == std::string_view::npos)
    see_password(sight, value.rest(0));
}

/// --token X, --api-key=X of any program.
void token_option_at(Sight& sight, Span literal) {
  char sign = sight.at(literal.end);
  if (sign != '=' && sign != ' ' && sign != '"' && sign != '\'' && sign != '\0') return;
  Arguments value(sight, sign == '=' ? literal.end + 1 : literal.end);
  if (value.next()) see_key(sight, value.rest(0));
}

namespace {

/// Programs that read a password from what is piped into them.
struct Reader {
  std::string_view words;
  bool login;  ///< user:password
};
constexpr Reader kReaders[] = {{"chpasswd", true},
                               {"sudo -S", false},
                               {"passwd --stdin", false},
                               {"--password-stdin", false},
                               {"--with-token", false}};

}  // namespace

/// echo 'user:password' | chpasswd; chpasswd <<< user:password.
void piped_password_at(Sight& sight, uint16_t reader, Span literal) {
  constexpr uint32_t kFarthest = 128;
  auto see = [&](Span word) {
    if (!kReaders[reader].login) return see_password(sight, word);
    std::string_view both = sight.view(word);
    size_t colon = both.find(':');
    if (colon == 0 || colon == std::string_view::npos) return;
    if (!is_sample_login(both.substr(0, colon), both.substr(colon + 1)))
      see_password(sight, {word.begin + static_cast<uint32_t>(colon) + 1, word.end});
  };
  uint32_t after = literal.end;
  while (sight.at(after) == ' ') ++after;
  if (sight.view({after, after + 3}) == "<<<") {
    Arguments here(sight, after + 3);
    if (here.next()) see(here.rest(0));
    return;
  }
  uint32_t pipe = literal.begin, from = literal.begin - std::min(literal.begin, kFarthest);
  while (pipe > from && sight.at(pipe) != '|' && sight.at(pipe) != '\n' && sight.at(pipe) != '\0') --pipe;
  if (sight.at(pipe) != '|') return;
  from = pipe - std::min(pipe, kFarthest);
  for (std::string_view program : {"echo", "printf"}) {
    size_t found = sight.view({from, pipe}).rfind(program);
    if (found == std::string_view::npos) continue;
    Arguments words(sight, from + static_cast<uint32_t>(found + program.size()));
    while (words.next()) {
      std::string_view word = sight.view(words.word());
      if (word == "-n" || word == "-e" || word == "-ne" || word == "%s" || word == "%s\\n") continue;
      return see(words.rest(0));
    }
  }
}

void append_command_literals(std::vector<Literal>& all) {
  // A subcommand behind its program: in a shell, in a list of source code, in an array of JSON.
  static const std::vector<std::pair<std::string, uint16_t>> spellings = [] {
    std::vector<std::pair<std::string, uint16_t>> made;
    for (size_t i = 0; i < std::size(kPrograms); i = past_rows(i)) {
      auto number = static_cast<uint16_t>(i);
      std::string name(kPrograms[i].name);
      made.emplace_back(is_word(name) ? name + std::string(kOptionFollows) : name, number);
      size_t space = name.find(' ');
      if (space == std::string::npos) continue;
      for (std::string_view joint : {std::string_view("\0", 1), std::string_view("\", \""), std::string_view("', '")})
        made.emplace_back(name.substr(0, space).append(joint).append(name.substr(space + 1)), number);
    }
    return made;
  }();
  for (const auto& [spelling, number] : spellings) all.push_back({spelling, false, Trigger::kProgram, number});
  all.push_back({"--pass", false, Trigger::kPasswordOption});
  for (std::string_view option : {"--token", "--api-key", "--apikey", "--auth-token", "--access-token", "--secret-key"})
    all.push_back({option, false, Trigger::kTokenOption});
  for (size_t i = 0; i < std::size(kReaders); ++i)
    all.push_back({kReaders[i].words, false, Trigger::kPipedPassword, static_cast<uint16_t>(i)});
}

}  // namespace mas::dlp
