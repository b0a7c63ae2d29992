// The runaway guard over simulated time: each rule, their order, what it counts, and agents that answer each other for
// ever.
#include "daemons/gatewayd/guard/guard.h"

#include "proto/wire/chain.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;
using namespace std::chrono_literals;

namespace {

constexpr WallMicros kNow = 1'795'350'060'000'000;
constexpr WallMicros kMinute = 60'000'000;

struct GuardCase {
  Guard guard{SipKey{1, 2}};
  WallMicros now = kNow;

  explicit GuardCase(const GuardSettings& settings = {}) { guard.configure(settings); }

  GuardRule ask(const GuardQuestion& question) { return guard.judge(question, now).rule; }
  std::string why(const GuardQuestion& question) { return guard.judge(question, now).describe(guard.settings()); }
  size_t pass(const GuardQuestion& question, size_t n) {
    size_t passed = 0;
    for (size_t i = 0; i < n; ++i) passed += ask(question) == GuardRule::kNone ? 1 : 0;
    return passed;
  }
};

const GuardQuestion kPlain{.sender = "alice", .target = "bob", .conversation = {}, .chain = {}};

}  // namespace

TEST_CASE("hops: as many as allowed, and a chain counts as what it is long") {
  GuardCase at({.max_hops = 3});
  GuardQuestion question = kPlain;
  question.hops = 3;
  CHECK(at.ask(question) == GuardRule::kNone);
  question.hops = 4;
  CHECK(at.why(question) == "hops: 4, at most 3");
  question.answers = true;
  CHECK(at.ask(question) == GuardRule::kHops);
  question = kPlain;
  question.chain = R"(["a", "b", "c"])";
  CHECK(at.ask(question) == GuardRule::kNone);
  question.chain = R"(["a","b","c","d"])";
  CHECK(at.why(question) == "hops: 4, at most 3");
}

TEST_CASE("chain: a target may be asked again so often, a reply always") {
  GuardCase at({.max_visits = 2});
  GuardQuestion question = kPlain;
  question.chain = R"(["bob","carol","bob"])";
  CHECK(at.ask(question) == GuardRule::kNone);
  question.chain = R"(["bob","carol","bob","bob"])";
  CHECK(at.why(question) == "chain: the target appears in it 3 times, at most 2");
  question.answers = true;
  CHECK(at.ask(question) == GuardRule::kNone);
  GuardQuestion self{.sender = "bob", .target = "bob", .conversation = {}, .chain = R"(["bob","bob"])"};
  CHECK(at.ask(self) == GuardRule::kChain);
  // Another's id that begins the same is another's.
  question = kPlain;
  question.chain = R"(["bob2","bo","bob-","bobb"])";
  CHECK(at.ask(question) == GuardRule::kNone);

  GuardCase strict({.max_visits = 0});
  question.chain = R"(["bob"])";
  CHECK(strict.why(question) == "chain: the target appears in it 1 time, at most 0");
}

TEST_CASE("conversation: a budget for each of its senders, which nobody else can use up") {
  GuardCase at({.conversation = 10});
  GuardQuestion there{.sender = "alice", .target = "bob", .conversation = "c1", .chain = {}};
  GuardQuestion back{.sender = "bob", .target = "alice", .conversation = "c1", .chain = {}};
  CHECK(at.pass({.sender = "mallory", .target = "bob", .conversation = "c1", .chain = {}}, 100) == 10);
  CHECK(at.pass(there, 100) == 10);
  CHECK(at.pass(back, 100) == 10);
  CHECK(at.why(there) == "conversation: at most 10 messages in 60 s");
  back.answers = true;  // a ticket is good for more than one reply
  CHECK(at.ask(back) == GuardRule::kConversation);
  there.conversation = "c2";
  CHECK(at.pass(there, 100) == 10);
  there.conversation = {};
  CHECK(at.pass(there, 100) == 100);
  at.now += 2 * kMinute;
  there.conversation = "c1";
  CHECK(at.pass(there, 100) == 10);
}

TEST_CASE("pair: from one sender to one target, in this direction") {
  GuardCase at({.pair = 5});
  CHECK(at.pass(kPlain, 100) == 5);
  CHECK(at.why(kPlain) == "pair: at most 5 messages in 60 s");
  CHECK(at.pass({.sender = "bob", .target = "alice", .conversation = {}, .chain = {}}, 100) == 5);
  CHECK(at.pass({.sender = "alice", .target = "carol", .conversation = {}, .chain = {}}, 100) == 5);
  CHECK(at.pass({.sender = "aliceb", .target = "ob", .conversation = {}, .chain = {}}, 100) == 5);
}

TEST_CASE("the first rule that is exceeded refuses, and a refused message is not counted") {
  GuardCase at({.max_hops = 1, .max_visits = 0, .conversation = 3, .pair = 2});
  GuardQuestion all{.sender = "alice", .target = "bob", .conversation = "c1", .chain = R"(["bob","x"])", .hops = 2};
  for (int i = 0; i < 10; ++i) CHECK(at.ask(all) == GuardRule::kHops);
  all.hops = 0;
  all.chain = R"(["bob"])";
  for (int i = 0; i < 10; ++i) CHECK(at.ask(all) == GuardRule::kChain);
  all.chain = {};
  CHECK(at.pass(all, 10) == 2);
  CHECK(at.ask(all) == GuardRule::kPair);
  GuardQuestion other{.sender = "alice", .target = "carol", .conversation = "c1", .chain = {}};
  CHECK(at.pass(other, 10) == 1);  // what the pair refused has not used up the conversation
  CHECK(at.ask(all) == GuardRule::kConversation);
}

TEST_CASE("two agents that answer each other for ever are stopped, with chains or without") {
  GuardCase at;
  std::string chain;
  size_t messages = 0;
  const char* ids[] = {"alice", "bob"};
  for (;; ++messages) {
    REQUIRE(messages < 100);
    GuardQuestion question{ids[messages % 2], ids[(messages + 1) % 2], "c1", chain, static_cast<int64_t>(messages)};
    if (at.ask(question) != GuardRule::kNone) break;
    std::string longer;
    extend_chain(longer, chain, question.sender);
    chain = longer;
  }
  CHECK(messages == 17);  // each of them has been asked eight times, and one once more

  // Agents that pass nothing on but the conversation.
  messages = 0;
  while (at.ask({ids[messages % 2], ids[(messages + 1) % 2], "c2", {}}) == GuardRule::kNone) ++messages;
  CHECK(messages == 2000);  // a thousand of each
}

TEST_CASE("settings that change hold from the next message on") {
  GuardCase at({.pair = 5});
  CHECK(at.pass(kPlain, 100) == 5);
  at.guard.configure({.pair = 8});
  CHECK(at.pass(kPlain, 100) == 3);
  at.guard.configure({.pair = 2});
  CHECK(at.pass(kPlain, 100) == 0);
  at.guard.configure({.pair = 2, .window = 10s});  // what was counted is forgotten
  CHECK(at.pass(kPlain, 100) == 2);
  CHECK(at.why(kPlain) == "pair: at most 2 messages in 10 s");
  at.guard.configure({.conversation = 0, .pair = 0});
  CHECK(at.pass({.sender = "a", .target = "b", .conversation = "c", .chain = {}}, 5000) == 5000);
}
