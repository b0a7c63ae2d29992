// Addresses of electronic mail: RFC 5321's dot-string with RFC 6531's letters of other scripts, and host names as they
// are in use: letters, digits and hyphens, internationalised names (RFC 5890) in letters or as xn--.
#include <algorithm>

#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/values.h"
#include "daemons/gatewayd/dlp/folding.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr uint32_t kLongestLocal = 64, kLongestDomain = 253, kLongestTop = 24;
constexpr uint32_t kLongestHeader = 80;  // bytes before an address in which its header is looked for
constexpr float kActsAlone = 0.9F, kWithWord = 0.45F;

bool is_local(char c) { return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '\''; }

/// Scripts that are written without spaces: Chinese, Japanese. There an address may stand right beside other words.
enum class Script : uint8_t { kNone, kAscii, kLetters, kIdeographs };

Script script_of(uint32_t c) {
  if (c < 0x80) return Script::kAscii;
  if (c < 0xc0 || c == 0xd7 || c == 0xf7) return Script::kNone;
  if (c < 0x2000) return Script::kLetters;
  if ((c >= 0x3040 && c < 0x30fb) || (c >= 0x3400 && c < 0xa000)) return Script::kIdeographs;
  return c >= 0xac00 && c < 0xd7a4 ? Script::kLetters : Script::kNone;  // Hangul
}

/// @return where the code point that ends at `end` begins.
uint32_t previous(std::string_view text, uint32_t end) {
  uint32_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && (text[begin] & 0xc0) == 0x80) --begin;
  return begin;
}

uint32_t local_begin(std::string_view text, uint32_t at) {
  uint32_t begin = at;
  bool ideographs = at > 0 && is_high(text[at - 1]) &&
                    script_of(code_point(text.substr(previous(text, at))).value) == Script::kIdeographs;
  while (begin > 0 && at - begin < kLongestLocal + 1) {
    if (!is_high(text[begin - 1])) {
      if (!is_local(text[begin - 1])) break;
      --begin;
      continue;
    }
    uint32_t before = previous(text, begin);
    Script script = script_of(code_point(text.substr(before)).value);
    if (script == Script::kNone || (script == Script::kIdeographs) != ideographs) break;
    begin = before;
  }
  if (at - begin > kLongestLocal) return at;
  while (begin < at && !is_alnum(text[begin]) && text[begin] != '_' && !is_high(text[begin])) ++begin;
  return begin;
}

/// Whether a label is a top-level domain: letters of one case or one script, or xn--.
bool is_top(std::string_view label) {
  if (label.size() > 6 && equals_word(label.substr(0, 4), "xn--")) return true;
  if (label.size() < 2 || label.size() > kLongestTop) return false;
  if (std::all_of(label.begin(), label.end(), is_high)) return true;
  if (!std::all_of(label.begin(), label.end(), is_letter)) return false;
  bool lower = std::all_of(label.begin() + 1, label.end(), is_lower);
  return lower || std::all_of(label.begin(), label.end(), is_upper);  // findViewById is a method
}

/// @return the end of a host name with at least two labels, of which the last may be a top-level domain; `at`: none.
uint32_t domain_end(std::string_view text, uint32_t at) {
  uint32_t i = at, label = at, end = at;
  bool dotted = false, ideographs = false;
  while (i - at <= kLongestDomain) {
    char c = i < text.size() ? text[i] : '\0';
    if (is_alnum(c) || c == '-') {
      if (ideographs) break;
      ++i;
      continue;
    }
    if (is_high(c)) {
      CodePoint letter = code_point(text.substr(i));
      Script script = letter.size > 0 ? script_of(letter.value) : Script::kNone;
      bool other = script == Script::kIdeographs && i > label && !ideographs;
      if (script != Script::kNone && !other && (!ideographs || script == Script::kIdeographs)) {
        ideographs = script == Script::kIdeographs;
        i += letter.size;
        continue;
      }
    }
    bool whole = i > label && text[label] != '-' && text[i - 1] != '-';
    if (c == '_') return at;  // no host has one
    if (!whole) break;
    if (dotted && is_top(text.substr(label, i - label))) end = i;
    if (c != '.') break;
    dotted = true;
    ideographs = false;
    label = ++i;
  }
  return end;
}

/// @2x.png is an image for a fine screen, and no host.
bool is_file_ending(std::string_view top) {
  constexpr std::string_view kEndings[] = {"png", "jpg",  "jpeg", "gif",  "svg",  "webp", "css",  "js",   "ts",
                                           "tsx", "jsx",  "json", "html", "ico",  "bmp",  "tiff", "pdf",  "mp4",
                                           "txt", "yaml", "yml",  "toml", "lock", "log",  "cpp",  "java", "kt"};
  return equals_any(top, kEndings);
}

/// Countries whose domain is also the ending of files: Paraguay, Moldova, Serbia, Saint Helena, Palestine.
bool is_ending_of_both(std::string_view top) {
  constexpr std::string_view kBoth[] = {"py", "md", "rs", "sh", "ps"};
  return equals_any(top, kBoth);
}

/// "robert.rossi": names of people with a dot between.
bool is_full_name(std::string_view local) {
  size_t dot = local.find('.');
  return dot != std::string_view::npos && dot > 0 && dot + 1 < local.size() &&
         std::all_of(local.begin(), local.end(), [](char c) { return is_letter(c) || is_high(c) || c == '.'; });
}

/// 1.0.0-beta.rc: labels of digits first.
bool is_version(std::string_view domain) {
  size_t i = !domain.empty() && (domain[0] == 'v' || domain[0] == 'V') ? 1 : 0, digits = i;
  while (i < domain.size() && is_digit(domain[i])) ++i;
  return i > digits && i + 1 < domain.size() && domain[i] == '.' && is_digit(domain[i + 1]);
}

/// scheme://user@host and scheme://user:password@host
bool is_user_of_url(std::string_view text, uint32_t begin) {
  if (begin > 0 && text[begin - 1] == ':') begin = local_begin(text, begin - 1);
  return begin >= 2 && text.substr(begin - 2, 2) == "//";
}

/// host:/path and host:~: where a shell logs in or copies to.
bool is_login(const Sight& sight, uint32_t end) {
  return sight.at(end) == ':' && (sight.at(end + 1) == '/' || sight.at(end + 1) == '~');
}

/// Message-ID: <…@host>, In-Reply-To, References: RFC 5322's names of messages.
bool is_message_id(std::string_view text, uint32_t begin) {
  if (begin == 0 || text[begin - 1] != '<') return false;
  uint32_t line = begin;
  while (line > 0 && begin - line < kLongestHeader && text[line - 1] != '\n' && text[line - 1] != '\0') --line;
  std::string_view before = text.substr(line, begin - line);
  return contains_word(before, "message-id:") || contains_word(before, "in-reply-to:") ||
         contains_word(before, "references:");
}

bool is_no_local(std::string_view local) {
  return local.find("..") != std::string_view::npos || local.back() == '.' || local == "git" || local == "this" ||
         local == "super" || local == "return";  // Kotlin: this@Outer.name
}

}  // namespace

void detect_emails(Sight& sight) {
  if (!sight.wants(Type::email) || !sight.classes().has_at()) return;
  std::string_view text = sight.text();
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    auto sign = static_cast<uint32_t>(at);
    uint32_t begin = local_begin(text, sign), end = domain_end(text, sign + 1);
    if (begin == sign || end == sign + 1) continue;
    std::string_view local = text.substr(begin, sign - begin), domain = text.substr(sign + 1, end - sign - 1);
    std::string_view top = domain.substr(domain.rfind('.') + 1);
    if (is_no_local(local) || is_file_ending(top) || is_version(domain) || sight.at(end) == '@') continue;
    if (is_user_of_url(text, begin) || is_login(sight, end) || is_message_id(text, begin)) continue;
    // user@host.py may be a file; mail.empresa.com.py is a host.
    bool unsure = is_ending_of_both(top) && !is_full_name(local) && std::count(domain.begin(), domain.end(), '.') == 1;
    sight.see(Type::email, {begin, end}, {unsure ? kWithWord : kActsAlone, bits(kEmail, kAddress), false, false});
  }
}

}  // namespace mas::dlp
