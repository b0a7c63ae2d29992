// Lists of tables, by toml++.
#include "daemons/common/option_rows.h"

#include <toml++/toml.h>

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"

namespace mas::common {
namespace {

constexpr size_t kMaxTextBytes = 1024 * 1024;  // as a configuration file
constexpr size_t kMaxValueBytes = 512;

Error wrong(size_t number, std::string_view what) {
  return Error{Errc::kInvalidArgument, "table " + std::to_string(number) + ": " + std::string(what)};
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string list_of(std::span<const std::string_view> keys) {
  std::string out;
  for (std::string_view key : keys) out.append(out.empty() ? "" : ", ").append(key);
  return out;
}

Result<OptionRow> row_of(const toml::table& table, size_t number, std::span<const std::string_view> keys) {
  OptionRow row;
  for (const auto& [key, value] : table) {
    if (std::find(keys.begin(), keys.end(), key.str()) == keys.end())
      return wrong(number, "unknown key " + printable(key.str()) + "; expected " + list_of(keys));
    const auto* text = value.as_string();
    if (text == nullptr || text->get().empty() || text->get().size() > kMaxValueBytes ||
        has_control_character(text->get()))
      return wrong(number, std::string(key.str()) + " is not a text of 1 to " + std::to_string(kMaxValueBytes) +
                               " bytes without control characters");
    row.emplace_back(std::string(key.str()), text->get());
  }
  std::sort(row.begin(), row.end());
  return row;
}

Result<OptionRows> rows_of_node(const toml::node& node, std::span<const std::string_view> keys) {
  const Error other{Errc::kInvalidArgument, "not a list of tables"};
  const auto* list = node.as_array();
  if (list == nullptr) return other;
  if (list->size() > kMaxOptionRows)
    return Error{Errc::kTooLarge, "more than " + std::to_string(kMaxOptionRows) + " tables"};
  OptionRows rows;
  for (const auto& one : *list) {
    if (!one.is_table()) return other;
    auto row = row_of(*one.as_table(), rows.size() + 1, keys);
    if (!row) return row.error();
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace

size_t bare_dots(std::string_view line) {
  size_t dots = 0;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      break;
    } else if (c == '.') {
      ++dots;
    }
  }
  return dots;
}

std::string rows_text(const OptionRows& rows) {
  std::string out = "[";
  for (size_t i = 0; i < rows.size(); ++i) {
    out += i == 0 ? "{" : ", {";
    for (size_t j = 0; j < rows[i].size(); ++j) {
      out.append(j == 0 ? "" : ", ").append(rows[i][j].first).append(" = ");
      append_json_string(out, rows[i][j].second);  // JSON's escapes are valid in TOML
    }
    out += "}";
  }
  return out + "]";
}

Result<OptionRows> rows_of_toml(std::string_view text, std::span<const std::string_view> keys) {
  const Error other{Errc::kInvalidArgument, "not a list of tables"};
  if (text.size() > kMaxTextBytes || text.find('\n') != std::string_view::npos || bare_dots(text) > 0) return other;
  try {
    const toml::table root = toml::parse("rows = " + std::string(text));
    const auto* node = root.get("rows");
    return node == nullptr || root.size() != 1 ? Result<OptionRows>(other) : rows_of_node(*node, keys);
  } catch (const toml::parse_error&) {
    return other;
  }
}

}  // namespace mas::common
