// Sharded subscriptions that a node refuses: the node is played by the test.
#include "proto/redis/cluster/cluster_subscriber.h"

#include <algorithm>

#include "tests/lib/loop_fixture.h"
#include "tests/redis/client.h"
#include "tests/redis/fake_node.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

struct Ears final : ChannelListener {
  std::vector<std::string> heard, refused, errors;
  void on_message(std::string_view, std::string_view) override {}
  void on_oversized(std::string_view, uint64_t) override {}
  void on_channel_heard(std::string_view channel) override { heard.emplace_back(channel); }
  void on_channel_lost(std::string_view, const Error&) override {}
  void on_channel_refused(std::string_view channel, const Error&) override { refused.emplace_back(channel); }
  void on_subscriber_error(const Error& why) override { errors.push_back(why.message); }
};

std::string confirmation(const std::string& channel) {
  return "*3\r\n$10\r\nssubscribe\r\n$" + std::to_string(channel.size()) + "\r\n" + channel + "\r\n:1\r\n";
}

}  // namespace

TEST_CASE("a refusal is told of its channel only, and that channel is asked for no more until the next ping") {
  LoopFixture loop;
  FakeNode node;
  node.map = map_of({{node.address(), 0, static_cast<int>(kHashSlots) - 1}});
  node.answer = [](const FakeNode::Words& words) {
    return words.back() == "secret" ? std::string("-NOPERM No permissions to access a channel\r\n")
                                    : confirmation(words.back());
  };
  const auto asked_for = [&node](std::string_view channel) {
    return std::count_if(node.heard.begin(), node.heard.end(),
                         [&](const auto& words) { return words[0] == "SSUBSCRIBE" && words[1] == channel; });
  };
  ClusterOptions options;
  options.node = quick_options("redis+cluster://" + node.address().text());
  ClusterLink link(loop.loop(), options, nullptr);
  Ears ears;
  ClusterSubscriber subscriber(loop.loop(), link, ears, 1000);
  link.start();
  REQUIRE(loop.run_until([&] { return node.serve(), !link.map().empty(); }));
  for (const char* channel : {"a", "secret", "b", "c"}) subscriber.subscribe(channel);
  subscriber.on_map();
  const MonoTime begun = mono_now();
  REQUIRE(loop.run_until([&] { return node.serve(), mono_now() - begun > 1s; }));
  std::sort(ears.heard.begin(), ears.heard.end());
  CHECK(ears.heard == std::vector<std::string>{"a", "b", "c"});
  CHECK(ears.errors.empty());
  CHECK(ears.refused == std::vector<std::string>{"secret"});
  CHECK(asked_for("secret") == 1);
  REQUIRE(loop.run_until([&] { return node.serve(), asked_for("secret") == 2; }));
  CHECK(mono_now() - begun > 1500ms);
}
