// Reading and writing numbers with units.
#include "daemons/common/option_units.h"

#include <charconv>
#include <iterator>

#include "proto/base/numbers.h"

namespace mas::common {
namespace {

struct TimeUnit {
  std::string_view name;
  int64_t nanoseconds;
};
constexpr TimeUnit kTimeUnits[] = {
    {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}};

struct SizeUnit {
  std::string_view name;
  uint64_t bytes;
};
constexpr SizeUnit kSizeUnits[] = {{"GiB", uint64_t{1} << 30}, {"MiB", uint64_t{1} << 20}, {"KiB", 1024}, {"B", 1}};

/// Takes the digits at the front of `text`. @return nullopt if there are none, or too many.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

}  // namespace

std::optional<int64_t> parse_integer(std::string_view text) { return parse_number<int64_t>(text); }

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  if (text.empty()) return std::nullopt;
  int64_t total = 0;
  int64_t last_unit = INT64_MAX;  // units stand from large to small, each once
  while (!text.empty()) {
    auto number = take_number(text);
    if (!number) return std::nullopt;
    auto name = text.substr(0, text.find_first_of("0123456789"));
    const auto* unit = std::begin(kTimeUnits);
    while (unit != std::end(kTimeUnits) && unit->name != name) ++unit;
    if (unit == std::end(kTimeUnits) || unit->nanoseconds >= last_unit) return std::nullopt;
    if (*number > static_cast<uint64_t>((INT64_MAX - total) / unit->nanoseconds)) return std::nullopt;
    total += static_cast<int64_t>(*number) * unit->nanoseconds;
    last_unit = unit->nanoseconds;
    text.remove_prefix(name.size());
  }
  return Duration(total);
}

std::string duration_text(Duration value) {
  int64_t rest = value.count();
  std::string out;
  for (const auto& unit : kTimeUnits) {
    if (rest < unit.nanoseconds) continue;
    out += std::to_string(rest / unit.nanoseconds);
    out += unit.name;
    rest %= unit.nanoseconds;
  }
  return out.empty() ? "0" : out;
}

std::optional<uint64_t> parse_size(std::string_view text) {
  auto number = take_number(text);
  if (!number) return std::nullopt;
  if (text.empty()) return number;
  for (const auto& unit : kSizeUnits)
    if (unit.name == text && *number <= UINT64_MAX / unit.bytes) return *number * unit.bytes;
  return std::nullopt;
}

std::string size_text(uint64_t value) {
  for (const auto& unit : kSizeUnits)
    if (value >= unit.bytes && value % unit.bytes == 0)
      return std::to_string(value / unit.bytes) + std::string(unit.name);
  return "0B";
}

std::string hide_password(std::string_view url) {
  // To the end: a password with an unescaped '&' is wrong, but must not be shown either.
  constexpr std::string_view kSecretOption = "sentinel_password=";
  if (auto option = url.find(kSecretOption); option != std::string_view::npos)
    return hide_password(url.substr(0, option)) + std::string(kSecretOption) + "***";
  auto scheme = url.find("://");
  size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
  // The last '@' anywhere: a password with an unescaped '/' or '@' is wrong, but must not be shown either.
  auto at = url.rfind('@');
  if (at == std::string_view::npos || at < start) return std::string(url);
  auto colon = url.find(':', start);
  if (colon == std::string_view::npos || colon > at) return std::string(url);
  return std::string(url.substr(0, colon + 1)) + "***" + std::string(url.substr(at));
}

}  // namespace mas::common
