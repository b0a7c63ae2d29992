// Circuits as anybody may write them into Redis: a line per field, a missing line is a missing field. Reading ends;
// what was read is written so that it is read the same; and a breaker that learned it goes on deciding.
#include <array>

#include "daemons/gatewayd/breaker/breaker.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;
using namespace mas::gateway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = text_of(data, size);
  std::array<std::optional<std::string_view>, kCircuitFields.size()> values;
  for (auto& value : values)
    if (!text.empty()) value = take_line(text);
  auto circuit = parse_circuit(values);
  if (!circuit) {
    require(circuit.error().message.starts_with("circuit: "), "a refusal says what was refused");
    return 0;
  }
  auto written = circuit_values(*circuit);
  for (size_t i = 0; i < values.size(); ++i) values[i] = written[i];
  if (circuit->generation > 0) {
    auto again = parse_circuit(values);
    require(again.ok() && *again == *circuit, "a circuit survives being written");
  }

  const BreakerSettings settings;
  Breaker breaker;
  breaker.learn(*circuit, settings);
  uint64_t from = 0;
  require(!breaker.take_change(from), "learning is no change");
  for (WallMicros now : {WallMicros{0}, circuit->since, circuit->until, circuit->until + 1'000'000}) {
    Admission admission = breaker.admit(settings, now);
    bool forced = breaker.circuit().state == CircuitState::kForcedOpen;
    require(!forced || admission == Admission::kRefuse, "forced open refuses");
    require(breaker.circuit().state != CircuitState::kClosed || admission == Admission::kPass, "closed lets pass");
    breaker.failed(settings, now, 100);
    breaker.seen(true, settings, now);
    breaker.succeeded(settings, now, 100);
  }
  breaker.reset(1);
  require(breaker.admit(settings, 1) == Admission::kPass, "a reset closes it");
  return 0;
}
