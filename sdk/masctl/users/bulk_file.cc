// Bulk files, by toml++.
#include "sdk/masctl/users/bulk_file.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <chrono>

#include "proto/base/ids.h"
#include "proto/wire/agent_entry.h"
#include "sdk/masctl/cli/times.h"

namespace mas::ctl {

namespace {

/// Says what was expected, and nothing when the value is right.
using FieldReader = std::string (*)(const toml::node& node, EnrolmentWish& wish);

std::string text_of(const toml::node& node) { return node.value<std::string>().value_or(""); }

std::string read_id(const toml::node& node, EnrolmentWish& wish) {
  wish.id = text_of(node);
  return check_agent_id(wish.id).ok() ? "" : "1-128 of [A-Za-z0-9._-], starting with a letter or digit";
}

std::string read_mode(const toml::node& node, EnrolmentWish& wish) {
  auto modes = parse_agent_modes(text_of(node));
  wish.modes = modes.value_or(wish.modes);
  return modes ? "" : "gateway, p2p or both";
}

std::string read_role(const toml::node& node, EnrolmentWish& wish) {
  auto role = parse_user_role(text_of(node));
  wish.role = role.value_or(wish.role);
  return role ? "" : "agent, gatewayd, registryd, healthd, admin, operator or auditor";
}

std::string read_discover(const toml::node& node, EnrolmentWish& wish) {
  wish.discover = node.value<bool>().value_or(wish.discover);
  return node.is_boolean() ? "" : "true or false";
}

std::string read_ttl(const toml::node& node, EnrolmentWish& wish) {
  auto period = parse_period(text_of(node));
  if (!period.ok()) return "a whole number with its unit, such as \"30d\"";
  wish.lifetime = std::chrono::duration_cast<std::chrono::seconds>(*period).count();
  return {};
}

std::string read_capabilities(const toml::node& node, EnrolmentWish& wish) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return "an array of capabilities";
  for (const auto& element : *array) {
    wish.capabilities.push_back(text_of(element));
    if (!check_capability(wish.capabilities.back()).ok()) return "an array of capabilities";
  }
  return {};
}

struct Field {
  std::string_view name;
  FieldReader read;
};

constexpr Field kFields[] = {{"id", read_id},     {"mode", read_mode},
                             {"role", read_role}, {"discover", read_discover},
                             {"ttl", read_ttl},   {"capabilities", read_capabilities}};

Error wrong(const std::string& file, const toml::source_region& at, const std::string& what) {
  return {Errc::kInvalidArgument, file + ":" + std::to_string(at.begin.line) + ": " + what};
}

Result<EnrolmentWish> read_wish(const toml::table& table, const std::string& file) {
  EnrolmentWish wish;
  for (const auto& [key, node] : table) {
    auto field = std::find_if(std::begin(kFields), std::end(kFields),
                              [name = key.str()](const Field& f) { return f.name == name; });
    if (field == std::end(kFields))
      return wrong(
          file, key.source(),
          "unknown field '" + printable(key.str()) + "'; expected id, mode, role, discover, ttl and capabilities");
    if (std::string expected = field->read(node, wish); !expected.empty())
      return wrong(file, node.source(), std::string(field->name) + ": expected " + expected);
  }
  if (wish.id.empty()) return wrong(file, table.source(), "id is missing");
  return wish;
}

}  // namespace

Result<std::vector<EnrolmentWish>> parse_bulk_file(std::string_view text, const std::string& file) {
  auto parsed = toml::parse(text);
  if (!parsed) return wrong(file, parsed.error().source(), std::string(parsed.error().description()));
  std::vector<EnrolmentWish> wishes;
  for (const auto& [key, node] : parsed.table()) {
    const toml::array* users = node.as_array();
    if (key.str() != "user" || users == nullptr) return wrong(file, key.source(), "expected only [[user]]");
    for (const auto& element : *users) {
      const toml::table* table = element.as_table();
      if (table == nullptr) return wrong(file, element.source(), "expected [[user]]");
      auto wish = read_wish(*table, file);
      if (!wish.ok()) return wish.error();
      bool twice = std::any_of(wishes.begin(), wishes.end(), [&](const EnrolmentWish& other) {
        return other.id == wish->id && other.role == wish->role;
      });
      if (twice) return wrong(file, table->source(), "id: '" + wish->id + "' stands here twice");
      wishes.push_back(std::move(*wish));
    }
  }
  return wishes;
}

}  // namespace mas::ctl
