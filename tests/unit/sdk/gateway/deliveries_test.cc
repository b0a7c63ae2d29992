// What waits for handlers, counted: bounds of any size, handlers that outlive the session they were called in, and
// those that fail or are out of time.
#include "sdk/src/gateway/deliveries.h"

#include <cstdint>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;

namespace {

AgentConfig bounded(size_t messages, size_t bytes) {
  AgentConfig config;
  config.inbound = {messages, bytes};
  return config;
}

DeliveryPtr entry(size_t stream = 3) { return std::make_shared<Delivery>(stream, Lane::kNormal, "1-1"); }

}  // namespace

TEST_CASE("what waits for handlers is bounded by messages and by bytes") {
  Deliveries deliveries(bounded(2, 1000));
  deliveries.open([] {});
  auto delivery = entry();
  CHECK_FALSE(deliveries.full());
  deliveries.opened(*delivery, 999);
  CHECK_FALSE(deliveries.full());
  deliveries.opened(*delivery, 0);
  CHECK(deliveries.full());
  deliveries.handled({delivery, 0, {}}, 0, false);
  CHECK_FALSE(deliveries.full());
  deliveries.opened(*delivery, 1);
  deliveries.handled({delivery, 0, {}}, 0, false);
  CHECK(deliveries.full());
  deliveries.close();
}

TEST_CASE("entries are read as far as there is room for the largest, and one at least until the bound is reached") {
  Deliveries deliveries(bounded(100, 1000));
  deliveries.open([] {});
  auto delivery = entry();
  CHECK(deliveries.room_for({10, 50}) == 10);
  CHECK(deliveries.room_for({10, 500}) == 2);
  CHECK(deliveries.room_for({1000, 1}) == 1);
  for (int i = 0; i < 99; ++i) deliveries.opened(*delivery, 1);
  CHECK(deliveries.room_for({10, 50}) == 1);
  deliveries.opened(*delivery, 1);
  CHECK(deliveries.room_for({10, 50}) == 0);
  deliveries.close();
}

TEST_CASE("a bound of any size holds, and none is reached by nothing") {
  for (size_t bound : {size_t{1}, size_t{INT64_MAX}, size_t{INT64_MAX} + 1, SIZE_MAX}) {
    Deliveries deliveries(bounded(bound, bound));
    deliveries.open([] {});
    CHECK_FALSE(deliveries.full());
    auto delivery = entry();
    deliveries.opened(*delivery, 1);
    CHECK(deliveries.full() == (bound == 1));
    deliveries.close();
  }
}

TEST_CASE("a handler that outlived its session does not fill the next one") {
  Deliveries deliveries(bounded(10, 1000));
  deliveries.open([] {});
  auto delivery = entry();
  deliveries.opened(*delivery, 100);
  deliveries.close();
  deliveries.open([] {});
  deliveries.handled({delivery, 0, {}}, 100, false);
  CHECK_FALSE(deliveries.full());
  deliveries.close();
}

TEST_CASE("an entry is due for its ack when what failed in it was reported, and counts as waiting until then") {
  Deliveries deliveries(bounded(2, 1000));
  int woken = 0;
  deliveries.open([&woken] { ++woken; });
  auto delivery = entry();
  for (int i = 0; i < 2; ++i) deliveries.opened(*delivery, 10);
  deliveries.release(delivery);  // the reader is done with it
  deliveries.handled({delivery, 0, {}}, 10, false);
  deliveries.handled({delivery, 1, {}}, 10, true);
  CHECK(woken == 1);
  std::vector<DeliveryPtr> done;
  std::vector<Failure> failed;
  deliveries.take(done);
  deliveries.take_failed(failed);
  CHECK(done.empty());
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].share.index == 1);
  CHECK(deliveries.take_handled() == 1);
  deliveries.opened(*entry(), 10);
  CHECK(deliveries.full());
  deliveries.reported(failed[0]);
  CHECK_FALSE(deliveries.full());
  deliveries.take(done);
  CHECK(done == std::vector<DeliveryPtr>{delivery});
  deliveries.close();
}

TEST_CASE("a reply whose handler failed is done with: nobody delivers it again") {
  Deliveries deliveries(bounded(2, 1000));
  deliveries.open([] {});
  auto delivery = entry(0);
  deliveries.opened(*delivery, 10);
  deliveries.release(delivery);
  deliveries.handled({delivery, 0, {}}, 10, true);
  std::vector<DeliveryPtr> done;
  std::vector<Failure> failed;
  deliveries.take(done);
  deliveries.take_failed(failed);
  CHECK(done.size() == 1);
  CHECK(failed.empty());
  deliveries.close();
}

TEST_CASE("a handler that is out of time has failed once, whatever it returns later") {
  AgentConfig config = bounded(2, 1000);
  config.handler_timeout = std::chrono::seconds(1);
  Deliveries deliveries(config);
  deliveries.open([] {});
  auto delivery = entry();
  deliveries.opened(*delivery, 10);
  deliveries.release(delivery);
  const MonoTime start = mono_now();
  std::vector<Failure> failed;
  deliveries.began({delivery, 0, {}}, 10, start);
  deliveries.check_time(start + std::chrono::milliseconds(999));
  deliveries.take_failed(failed);
  CHECK(failed.empty());
  for (int i = 0; i < 2; ++i) deliveries.check_time(start + std::chrono::seconds(1 + i));
  deliveries.take_failed(failed);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].reason == std::string("out of time"));
  CHECK_FALSE(deliveries.ended({delivery, 0, {}}));
  deliveries.take_failed(failed);
  CHECK(failed.size() == 1);
  CHECK(deliveries.take_handled() == 0);
  deliveries.close();
}

TEST_CASE("the time of a message ends once; without a time-out nothing is out of time") {
  AgentConfig config = bounded(2, 1000);
  const Share share{entry(), 0, {}};
  for (const auto patience : {std::chrono::seconds(0), std::chrono::seconds(1)}) {
    config.handler_timeout = patience;
    Deliveries deliveries(config);
    deliveries.open([] {});
    deliveries.opened(*share.delivery, 10);
    deliveries.began(share, 10, mono_now());
    CHECK(deliveries.ended(share));
    CHECK(deliveries.ended(share) == (patience == std::chrono::seconds(0)));
    deliveries.check_time(mono_now() + std::chrono::seconds(5));
    std::vector<Failure> failed;
    deliveries.take_failed(failed);
    CHECK(failed.empty());
    deliveries.close();
  }
}

TEST_CASE("a failure between taking the failed and taking the handled wakes again") {
  Deliveries deliveries(bounded(10, 1000));
  int woken = 0;
  deliveries.open([&woken] { ++woken; });
  auto delivery = entry();
  for (int i = 0; i < 2; ++i) deliveries.opened(*delivery, 10);
  std::vector<Failure> failed;
  std::vector<DeliveryPtr> done;
  deliveries.handled({delivery, 0, {}}, 10, true);
  deliveries.take_failed(failed);
  deliveries.handled({delivery, 1, {}}, 10, true);
  deliveries.take(done);
  CHECK(woken == 2);
  deliveries.close();
}
