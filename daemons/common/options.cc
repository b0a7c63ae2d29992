// Option values: their text, their checks, the table they stand in.
#include "daemons/common/options.h"

#include "daemons/common/option_units.h"
#include "proto/base/ids.h"

namespace mas::common {
namespace {

template <typename T>
T& as(const Option& option) {
  return **std::get_if<T*>(&option.field);
}

Error wrong(const Option& option, std::string_view value) {
  bool hide = option.type == OptionType::kSecret || option.type == OptionType::kUrl;
  return Error{Errc::kInvalidArgument,
               (hide ? std::string("the value") : "'" + printable(value) + "'") + " is not " + option.expectation()};
}

bool has_control_character(std::string_view text) {
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  return false;
}

template <typename Range, typename Value>
bool inside(const Option& option, const Value& value) {
  const auto* range = std::get_if<Range>(&option.range);
  return range == nullptr || (value >= range->min && value <= range->max);
}

bool set_choice(Option& option, std::string_view value) {
  for (size_t i = 0; i < option.choices.size(); ++i) {
    if (option.choices[i] != value) continue;
    as<uint8_t>(option) = static_cast<uint8_t>(i);
    return true;
  }
  return false;
}

/// Stores a parsed value that is there and inside the option's range.
template <typename Range, typename Value>
bool store(Option& option, const std::optional<Value>& value) {
  if (!value || !inside<Range>(option, *value)) return false;
  as<Value>(option) = *value;
  return true;
}

bool set_flag(Option& option, std::string_view value) {
  if (value != "true" && value != "false") return false;
  as<bool>(option) = value == "true";
  return true;
}

bool set_text(Option& option, std::string_view value) {
  if (value.size() > kMaxOptionTextBytes || has_control_character(value)) return false;
  as<std::string>(option) = value;
  return true;
}

bool set_tables(Option& option, std::string_view value) {
  auto rows = rows_of_toml(value, option.choices);
  if (rows) as<OptionRows>(option) = std::move(*rows);
  return rows.ok();
}

bool set_by_type(Option& option, std::string_view value) {
  switch (option.type) {
    case OptionType::kBool:
      return set_flag(option, value);
    case OptionType::kInteger:
      return store<IntegerRange>(option, parse_integer(value));
    case OptionType::kSize:
      return store<SizeRange>(option, parse_size(value));
    case OptionType::kDuration:
      return store<DurationRange>(option, parse_duration(value));
    case OptionType::kChoice:
      return set_choice(option, value);
    case OptionType::kTables:
      return set_tables(option, value);
    case OptionType::kText:
    case OptionType::kUrl:
    case OptionType::kSecret:
      return set_text(option, value);
  }
  return false;
}

}  // namespace

std::string Option::name() const { return std::string(section) + "." + std::string(key); }

std::string Option::text() const {
  switch (type) {
    case OptionType::kBool:
      return as<bool>(*this) ? "true" : "false";
    case OptionType::kInteger:
      return std::to_string(as<int64_t>(*this));
    case OptionType::kSize:
      return size_text(as<uint64_t>(*this));
    case OptionType::kDuration:
      return duration_text(as<Duration>(*this));
    case OptionType::kChoice:
      return std::string(choices[as<uint8_t>(*this)]);
    case OptionType::kTables:
      return rows_text(as<OptionRows>(*this));
    case OptionType::kText:
    case OptionType::kUrl:
    case OptionType::kSecret:
      return as<std::string>(*this);
  }
  return {};
}

std::string Option::shown() const {
  std::string value = text();
  if (type == OptionType::kSecret && !value.empty()) return "***";
  return type == OptionType::kUrl ? hide_password(value) : value;
}

Status Option::set(std::string_view value) {
  if (type == OptionType::kTables)
    if (auto rows = rows_of_toml(value, choices); !rows) return rows.error();
  if (!set_by_type(*this, value)) return wrong(*this, value);
  return {};
}

std::string Option::expectation() const {
  switch (type) {
    case OptionType::kBool:
      return "a boolean, true or false";
    case OptionType::kInteger: {
      const auto* r = std::get_if<IntegerRange>(&range);
      return "a whole number from " + std::to_string(r->min) + " to " + std::to_string(r->max);
    }
    case OptionType::kSize: {
      const auto* r = std::get_if<SizeRange>(&range);
      return "a size from " + size_text(r->min) + " to " + size_text(r->max);
    }
    case OptionType::kDuration: {
      const auto* r = std::get_if<DurationRange>(&range);
      return "a duration from " + duration_text(r->min) + " to " + duration_text(r->max);
    }
    case OptionType::kTables: {
      std::string out = "a list of tables with the keys";
      for (size_t i = 0; i < choices.size(); ++i) out += (i == 0 ? " " : ", ") + std::string(choices[i]);
      return out;
    }
    case OptionType::kChoice: {
      std::string out = "one of";
      for (size_t i = 0; i < choices.size(); ++i) out += (i == 0 ? " " : ", ") + std::string(choices[i]);
      return out;
    }
    case OptionType::kText:
    case OptionType::kUrl:
    case OptionType::kSecret:
      return "a text of at most " + std::to_string(kMaxOptionTextBytes) + " bytes without control characters";
  }
  return {};
}

bool Option::quoted() const {
  return type != OptionType::kBool && type != OptionType::kInteger && type != OptionType::kTables;
}

void OptionTable::section(std::string_view name, std::string_view help) { sections_.push_back({name, help}); }

void OptionTable::add(Option option) {
  option.section = sections_.back().name;
  option.default_text = option.text();
  options_.push_back(std::move(option));
}

void OptionTable::flag(std::string_view key, bool& field, Apply apply, std::string_view help) {
  add({.section = {}, .key = key, .help = help, .type = OptionType::kBool, .apply = apply, .field = &field});
}

void OptionTable::integer(std::string_view key, int64_t& field, IntegerRange range, Apply apply,
                          std::string_view help) {
  add({.section = {},
       .key = key,
       .help = help,
       .type = OptionType::kInteger,
       .apply = apply,
       .field = &field,
       .range = range});
}

void OptionTable::size(std::string_view key, uint64_t& field, SizeRange range, Apply apply, std::string_view help) {
  add({.section = {},
       .key = key,
       .help = help,
       .type = OptionType::kSize,
       .apply = apply,
       .field = &field,
       .range = range});
}

void OptionTable::duration(std::string_view key, Duration& field, DurationRange range, Apply apply,
                           std::string_view help) {
  add({.section = {},
       .key = key,
       .help = help,
       .type = OptionType::kDuration,
       .apply = apply,
       .field = &field,
       .range = range});
}

void OptionTable::tables(std::string_view key, OptionRows& field, std::span<const std::string_view> keys, Apply apply,
                         std::string_view help) {
  add({.section = {},
       .key = key,
       .help = help,
       .type = OptionType::kTables,
       .apply = apply,
       .field = &field,
       .choices = keys});
}

void OptionTable::text(std::string_view key, std::string& field, Apply apply, std::string_view help) {
  add({.section = {}, .key = key, .help = help, .type = OptionType::kText, .apply = apply, .field = &field});
}

void OptionTable::url(std::string_view key, std::string& field, Apply apply, std::string_view help) {
  add({.section = {}, .key = key, .help = help, .type = OptionType::kUrl, .apply = apply, .field = &field});
}

void OptionTable::secret(std::string_view key, std::string& field, Apply apply, std::string_view help) {
  add({.section = {}, .key = key, .help = help, .type = OptionType::kSecret, .apply = apply, .field = &field});
}

Option* OptionTable::find(std::string_view section, std::string_view key) {
  for (auto& option : options_)
    if (option.section == section && option.key == key) return &option;
  return nullptr;
}

}  // namespace mas::common
