// Addresses of electronic mail: RFC 5321's dot-string and host names as they are in use.
#include <algorithm>

#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kLongestLocal = 64, kLongestDomain = 253, kLongestTop = 24;

bool is_local(char c) { return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '\''; }

/// @2x.png is an image for a fine screen, and no host.
bool is_file_ending(std::string_view top) {
  constexpr std::string_view kEndings[] = {"png", "jpg", "jpeg", "gif",  "svg", "webp", "css",
                                           "js",  "ts",  "json", "html", "ico", "bmp",  "tiff",
                                           "pdf", "mp4", "py",   "md",   "txt", "yaml", "yml"};
  return std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](std::string_view one) { return equals_word(top, one); });
}

uint32_t local_begin(std::string_view text, uint32_t at) {
  uint32_t begin = at;
  while (begin > 0 && at - begin < kLongestLocal + 1 && is_local(text[begin - 1])) --begin;
  if (at - begin > kLongestLocal) return at;
  while (begin < at && !is_alnum(text[begin]) && text[begin] != '_') ++begin;
  return begin;
}

/// @return the end of a host name with at least two labels, of which the last is letters; `at` where there is none.
uint32_t domain_end(std::string_view text, uint32_t at) {
  uint32_t i = at, label = at, end = at;
  bool dotted = false;
  for (;; ++i) {
    char c = i < text.size() ? text[i] : '\0';
    if (is_alnum(c) || c == '-') {
      if (i - at > kLongestDomain) return at;
      continue;
    }
    if (i == label || text[label] == '-' || text[i - 1] == '-') break;
    std::string_view part = text.substr(label, i - label);
    bool letters = std::all_of(part.begin(), part.end(), is_letter);
    if (dotted && letters && part.size() >= 2 && part.size() <= kLongestTop) end = i;
    if (c != '.') break;
    dotted = true;
    label = i + 1;
  }
  return end;
}

/// scheme://user@host and scheme://user:password@host
bool is_user_of_url(std::string_view text, uint32_t begin) {
  if (begin > 0 && text[begin - 1] == ':') begin = local_begin(text, begin - 1);
  return begin >= 2 && text.substr(begin - 2, 2) == "//";
}

}  // namespace

void detect_emails(Sight& sight) {
  if (!sight.wants(Type::email)) return;
  std::string_view text = sight.text();
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    auto sign = static_cast<uint32_t>(at);
    uint32_t begin = local_begin(text, sign), end = domain_end(text, sign + 1);
    if (begin == sign || end == sign + 1) continue;
    std::string_view local = text.substr(begin, sign - begin), domain = text.substr(sign + 1, end - sign - 1);
    if (local.find("..") != std::string_view::npos || local.back() == '.' || local == "git") continue;
    if (is_file_ending(domain.substr(domain.rfind('.') + 1))) continue;
    if (sight.at(end) == '@') continue;
    if (is_user_of_url(text, begin)) continue;
    sight.see(Type::email, {begin, end}, {0.9F, 0, false, false});
  }
}

}  // namespace mas::dlp
