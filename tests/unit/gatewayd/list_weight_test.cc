// How many elements of a list fit, from what Redis says of it.
#include "daemons/gatewayd/turn/list_weight.h"

#include <vector>

#include "tests/unit/catch.h"

using namespace mas::gateway;

namespace {

/// What Redis answers for a list with nodes of these sizes.
ListWeight weighed(const std::vector<uint64_t>& nodes, uint64_t head) {
  ListWeight weight;
  weight.set_head(head);
  for (size_t samples : ListWeight::kSamples) {
    uint64_t sum = 0;
    const size_t seen = std::min(samples, nodes.size());
    for (size_t i = 0; i < seen; ++i) sum += nodes[i];
    weight.add(
        static_cast<int64_t>(static_cast<double>(sum) / static_cast<double>(seen) * static_cast<double>(nodes.size())));
  }
  return weight;
}

constexpr uint64_t kKiB = 1024, kMiB = 1024 * kKiB;

}  // namespace

TEST_CASE("of large elements as many are read as fit, whatever comes behind them") {
  std::vector<uint64_t> nodes(300, 128 * kKiB);
  auto weight = weighed(nodes, 128 * kKiB);
  CHECK(weight.known());
  CHECK(weight.total() == 300 * 128 * kKiB);
  CHECK(weight.fitting(2 * kMiB) == 8);  // 16 but for the slack
  CHECK(weight.fitting(100 * kMiB) == 512);
  nodes.insert(nodes.end(), 100'000, 8 * kKiB);
  CHECK(weighed(nodes, 128 * kKiB).fitting(2 * kMiB) == 8);
}

TEST_CASE("a huge element stops the read before it, and one at the head is read alone") {
  std::vector<uint64_t> nodes(1000, 8 * kKiB);
  nodes[5] = 512 * kMiB;
  CHECK(weighed(nodes, 100).fitting(2 * kMiB) == 4);
  CHECK(weighed({512 * kMiB, 8 * kKiB}, 512 * kMiB).fitting(2 * kMiB) == 1);
  CHECK(weighed({512 * kMiB}, 512 * kMiB).fitting(2 * kMiB) == 1);
}

TEST_CASE("small elements share nodes, and the list's length does not matter") {
  for (size_t length : {100, 10'000, 100'000}) {
    std::vector<uint64_t> nodes(length, 8 * kKiB);
    CHECK(weighed(nodes, 300).fitting(4 * kMiB) >= 256);
  }
}

TEST_CASE("a list that is gone, or not weighed, has nothing") {
  CHECK_FALSE(ListWeight().known());
  CHECK(ListWeight().total() == 0);
  CHECK(weighed({1}, 1).fitting(0) == 1);
}
