// What waits for handlers, counted: bounds of any size, and handlers that outlive the session they were called in.
#include "sdk/src/deliveries.h"

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

DeliveryPtr entry() { return std::make_shared<Delivery>(0, Lane::kNormal, "1-1"); }

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
  deliveries.handled(delivery, 0, MAS_OK);
  CHECK_FALSE(deliveries.full());
  deliveries.opened(*delivery, 1);
  deliveries.handled(delivery, 0, MAS_OK);
  CHECK(deliveries.full());
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
  deliveries.handled(delivery, 100, MAS_OK);
  CHECK_FALSE(deliveries.full());
  deliveries.close();
}
