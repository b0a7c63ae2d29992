// Redis URLs: what is shown of an endpoint leads back to it, and no password is ever shown.
#include "proto/redis/url.h"

#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

namespace {

/// The password as it stands in `url`, where it is long enough and unlike the rest, so that finding it means a leak.
std::string_view telling_password(std::string_view url) {
  auto start = url.find("://");
  if (start == std::string_view::npos) return {};
  auto authority = url.substr(start + 3);
  authority = authority.substr(0, authority.find_first_of("/?"));
  auto at = authority.rfind('@');
  auto colon = authority.find(':');
  if (at == std::string_view::npos || colon >= at) return {};
  auto password = authority.substr(colon + 1, at - colon - 1);
  bool telling =
      password.size() >= 8 && url.find(password) == url.rfind(password) &&
      std::string_view("user or password has a '%' that is not followed by two hexadecimal digits").find(password) ==
          std::string_view::npos;
  return telling ? password : std::string_view();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto url = text_of(data, size);
  auto endpoint = redis::parse_url(url);
  auto password = telling_password(url);
  std::string shown = endpoint ? endpoint->address() : endpoint.error().message;
  require(password.empty() || shown.find(password) == std::string::npos, "no password is shown");
  if (!endpoint || endpoint->kind == redis::Endpoint::Kind::kUnix) return 0;

  auto again = redis::parse_url(shown);
  require(again.ok(), "an address is a URL");
  require(again->kind == endpoint->kind && again->host == endpoint->host && again->port == endpoint->port &&
              again->db == endpoint->db,
          "an address leads to the same endpoint");
  return 0;
}
