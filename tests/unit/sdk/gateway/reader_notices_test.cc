// What a reader tells once until it is over.
#include "sdk/src/gateway/reader_notices.h"

#include <string>
#include <vector>

#include "proto/redis/reply.h"
#include "tests/unit/catch.h"
#include "tests/unit/sdk/gateway/fake_host.h"

using namespace mas;
using namespace mas::sdk;

namespace {

struct NoticesCase {
  FakeHost host;
  ReaderNotices notices{host};

  ServerFunctions::After claim_fails(std::string_view text) {
    redis::Reply error;
    error.type = redis::Reply::Type::kError;
    error.text = text;
    return notices.claim_failed(error);
  }
};

}  // namespace

TEST_CASE("groups that are gone are told once, until lanes were read") {
  NoticesCase at;
  at.notices.tell_losses();
  CHECK(at.host.data_lost.empty());
  at.notices.groups_gone();
  at.notices.groups_gone();
  CHECK(at.host.data_lost.empty());  // the request has not ended
  at.notices.tell_losses();
  at.notices.groups_gone();
  at.notices.tell_losses();
  CHECK(at.host.data_lost == std::vector<std::string>{"the groups of its streams were missing"});
  at.notices.groups_there();
  at.notices.groups_gone();
  at.notices.tell_losses();
  CHECK(at.host.data_lost.size() == 2);
}

TEST_CASE("lanes that went back are told each time, and lanes that did not hide no loss") {
  NoticesCase at;
  at.notices.went_back("high was delivered up to 5-0 and is at 3-0");
  at.notices.went_back("");
  at.notices.tell_losses();
  at.notices.tell_losses();
  CHECK(at.host.data_lost == std::vector<std::string>{"high was delivered up to 5-0 and is at 3-0"});
}

TEST_CASE("a missing function is told to the debug callback once, until something was claimed") {
  NoticesCase at;
  constexpr std::string_view kNotThere = "ERR Function not found",
                             kNoRight = "NOPERM User bob has no permissions to run the 'eval' command";
  CHECK(at.claim_fails(kNotThere) == ServerFunctions::After::kAgain);  // by a script
  CHECK_FALSE(at.notices.claims_missing());
  CHECK(at.claim_fails(kNoRight) == ServerFunctions::After::kMissing);
  CHECK(at.notices.claims_missing());
  CHECK(at.claim_fails(kNotThere) == ServerFunctions::After::kAgain);
  CHECK(at.claim_fails(kNoRight) == ServerFunctions::After::kMissing);
  CHECK(at.host.debug.size() == 1);
  at.notices.claimed();
  CHECK_FALSE(at.notices.claims_missing());
  CHECK(at.claim_fails(kNotThere) == ServerFunctions::After::kAgain);
  CHECK(at.claim_fails(kNoRight) == ServerFunctions::After::kMissing);
  CHECK(at.host.debug.size() == 2);
}
