// Redis URLs: what is shown of an endpoint leads back to it, and a password is never shown: another one
// changes nothing.
#include "proto/redis/url.h"

#include <algorithm>
#include <utility>

#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

namespace {

bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// @return where the password stands, or what its writer may have thought to be one (with a bare '/' or '?' in it).
std::pair<size_t, size_t> password_of(std::string_view url) {
  auto scheme = url.find("://");
  if (scheme == std::string_view::npos || url.starts_with("unix:///")) return {0, 0};  // a path names nobody
  auto authority_end = url.substr(0, url.find_first_of("/?", scheme + 3));
  auto at = authority_end.rfind('@');
  if (at == std::string_view::npos || at < scheme) at = url.rfind('@');
  auto colon = url.find(':', scheme + 3);
  if (at == std::string_view::npos || colon >= at) return {0, 0};
  return {colon + 1, at};
}

/// @return where the value of the option `sentinel_password` stands.
std::pair<size_t, size_t> sentinel_password_of(std::string_view url) {
  constexpr std::string_view kOption = "sentinel_password=";
  const auto query = url.find('?');
  const auto at = query == std::string_view::npos ? query : url.find(kOption, query);
  if (at == std::string_view::npos || (at != query + 1 && url[at - 1] != '&')) return {0, 0};
  return {at + kOption.size(), std::min(url.find('&', at), url.size())};
}

/// @return `url` with the letters and digits of its passwords replaced, their percent-encoded bytes apart.
std::string with_other_passwords(std::string_view url) {
  std::string other(url);
  for (auto [begin, end] : {password_of(url), sentinel_password_of(url)}) {
    for (size_t i = begin; i < end; ++i) {
      if (url[i] == '%')
        i += 2;
      else if (is_letter_or_digit(url[i]))
        other[i] = '7';
    }
  }
  return other;
}

std::string shown(const Result<redis::Endpoint>& endpoint) {
  return endpoint ? endpoint->address() : endpoint.error().message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto url = text_of(data, size);
  auto endpoint = redis::parse_url(url);
  require(shown(endpoint) == shown(redis::parse_url(with_other_passwords(url))),
          "a password changes nothing that is shown");
  if (!endpoint || endpoint->kind == redis::Endpoint::Kind::kUnix) return 0;

  auto again = redis::parse_url(shown(endpoint));
  require(again.ok(), "an address is a URL");
  require(again->kind == endpoint->kind && again->host == endpoint->host && again->port == endpoint->port &&
              again->db == endpoint->db && again->topology == endpoint->topology && again->nodes == endpoint->nodes &&
              again->sentinel.master_name == endpoint->sentinel.master_name,
          "an address leads to the same endpoint");
  return 0;
}
