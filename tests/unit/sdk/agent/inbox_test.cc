// The inbox: order between kinds, lanes, the bound, and what one poll may take.
#include "sdk/src/agent/inbox.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "sdk/src/agent/requests.h"
#include "sdk/src/peer/outbox.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;

namespace {

AgentConfig config_of(size_t messages) {
  AgentConfig config;
  config.id = "bob";
  config.inbound.messages = messages;
  return config;
}

struct InboxCase {
  const AgentConfig config;
  EnvelopeDecoder decoder;
  ChannelOutbox outbox{config, Keys(""), std::make_shared<RedisClock>(), std::make_shared<Tracer>()};
  Inbox inbox;

  explicit InboxCase(size_t messages = 1000, bool keeps_all = false)
      : config(config_of(messages)), inbox(config, keeps_all) {
    REQUIRE(inbox.open().ok());
  }

  void push(Lane lane, const std::string& type) {
    auto message =
        mas_message::make(R"({"sender_id":"alice","target_id":"bob","message_type":")" + type + R"(","data":{}})",
                          decoder, 1 << 20, outbox);
    REQUIRE(message.ok());
    static_cast<void>(inbox.push(lane, std::move(*message)));
  }
  void push_change() { inbox.push(ConnectionChange{}); }

  /// @return what take() gives until it gives nothing: types of messages, "-" for a change of the connection.
  std::string taken(uint64_t end = UINT64_MAX) {
    std::string all;
    Inbox::Taken run;
    for (inbox.take(run, end); !run.empty(); run.clear(), inbox.take(run, end)) {
      for (const auto& message : run.messages) all += message->type();
      all.append(run.changes.size(), '-');
    }
    return all;
  }
};

}  // namespace

TEST_CASE("in one lane everything is seen in the order in which it happened") {
  InboxCase at;
  at.push(Lane::kNormal, "a");
  at.push_change();
  at.push(Lane::kNormal, "b");
  at.push(Lane::kNormal, "c");
  at.push_change();
  CHECK(at.taken() == "a-bc-");
}

TEST_CASE("urgent messages overtake, and none is left behind") {
  InboxCase at;
  for (int i = 0; i < 100; ++i) at.push(Lane::kBulk, "b");
  for (int i = 0; i < 10; ++i) at.push(Lane::kCritical, "c");
  std::string order = at.taken();
  CHECK(order.size() == 110);
  CHECK(order.substr(0, 2).find('c') != std::string::npos);
  CHECK(order.rfind('c') < 12);
}

TEST_CASE("a poll takes nothing that came after it began") {
  InboxCase at;
  at.push(Lane::kLow, "a");
  uint64_t end = at.inbox.next_number();
  at.push(Lane::kLow, "b");
  CHECK(at.taken(end) == "a");
  at.push(Lane::kCritical, "c");
  CHECK(at.taken(end).empty());
  CHECK(at.taken() == "cb");
}

TEST_CASE("past its bound it drops the oldest of the least urgent lane, and says so once") {
  InboxCase at(4);
  at.push(Lane::kCritical, "c");
  for (const char* type : {"1", "2", "3"}) at.push(Lane::kLow, type);
  at.push(Lane::kHigh, "h");
  at.push(Lane::kHigh, "i");
  CHECK(at.inbox.messages_dropped() == 2);
  CHECK(at.inbox.take_dropped() == 2);
  std::string order = at.taken();
  CHECK(order.size() == 4);
  CHECK(order.find('1') == std::string::npos);
  CHECK(order.find('2') == std::string::npos);
}

TEST_CASE("where the mode keeps all, nothing is dropped, whatever the bound") {
  InboxCase at(2, true);
  for (const char* type : {"a", "b", "c", "d"}) at.push(Lane::kBulk, type);
  CHECK(at.inbox.messages_dropped() == 0);
  CHECK(at.taken() == "abcd");
}

TEST_CASE("who watches edges is told of what came during a poll that ran nothing") {
  InboxCase at;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
  REQUIRE(epoll_ctl(epoll, EPOLL_CTL_ADD, at.inbox.fd(), &event) == 0);
  const auto edges = [&] { return epoll_wait(epoll, &event, 1, 0); };

  at.push_change();
  CHECK(edges() == 1);
  const uint64_t poll_begins = at.inbox.next_number();
  at.push_change();
  CHECK(edges() == 0);
  CHECK(at.taken(poll_begins) == "-");  // and no callback is set for it
  at.inbox.settle(true);
  CHECK(edges() == 1);

  CHECK(at.taken() == "-");
  at.inbox.settle(true);
  CHECK(edges() == 0);
  at.push_change();
  CHECK(edges() == 1);
  close(epoll);
}

TEST_CASE("a doubt that is dropped is counted in the next one") {
  InboxCase at;
  constexpr size_t kDoubts = 16;
  for (size_t i = 0; i < kDoubts + 2; ++i) at.inbox.push(Doubt{{{Id128(), Id128()}, i}, "lost"});
  Inbox::Taken run;
  at.inbox.take(run, UINT64_MAX);
  REQUIRE(run.doubts.size() == kDoubts);
  CHECK(run.doubts[0].messages.ids.size() == 2);
  CHECK(run.doubts[0].messages.forgotten == 2 + 0 + 2 + 1 + 2);  // of the first two, and its own
  CHECK(run.doubts[1].messages.forgotten == 3);
}
