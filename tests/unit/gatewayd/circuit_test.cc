// Circuits in Redis: what is written is read again, and what else is refused, with what was expected.
#include "daemons/gatewayd/breaker/circuit.h"

#include <vector>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

using Values = std::vector<std::optional<std::string_view>>;

std::string refusal(const Values& values) {
  auto circuit = parse_circuit(values);
  return circuit.ok() ? "" : circuit.error().message;
}

}  // namespace

TEST_CASE("a circuit is written and read") {
  Circuit circuit{CircuitState::kOpen, 7, 1'795'350'096'500'000, 1'795'350'126'000'001, 3, CircuitCause::kFailures};
  auto written = circuit_values(circuit);
  CHECK(written[2] == "1795350096.500000");
  Values values(written.begin(), written.end());
  auto read = parse_circuit(values);
  REQUIRE(read.ok());
  CHECK(*read == circuit);
}

TEST_CASE("nothing is a circuit that never changed, three fields are enough") {
  auto none = parse_circuit(Values(6));
  REQUIRE(none.ok());
  CHECK(*none == Circuit{});
  CHECK(parse_circuit({}).ok());
  auto least = parse_circuit(Values{"closed", "1", "12.5"});
  REQUIRE(least.ok());
  CHECK(*least == Circuit{CircuitState::kClosed, 1, 12'500'000, 0, 0, CircuitCause::kFailures});
}

TEST_CASE("what cannot be read is told by its field") {
  CHECK(refusal({"closed", "1"}) == "circuit: since is missing");
  CHECK(refusal({std::nullopt, "1", "1"}) == "circuit: state is missing");
  CHECK(refusal({"OPEN", "1", "1"}) == "circuit: state is 'OPEN', expected closed, half_open, open or forced_open");
  CHECK(refusal({"open", "0", "1"}) == "circuit: generation is '0', expected a number from 1");
  CHECK(refusal({"open", "-1", "1"}).starts_with("circuit: generation"));
  CHECK(refusal({"open", "18446744073709551616", "1"}).starts_with("circuit: generation"));
  for (const char* time : {"", ".", "-1", "1.", "1.1234567", "1e3", " 1", "99999999999", "1.-5", "+1"})
    CHECK(refusal({"open", "1", time}).starts_with("circuit: since"));
  CHECK(refusal({"open", "1", "1", "soon"}).starts_with("circuit: until"));
  CHECK(refusal({"open", "1", "1", "2", "4294967296"}).starts_with("circuit: opens"));
  CHECK(refusal({"open", "1", "1", "2", "1", "whim"}) ==
        "circuit: cause is 'whim', expected failures, inactive or operator");
}

TEST_CASE("what cannot be read is taken for closed, and the next change can replace it") {
  CHECK(closed_circuit(Values{"OPEN", "7", "1"}) == Circuit{.generation = 7});
  CHECK(closed_circuit(Values{"open", "seven", "1"}) == Circuit{});
  CHECK(closed_circuit(Values{"open"}) == Circuit{});
  CHECK(closed_circuit({}) == Circuit{});
}
