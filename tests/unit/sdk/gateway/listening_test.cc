// Whether a reader may read: who is told of it, and who is not.
#include "sdk/src/gateway/listening.h"

#include <string>
#include <vector>

#include "tests/unit/catch.h"
#include "tests/unit/sdk/gateway/fake_host.h"

using namespace mas;
using namespace mas::sdk;

namespace {

const Error kLinkLost{Errc::kUnavailable, "the link is lost"};

struct ListeningCase {
  FakeHost host;
  Listening listening{host};
  std::vector<std::string> told;  // by wait(); empty: it may read

  bool wait() {
    return listening.wait([this](const Status& heard) { told.push_back(heard.ok() ? "" : heard.error().message); });
  }
  void hear() {
    listening.begin();
    REQUIRE(wait());
    listening.trying();
    listening.passed();
    REQUIRE(told == std::vector<std::string>{""});
    told.clear();
  }
};

}  // namespace

TEST_CASE("whoever waits is told once, when the trial has passed") {
  ListeningCase at;
  CHECK(at.listening.off());
  at.listening.begin();
  CHECK_FALSE(at.listening.wanted());  // nobody waits
  CHECK(at.wait());
  CHECK(at.listening.wanted());
  at.listening.trying();
  CHECK(at.listening.is_trying());
  CHECK_FALSE(at.listening.wanted());
  CHECK(at.told.empty());
  at.listening.passed();
  CHECK(at.told == std::vector<std::string>{""});
  CHECK(at.listening.hearing());
  CHECK_FALSE(at.listening.up());
  at.listening.came_up();
  CHECK(at.listening.up());
  CHECK(at.host.receiving_lost.empty());
}

TEST_CASE("who waits while it hears is told at once") {
  ListeningCase at;
  at.hear();
  CHECK_FALSE(at.wait());
  CHECK(at.told == std::vector<std::string>{""});
}

TEST_CASE("a loss fails the call that waits, and the session is not told as well") {
  ListeningCase at;
  at.listening.begin();
  at.wait();
  at.listening.trying();
  at.listening.lost(kLinkLost);
  CHECK(at.told == std::vector<std::string>{"the link is lost"});
  CHECK(at.host.receiving_lost.empty());
  at.listening.lost(kLinkLost);
  CHECK(at.told.size() == 1);
}

TEST_CASE("a loss of what was heard is told to the session, once") {
  ListeningCase at;
  at.hear();
  at.listening.came_up();
  at.listening.lost(kLinkLost);
  CHECK(at.host.receiving_lost == std::vector<std::string>{"the link is lost"});
  CHECK_FALSE(at.listening.hearing());
  at.listening.lost(kLinkLost);
  CHECK(at.host.receiving_lost.size() == 1);
  CHECK(at.told.empty());
}

TEST_CASE("a trial that has to be made otherwise is wanted again") {
  ListeningCase at;
  at.listening.begin();
  at.wait();
  at.listening.trying();
  at.listening.tried();
  CHECK(at.listening.wanted());
  CHECK(at.told.empty());
  at.listening.passed();  // what was tried before holds
  CHECK(at.told == std::vector<std::string>{""});
}

TEST_CASE("an agent that comes up while it is deaf does not read") {
  ListeningCase at;
  at.hear();
  at.listening.lost(kLinkLost);
  at.listening.came_up();
  CHECK_FALSE(at.listening.up());
}

TEST_CASE("nobody is told after the end, or who waits no more") {
  ListeningCase at;
  at.listening.begin();
  at.wait();
  at.listening.trying();
  at.listening.wait_no_more();
  at.listening.passed();
  at.wait();
  CHECK(at.told.size() == 1);
  at.listening.lost(kLinkLost);
  at.wait();
  at.listening.end();
  CHECK(at.listening.off());
  CHECK(at.told.size() == 1);
  at.listening.end();
  at.listening.begin();
  CHECK_FALSE(at.listening.wanted());
}
