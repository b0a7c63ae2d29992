// Headers of HTTP requests: no text but an address or a known name is served, no text but the token is right.
#include "daemons/common/http_access.h"

#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::common;
using namespace mas::fuzz;

namespace {

const HttpAccess& access_of_test() {
  static const HttpAccess access{{"gw1", "gw1.internal"}, "0123456789abcdef"};
  return access;
}

bool only_of(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

/// By another way than the code under test: what may stand before an optional port.
bool may_be_served(std::string_view host) {
  if (host.starts_with('[')) return only_of(host, "[]:.0123456789abcdefABCDEF");
  host = host.substr(0, host.find(':'));
  if (only_of(host, "0123456789.")) return true;
  std::string name(host);
  for (char& c : name) c = static_cast<char>(c | 0x20);
  return name == "localhost" || name == "localhost." || name == "gw1" || name == "gw1." || name == "gw1.internal" ||
         name == "gw1.internal.";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  for (char padding : kPaddings) {
    const Padded padded(text, padding);
    const bool served = is_host_served(access_of_test(), padded.text());
    require(served == is_host_served(access_of_test(), text), "bytes behind the text do not count");
    require(!served || may_be_served(text), "a foreign name is not served");
  }
  const bool right = check_bearer(access_of_test(), text) == Bearer::kRight;
  require(!right || (text.size() == 23 && text.ends_with(" 0123456789abcdef")), "another token is not right");
  if (auto hosts = parse_hosts(text); hosts.ok())
    for (const auto& host : *hosts) require(is_host_served({*hosts, {}}, host), "a name of http.hosts is served");
  return 0;
}
