// The table of decisions.
#include "proto/base/decisions.h"

#include <array>

namespace mas {
namespace {

constexpr std::optional<Errc> kOk = std::nullopt;
using enum Errc;

struct Row {
  bool known = false;
  std::string_view text = "UNKNOWN";
  bool accepted = false;
  std::optional<Errc> errc = Errc::kInternal;
  std::string_view meaning;
};

// By value, so that a look-up is an index.
constexpr std::array<Row, 256> kRows = [] {
  std::array<Row, 256> rows{};
#define MAS_DECISION(name, value, text, accepted, errc, meaning) rows[value] = Row{true, text, accepted, errc, meaning};
#include "proto/base/decisions.def"
#undef MAS_DECISION
  return rows;
}();

const Row& row(Decision decision) { return kRows[static_cast<uint8_t>(decision)]; }

}  // namespace

std::string_view decision_text(Decision decision) { return row(decision).text; }
bool is_decision(uint8_t value) { return kRows[value].known; }
bool decision_accepted(Decision decision) { return row(decision).accepted; }
std::optional<Errc> decision_errc(Decision decision) { return row(decision).errc; }
std::string_view decision_meaning(Decision decision) { return row(decision).meaning; }

std::optional<Decision> parse_decision(std::string_view text) {
  for (size_t value = 0; value < kRows.size(); ++value)
    if (kRows[value].known && kRows[value].text == text) return static_cast<Decision>(value);
  return std::nullopt;
}

}  // namespace mas
