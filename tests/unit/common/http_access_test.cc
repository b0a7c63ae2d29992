// Names and tokens of HTTP requests.
#include "daemons/common/http_access.h"

#include "tests/unit/catch.h"
#include "tests/unit/temp_dir.h"

using namespace mas;
using namespace mas::common;

TEST_CASE("http access: lists of hosts") {
  CHECK(parse_hosts("")->empty());
  CHECK(*parse_hosts(" GW1, gw1.internal. ") == std::vector<std::string>{"gw1", "gw1.internal"});
  for (const char* bad : {"gw1:80", "http://gw1", "::1", "a/b", "*"}) CHECK_FALSE(parse_hosts(bad).ok());
}

TEST_CASE("http access: hosts that are served") {
  const HttpAccess access{{"gw1"}, ""};
  for (const char* host :
       {"gw1", "GW1", "gw1.", "gw1:1", "localhost", "127.0.0.1", "10.0.0.1:99999", "[::1]", "[::1]:9"})
    CHECK(is_host_served(access, host));
  for (const char* host : {"", ".", "gw2", "gw1.evil.example", "xgw1", "gw1:x", "gw1:1:1", "127.1", "::1", "[gw1]",
                           "[::1", "[::1]9", "[127.0.0.1]", "localhost.evil.example", "gw1,gw2"})
    CHECK_FALSE(is_host_served(access, host));
}

TEST_CASE("http access: the bearer token") {
  const HttpAccess access{{}, "0123456789abcdef"};
  CHECK(check_bearer(access, "") == Bearer::kNone);
  CHECK(check_bearer(access, "Bearer 0123456789abcdef") == Bearer::kRight);
  CHECK(check_bearer(access, "BEARER 0123456789abcdef") == Bearer::kRight);
  for (const char* wrong : {"Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdef ",
                            "Bearer 0123456789ABCDEF", "0123456789abcdef", "Basic 0123456789abcdef"})
    CHECK(check_bearer(access, wrong) == Bearer::kWrong);
  CHECK(check_bearer({}, "Bearer anything") == Bearer::kRight);
}

TEST_CASE("http access: token files") {
  test::TempDir dir;
  CHECK(*read_token(dir.file("good", "0123456789abcdef\nrest")) == "0123456789abcdef");
  for (const char* bad : {"0123456789abcde", "0123456789 abcdef", "0123456789\"abcdef"}) {
    auto token = read_token(dir.file("bad", bad));
    REQUIRE_FALSE(token.ok());
    CHECK(token.error().message.find(bad) == std::string::npos);
  }
  CHECK_FALSE(read_token(dir.file("open", "0123456789abcdef", 0644)).ok());
}
