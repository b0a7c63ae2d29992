// What top makes of two looks at the gateways.
#include "proto/wire/json.h"
#include "sdk/masctl/commands/top_view.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::ctl;
using namespace std::chrono_literals;

namespace {

GatewaySnapshot snapshot(const std::string& numbers) {
  std::string heartbeat = R"({"name":"gatewayd","instance":"abcdef0123","pid":7,"host":"h","since":100.5,)";
  heartbeat += numbers;
  heartbeat += "}";
  auto parsed = parse_snapshot(heartbeat);
  REQUIRE(parsed.ok());
  return *parsed;
}

GatewayView view_of(std::vector<GatewaySnapshot> gateways) {
  GatewayView view;
  view.gateways = std::move(gateways);
  view.partitions = {{3, "abcdef0123", ""}, {0, "", ""}};
  return view;
}

}  // namespace

TEST_CASE("a heartbeat is read as far as it goes") {
  auto full = snapshot(
      R"("profile":"production","owned":[0,5,12],"decided":{"ALLOWED":10,"EXPIRED":1},"turns":2,"messages":11,"round_trips":3)");
  CHECK(full.profile == "production");
  CHECK(full.owned == std::vector<unsigned>{0, 5, 12});
  CHECK(full.decided == std::map<std::string, uint64_t>{{"ALLOWED", 10}, {"EXPIRED", 1}});
  CHECK(full.messages == 11);
  CHECK(full.resting.empty());
  CHECK(full.pid == 7);

  auto bare = snapshot(R"("owned":[],"decided":null,"messages":"x","unheard_of":{"a":[1]})");
  CHECK(bare.owned.empty());
  CHECK(bare.decided.empty());
  CHECK(bare.messages == 0);
  for (const char* bad : {"", "[]", "{", "not json"}) CHECK_FALSE(parse_snapshot(bad).ok());
}

TEST_CASE("a partition that rests is shown with the reason, whatever stands in it") {
  auto resting = snapshot(R"("resting":{"1":"mas.audit:{1}: no \u001b[31m stream","x":"y"})");
  REQUIRE(resting.resting.size() == 1);
  CHECK(resting.resting.at(1).starts_with("mas.audit:{1}"));
  CHECK(snapshot(R"("resting":[1])").resting.empty());

  TopView top;
  auto view = view_of({resting});
  view.partitions.push_back({0, "abcdef0123", resting.resting.at(1)});
  top.look(view, MonoTime(1s));
  CHECK(top.resting() == 1);
  CHECK(top.header()[0].ends_with(", 1 at rest"));
  CHECK(top.partitions().tab_separated().find("mas.audit:{1}") != std::string::npos);
  CHECK(top.partitions().tab_separated().find('\x1b') == std::string::npos);
  CHECK(top.json(1).find(R"("resting":"mas.audit:{1})") != std::string::npos);
  CHECK(JsonReader::local().check_object(top.json(1)).ok());
}

TEST_CASE("rates are what happened between two looks") {
  TopView top;
  MonoTime start = MonoTime(10s);
  top.look(view_of({snapshot(R"("messages":1000,"turns":10,"round_trips":20,"decided":{"ALLOWED":1000})")}), start);
  CHECK(top.rates("abcdef0123") == nullptr);
  CHECK(top.waiting() == 3);
  CHECK(top.unowned() == 1);

  // Not written since: no rate of 0.
  top.look(view_of({snapshot(R"("messages":1000,"turns":10,"round_trips":20,"decided":{"ALLOWED":1000})")}),
           start + 1s);
  CHECK(top.rates("abcdef0123") == nullptr);

  top.look(
      view_of({snapshot(R"("messages":2000,"turns":20,"round_trips":40,"decided":{"ALLOWED":1900,"EXPIRED":100})")}),
      start + 2s);
  REQUIRE(top.rates("abcdef0123") != nullptr);
  CHECK(top.rates("abcdef0123")->messages == 500);
  CHECK(top.rates("abcdef0123")->per_turn == 100);
  CHECK(top.rates("abcdef0123")->round_trips == 0.02);
  CHECK(top.decisions()["ALLOWED"] == std::pair<double, uint64_t>(450, 1900));
  CHECK(top.decisions()["EXPIRED"] == std::pair<double, uint64_t>(50, 100));

  SECTION("nothing new for long: nothing happens") {
    auto still = snapshot(R"("messages":2000,"turns":20,"round_trips":40,"decided":{"ALLOWED":1900,"EXPIRED":100})");
    top.look(view_of({still}), start + 4s);
    CHECK(top.rates("abcdef0123")->messages == 500);
    top.look(view_of({still}), start + 9s);
    CHECK(top.rates("abcdef0123")->messages == 0);
  }
  SECTION("counters that went back began anew") {
    top.look(view_of({snapshot(R"("messages":50,"turns":5,"round_trips":5,"decided":{"ALLOWED":50})")}), start + 3s);
    CHECK(top.rates("abcdef0123")->messages == 50);
  }
  SECTION("a gateway that is gone has no rates") {
    top.look(view_of({}), start + 3s);
    CHECK(top.rates("abcdef0123") == nullptr);
    CHECK(top.decisions().empty());
  }
}

TEST_CASE("top in text and JSON, whatever the gateways say") {
  TopView top;
  CHECK(top.header() == std::vector<std::string>{"no gateway has run on this Redis yet"});
  CHECK(top.json(1) == R"({"time":1,"gateways":[],"decisions":{},"partitions":[]})");
  auto odd = snapshot(R"("profile":"\u001b[31m","decided":{"A\"B":1})");
  odd.host.push_back(static_cast<char>(0xff));
  top.look(view_of({odd}), MonoTime(1s));
  CHECK(JsonReader::local().check_object(top.json(1)).ok());
  CHECK(top.gateways(160.5).tab_separated().find('\x1b') == std::string::npos);
  CHECK(top.header()[0] == "1 gateway, 2 partitions, 3 frames waiting, 1 partitions without an owner");
  CHECK(top.partitions().tab_separated() == "0\t3\tabcdef01\t\n1\t0\t(nobody)\t\n");
}

TEST_CASE("a number of partitions that is being changed is shown") {
  TopView top;
  auto view = view_of({});
  view.changing = PartitionsMark{1, 2};
  top.look(view, MonoTime(1s));
  REQUIRE(top.header().size() == 2);
  CHECK(top.header()[0].starts_with("0 gateways, 2 partitions"));
  CHECK(top.header()[1].starts_with("the number of partitions is being changed to 1;"));
  CHECK(top.json(1).ends_with(R"(],"changing_to":1})"));
}
