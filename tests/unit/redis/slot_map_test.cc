// Slots of keys, maps of clusters, and redirections: without a server.
#include "proto/redis/cluster/slot_map.h"

#include "proto/redis/cluster/redirect.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;

namespace {

/// A reply from its RESP, and the reader that it lives in.
struct Parsed {
  explicit Parsed(std::string_view bytes) {
    REQUIRE(reader.feed(bytes).ok());
    auto next = reader.next();
    REQUIRE(next.ok());
    REQUIRE(*next != nullptr);
    reply = *next;
  }
  ReplyReader reader;
  const Reply* reply = nullptr;
};

std::string text(std::string_view value) {
  return "$" + std::to_string(value.size()) + "\r\n" + std::string(value) + "\r\n";
}
std::string number(int64_t value) { return ":" + std::to_string(value) + "\r\n"; }
std::string list(std::initializer_list<std::string> parts) {
  std::string out = "*" + std::to_string(parts.size()) + "\r\n";
  for (const auto& part : parts) out += part;
  return out;
}

std::string node(std::string_view host, int port, std::string_view role, std::string_view health = "online") {
  return list({text("id"), text("0dfa"), text("port"), number(port), text("tls-port"), number(port + 1000), text("ip"),
               text("10.0.0.9"), text("endpoint"), text(host), text("role"), text(role), text("health"), text(health)});
}
std::string shard(std::initializer_list<std::string> slots, std::initializer_list<std::string> nodes) {
  return list({text("slots"), list(slots), text("nodes"), list(nodes)});
}

Result<SlotMap> shards(std::string_view bytes, SlotMap::Source source = {"asked", false}) {
  Parsed parsed(bytes);
  return SlotMap::from_shards(*parsed.reply, source);
}

std::string owner(const SlotMap& map, unsigned slot) {
  const Node* node = map.primary_of(slot);
  return node == nullptr ? "nobody" : node->text();
}

std::optional<Redirect> redirect(std::string_view error) {
  Parsed parsed("-" + std::string(error) + "\r\n");
  return redirect_of(*parsed.reply, "asked");
}

}  // namespace

TEST_CASE("slots are those of the specification") {
  CHECK(crc16("123456789") == 0x31c3);
  CHECK(crc16("") == 0);
  CHECK(hash_slot("foo") == 12182);
  CHECK(hash_slot("bar") == 5061);
  CHECK(hash_slot("agent:{bob}") == 8955);
  CHECK(hash_slot("{user1000}.following") == hash_slot("{user1000}.followers"));
  CHECK(hash_tag("foo{}{bar}") == "foo{}{bar}");
  CHECK(hash_tag("foo{{bar}}zap") == "{bar");
  CHECK(hash_tag("foo{bar}{zap}") == "bar");
  CHECK(hash_tag("foo{bar") == "foo{bar");
  CHECK(hash_tag("foo}bar") == "foo}bar");
}

TEST_CASE("CLUSTER SHARDS: each slot has the primary of its shard") {
  auto map = shards(list({shard({number(0), number(99), number(200), number(200)},
                                {node("10.0.0.2", 7002, "replica"), node("10.0.0.1", 7001, "master")}),
                          shard({number(100), number(199)}, {node("10.0.0.3", 7003, "master")}),
                          shard({}, {node("10.0.0.4", 7004, "master")})}));
  REQUIRE(map.ok());
  CHECK(owner(*map, 0) == "10.0.0.1:7001");
  CHECK(owner(*map, 99) == "10.0.0.1:7001");
  CHECK(owner(*map, 100) == "10.0.0.3:7003");
  CHECK(owner(*map, 200) == "10.0.0.1:7001");
  CHECK(owner(*map, 201) == "nobody");
  CHECK(map->uncovered() == kHashSlots - 201);
  CHECK(map->primaries().size() == 2);
  CHECK(map->peers() == std::vector<Node>{{"10.0.0.2", 7002}, {"10.0.0.4", 7004}});
}

TEST_CASE("CLUSTER SHARDS: the port is that of the kind of connection, the host what the node announces") {
  const std::string tls_only =
      list({text("tls-port"), number(7100), text("ip"), text("10.0.0.1"), text("endpoint"), text("one.example"),
            text("role"), text("master"), text("health"), text("online")});
  const std::string bytes =
      list({shard({number(0), number(9)}, {tls_only}), shard({number(10), number(19)}, {node("", 7002, "master")}),
            shard({number(20), number(29)}, {node("?", 7003, "master")})});
  auto plain = shards(bytes);
  REQUIRE(plain.ok());
  CHECK(owner(*plain, 0) == "nobody");
  CHECK(owner(*plain, 10) == "asked:7002");
  CHECK(owner(*plain, 20) == "10.0.0.9:7003");
  auto secured = shards(bytes, {"asked", true});
  REQUIRE(secured.ok());
  CHECK(owner(*secured, 0) == "one.example:7100");
  CHECK(owner(*secured, 10) == "asked:8002");
}

TEST_CASE("CLUSTER SHARDS: of two primaries of a shard the one that serves counts") {
  auto map = shards(list(
      {shard({number(0), number(9)}, {node("10.0.0.1", 7001, "master", "fail"), node("10.0.0.2", 7002, "master")})}));
  REQUIRE(map.ok());
  CHECK(owner(*map, 0) == "10.0.0.2:7002");
  auto failed = shards(list({shard({number(0), number(9)}, {node("10.0.0.1", 7001, "master", "fail")})}));
  REQUIRE(failed.ok());
  CHECK(owner(*failed, 0) == "10.0.0.1:7001");
}

TEST_CASE("CLUSTER SLOTS gives the same map") {
  const auto node_of = [](const std::string& host, int port) { return list({host, number(port), text("0dfa")}); };
  Parsed parsed(list({list({number(0), number(99), node_of(text("10.0.0.1"), 7001), node_of(text("10.0.0.2"), 7002)}),
                      list({number(100), number(199), node_of("$-1\r\n", 7003)})}));
  auto map = SlotMap::from_slots(*parsed.reply, {"asked", false});
  REQUIRE(map.ok());
  CHECK(owner(*map, 99) == "10.0.0.1:7001");
  CHECK(owner(*map, 100) == "asked:7003");
  auto same = shards(
      list({shard({number(100), number(199)}, {node("asked", 7003, "master")}),
            shard({number(0), number(99)}, {node("10.0.0.1", 7001, "master"), node("10.0.0.2", 7002, "replica")})}));
  REQUIRE(same.ok());
  CHECK(*same == *map);
}

TEST_CASE("a reply that is no map is refused") {
  const auto two = list({shard({number(0), number(9)}, {node("10.0.0.1", 7001, "master")}),
                         shard({number(9), number(19)}, {node("10.0.0.2", 7002, "master")})});
  for (const std::string& bad : {text("no"), list({text("no")}), list({list({text("slots"), number(1)})}), two,
                                 list({shard({number(-1), number(9)}, {node("10.0.0.1", 7001, "master")})}),
                                 list({shard({number(9), number(8)}, {node("10.0.0.1", 7001, "master")})}),
                                 list({shard({number(0), number(16384)}, {node("10.0.0.1", 7001, "master")})}),
                                 list({shard({number(0)}, {node("10.0.0.1", 7001, "master")})})}) {
    INFO(bad);
    auto map = shards(bad);
    REQUIRE_FALSE(map.ok());
    CHECK(map.error().code == Errc::kProtocol);
  }
  // A host that is none, or a port that is none, is a node that cannot be reached, as one that offers no port.
  for (const char* host : {"a b", "a\r\nb", "a/b", "[::1]"}) {
    auto map = shards(list({shard({number(0), number(9)}, {node(host, 7001, "master")})}));
    REQUIRE(map.ok());
    CHECK(map->empty());
  }
}

TEST_CASE("a map of more primaries than a cluster has is refused") {
  std::string shard_texts;
  for (size_t i = 0; i <= SlotMap::kMaxPrimaries; ++i) {
    const auto slot = number(static_cast<int64_t>(i));
    shard_texts += shard({slot, slot}, {node("10.0.0.1", static_cast<int>(1000 + i), "master")});
  }
  CHECK_FALSE(shards("*" + std::to_string(SlotMap::kMaxPrimaries + 1) + "\r\n" + shard_texts).ok());
}

TEST_CASE("MOVED corrects the map, also by a node that is not in it") {
  auto map = shards(list({shard({number(0), number(9)}, {node("10.0.0.2", 7002, "master")})}));
  REQUIRE(map.ok());
  CHECK_FALSE(map->move(3, {"10.0.0.2", 7002}));
  CHECK(map->move(3, {"10.0.0.1", 7001}));
  CHECK(owner(*map, 3) == "10.0.0.1:7001");
  CHECK(owner(*map, 4) == "10.0.0.2:7002");
  SlotMap none;
  CHECK(none.move(16383, {"::1", 7001}));
  CHECK(owner(none, 16383) == "[::1]:7001");
}

TEST_CASE("what a node says instead of running a command") {
  auto moved = redirect("MOVED 3999 127.0.0.1:6381");
  REQUIRE(moved);
  CHECK(moved->onward == Onward::kMoved);
  CHECK(moved->refresh);
  CHECK(moved->slot == 3999);
  CHECK(moved->node == Node{"127.0.0.1", 6381});
  auto ask = redirect("ASK 3999 ::1:6381");
  REQUIRE(ask);
  CHECK(ask->onward == Onward::kAsk);
  CHECK_FALSE(ask->refresh);
  CHECK(ask->node == Node{"::1", 6381});
  auto open_host = redirect("MOVED 1 :6381");
  REQUIRE(open_host);
  CHECK(open_host->node == Node{"asked", 6381});
  for (const char* later : {"CLUSTERDOWN The cluster is down", "LOADING Redis is loading the dataset in memory",
                            "MASTERDOWN Link with MASTER is down", "TRYAGAIN Multiple keys request during rehashing"}) {
    auto waits = redirect(later);
    REQUIRE(waits);
    CHECK(waits->onward == Onward::kLater);
  }
  for (const char* own :
       {"ERR unknown command", "WRONGTYPE Operation", "CROSSSLOT Keys", "READONLY You can't write", "MOVED",
        "MOVED x 127.0.0.1:1", "MOVED 16384 127.0.0.1:1", "MOVED 1 127.0.0.1", "MOVED 1 127.0.0.1:0", "ASK 1 a b:1"})
    CHECK_FALSE(redirect(own));
}
