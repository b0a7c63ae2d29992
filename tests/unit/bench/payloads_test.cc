// What the benchmark of data-loss prevention scans.
#include "sdk/bench/payloads.h"

#include <set>
#include <string>

#include "proto/wire/json.h"
#include "tests/unit/masctl/inspection.h"

using namespace mas;
using namespace mas::ctl;

TEST_CASE("the bench's payloads are JSON of the size asked for, always the same, and some hold data") {
  for (size_t bytes : {64, 256, 1024, 16384}) {
    auto payloads = bench_payloads(bytes, 16);
    CHECK(payloads == bench_payloads(bytes, 16));
    CHECK(std::set<std::string>(payloads.begin(), payloads.end()).size() > (bytes > 64 ? 8U : 0U));
    auto inspected = inspection();
    size_t found = 0;
    for (const auto& payload : payloads) {
      CHECK(payload.size() == bytes);
      CHECK(JsonReader::local().check_object(payload).ok());
      REQUIRE(inspected->json(payload).ok());
      found += inspected->types().empty() ? 0 : 1;
    }
    if (bytes >= 256) CHECK(found >= 3);
    CHECK(found <= 8);
  }
}
