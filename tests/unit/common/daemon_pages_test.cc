// The daemon's pages, as an HTTP client would get them; nothing listens and nothing connects.
#include "daemons/common/daemon_pages.h"

#include "proto/redis/loop.h"
#include "tests/lib/loop_fixture.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::common;

namespace {

/// Is as the test says.
class FakeGate final : public RedisGate {
 public:
  FakeGate(uv_loop_t* loop, Log& log, RedisGateListener& listener)
      : RedisGate(loop, {}, log, listener, nullptr, nullptr) {}
  bool up() const override { return up_; }
  std::string address() const override { return "redis.example:6379"; }
  void come_up() {
    up_ = true;
    tell_up("7.0.15");
  }
  void refuse(std::string why) { set_reason(std::move(why)); }

 private:
  bool up_ = false;
};

struct FakeService final : Service {
  Readiness state;
  void on_redis_up() override {}
  void on_redis_down() override {}
  Readiness readiness() const override { return state; }
  void describe(JsonWriter& json) const override { json.key("role").string("active"); }
  void reload(const Settings&) override {}
  void drain() override {}
};

struct Unheard final : RedisGateListener {
  void on_gate_up() override {}
  void on_gate_down() override {}
  void on_gate_reason() override {}
};

struct Fixture {
  test::LoopFixture loop;
  Log log{"testd", static_cast<LogLevel>(99)};  // nobody reads it
  Metrics metrics{"testd"};
  Unheard unheard;
  FakeGate gate{loop.loop(), log, unheard};
  std::string instance = "0123456789abcdef0123456789abcdef";
  FakeService service;
  DaemonPages pages{{"testd", instance}, log, metrics, gate};

  Fixture() { pages.start(service); }
  bool shows(std::string_view path, std::string_view text) {
    return pages.page(path).body.find(text) != std::string::npos;
  }
};

}  // namespace

TEST_CASE("a page that is not there is not found") {
  Fixture test;
  CHECK(test.pages.page("/").status == 404);
  CHECK(test.pages.page("/healthz/").status == 404);
}

TEST_CASE("a daemon is alive whatever Redis is") {
  Fixture test;
  CHECK(test.pages.page("/healthz").status == 200);
}

TEST_CASE("a daemon is ready when Redis is up and its service is ready") {
  Fixture test;
  test.gate.refuse("connection refused");
  CHECK(test.pages.page("/readyz").status == 503);
  CHECK(test.shows("/readyz", R"("reason":"Redis: connection refused")"));
  CHECK(test.shows("/metrics", "mas_testd_ready 0"));

  test.gate.come_up();
  CHECK(test.pages.page("/readyz").status == 200);
  CHECK(test.shows("/readyz", R"("status":"ready","daemon":"testd","instance":"0123456789abcdef0123456789abcdef")"));
  CHECK(test.shows("/readyz",
                   R"("redis":{"up":true,"address":"redis.example:6379","version":"7.0.15"},"role":"active")"));
  CHECK(test.shows("/metrics", "mas_testd_ready 1"));

  test.service.state = {false, "no partitions"};
  CHECK(test.pages.page("/readyz").status == 503);
  CHECK(test.shows("/readyz", R"("reason":"no partitions")"));
}

TEST_CASE("a daemon that drains is not ready, whatever else it is") {
  Fixture test;
  test.gate.come_up();
  test.service.state = {false, "no partitions"};
  test.pages.draining();
  CHECK(test.pages.page("/readyz").status == 503);
  CHECK(test.shows("/readyz", R"("reason":"draining")"));
  CHECK(test.pages.page("/healthz").status == 200);
}

TEST_CASE("without the token: that it lives, and whether it is ready, and no more") {
  Fixture test;
  CHECK(test.pages.public_page("/healthz").status == 200);
  CHECK(test.pages.public_page("/metrics").status == 401);
  CHECK(test.pages.public_page("/other").status == 401);
  test.gate.refuse("connection refused");
  CHECK(test.pages.public_page("/readyz").status == 503);
  CHECK(test.pages.public_page("/readyz").body == "{\"status\":\"unready\"}\n");
  test.gate.come_up();
  CHECK(test.pages.public_page("/readyz").status == 200);
  CHECK(test.pages.public_page("/readyz").body == "{\"status\":\"ready\"}\n");
}
