// Overlays of the option table: TOML by toml++, the environment, the nearest name for a misspelt one.
#include "daemons/common/option_sources.h"

#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "proto/base/byte_order_mark.h"
#include "proto/base/ids.h"
#include "proto/base/nearest.h"

namespace mas::common {
namespace {

void report(Problems& problems, std::string text) {
  if (problems.size() + 1 == kMaxProblems) text = "… more problems are not shown";
  if (problems.size() < kMaxProblems) problems.push_back(std::move(text));
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  std::string near = nearest(name, names);
  return near.empty() ? "" : "; did you mean " + near + "?";
}

/// toml++ descends once per part of a dotted key, as deep as the file is long: a key of some thousand parts would
/// overflow the stack. @return the number of the first line with such a key, or 0.
size_t line_with_deep_key(std::string_view document) {
  constexpr size_t kMaxDots = 16;
  for (size_t number = 1; !document.empty(); ++number) {
    auto line = document.substr(0, document.find('\n'));
    if (bare_dots(line) > kMaxDots) return number;
    document.remove_prefix(std::min(document.size(), line.size() + 1));
  }
  return 0;
}

/// What Kubernetes puts into the environment of a pod for each service of its namespace ("service links"): for one that
/// is named like a daemon, `MAS_GATEWAYD_SERVICE_HOST`, `MAS_GATEWAYD_PORT=tcp://10.0.0.1:80`,
/// `MAS_GATEWAYD_PORT_80_TCP_ADDR`.
bool is_service_link(std::string_view name, std::string_view value) {
  auto ends = [name](std::string_view end) { return name.ends_with(end); };
  const bool address = value.find("://") != std::string_view::npos;
  if (ends("_SERVICE_HOST") || ends("_SERVICE_PORT") || name.find("_SERVICE_PORT_") != std::string_view::npos)
    return true;
  if (ends("_PORT") && address) return true;
  for (std::string_view protocol : {"_TCP", "_UDP", "_SCTP"}) {
    const auto at = name.rfind(protocol);
    if (at == std::string_view::npos || at == 0) continue;
    const auto digits = name.find_last_not_of("0123456789", at - 1);
    const bool port =
        digits != std::string_view::npos && digits + 1 < at && name.substr(0, digits + 1).ends_with("_PORT_");
    const auto rest = name.substr(at + protocol.size());
    if (port && (rest == "_PROTO" || rest == "_PORT" || rest == "_ADDR" || (rest.empty() && address))) return true;
  }
  return false;
}

/// Walks a parsed document and sets what the table knows.
class TomlReader {
 public:
  TomlReader(OptionTable& table, std::string_view file, Problems& problems)
      : table_(table), file_(file), problems_(problems) {}

  void read(const toml::table& document) {
    for (const auto& [key, node] : document) read_section(key.str(), key.source().begin, node);
  }

 private:
  std::string place(const toml::source_position& at) const {
    return file_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  }

  void problem(const toml::source_position& at, const std::string& text) { report(problems_, place(at) + ": " + text); }

  void read_section(std::string_view name, const toml::source_position& at, const toml::node& node) {
    std::vector<std::string> names;
    for (const auto& section : table_.sections()) names.emplace_back(section.name);
    if (std::find(names.begin(), names.end(), name) == names.end())
      return problem(at, (node.is_table() ? "unknown section [" : "unknown key [") + printable(name) + "]" +
                             did_you_mean(name, names));
    if (!node.is_table()) return problem(at, "[" + std::string(name) + "] is a section, not a value");
    for (const auto& [key, value] : *node.as_table()) read_key(name, key.str(), key.source().begin, value);
  }

  void read_key(std::string_view section, std::string_view key, const toml::source_position& at,
                const toml::node& node) {
    Option* option = table_.find(section, key);
    if (option == nullptr) {
      std::string name = std::string(section) + "." + printable(key);
      for (const auto& renamed : table_.renamed())
        if (renamed.section == section && renamed.former == key)
          return problem(at, name + " is now " + std::string(section) + "." + std::string(renamed.key));
      return problem(at, "unknown key " + name + did_you_mean(name, names_in(section)));
    }
    auto text = text_of(*option, node);
    const auto& where = node.source().begin;
    if (!text)
      return problem(where, option->name() + " is a " + type_name(node) + ", expected " + option->expectation());
    if (auto status = option->set(*text); !status)
      return problem(where, option->name() + ": " + status.error().message);
    option->source = file_ + ":" + std::to_string(where.line);
  }

  std::vector<std::string> names_in(std::string_view section) const {
    std::vector<std::string> names;
    for (const auto& option : table_.options())
      if (option.section == section) names.push_back(option.name());
    return names;
  }

  /// @return the value as Option::set takes it; nullopt when the TOML type does not fit the option's.
  static std::optional<std::string> text_of(const Option& option, const toml::node& node) {
    if (const auto* text = node.as_string(); text != nullptr && option.quoted()) return text->get();
    if (const auto* flag = node.as_boolean(); flag != nullptr && option.type == OptionType::kBool)
      return flag->get() ? "true" : "false";
    if (const auto* list = node.as_array(); list != nullptr && option.type == OptionType::kTables)
      return tables_text(*list);
    bool number = option.type == OptionType::kInteger || option.type == OptionType::kSize;
    if (const auto* integer = node.as_integer(); integer != nullptr && number) return std::to_string(integer->get());
    return std::nullopt;
  }

  /// @return nullopt where something in it is neither table nor text.
  static std::optional<std::string> tables_text(const toml::array& list) {
    OptionRows rows;
    for (const auto& one : list) {
      if (!one.is_table() || rows.size() > kMaxOptionRows) return std::nullopt;
      OptionRow& row = rows.emplace_back();
      for (const auto& [key, value] : *one.as_table()) {
        if (!value.is_string()) return std::nullopt;
        row.emplace_back(std::string(key.str()), value.as_string()->get());
      }
    }
    return rows_text(rows);
  }

  static std::string type_name(const toml::node& node) {
    switch (node.type()) {
      case toml::node_type::table:
        return "table";
      case toml::node_type::array:
        return "list";
      case toml::node_type::string:
        return "text";
      case toml::node_type::integer:
        return "whole number";
      case toml::node_type::floating_point:
        return "fraction";
      case toml::node_type::boolean:
        return "boolean";
      default:
        return "date or time";
    }
  }

  OptionTable& table_;
  std::string file_;
  Problems& problems_;
};

/// @return the present name of a variable whose option was renamed, or "".
std::string new_variable(const OptionTable& table, const std::string& prefix, std::string_view name) {
  for (const auto& renamed : table.renamed()) {
    const std::string section = prefix + upper(renamed.section) + "_";
    if (name == section + upper(renamed.former)) return section + upper(renamed.key);
  }
  return {};
}

void apply_shared_variable(OptionTable& table, const Environment& environment, std::string_view variable,
                           std::string_view section, std::string_view key, Problems& problems) {
  for (const auto& [name, value] : environment) {
    Option* option = table.find(section, key);
    if (name != variable || option == nullptr) continue;
    if (auto status = option->set(value); !status) report(problems, name + ": " + status.error().message);
    option->source = name;
  }
}

}  // namespace

void apply_toml(OptionTable& table, std::string_view document, std::string_view file, Problems& problems) {
  if (document.size() > kMaxConfigBytes) return report(problems, std::string(file) + ": more than 1 MiB");
  if (size_t line = line_with_deep_key(document); line != 0)
    return report(problems, std::string(file) + ":" + std::to_string(line) + ":1: a key has too many parts");
  document = without_byte_order_mark(document);
  // toml++ reports by exception as Debian builds it; this is the only place that parses.
  try {
    toml::table root = toml::parse(document);
    TomlReader(table, file, problems).read(root);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    report(problems, std::string(file) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " +
                         printable(error.description(), 200));
  }
}

std::string environment_name(std::string_view daemon, const Option& option) {
  return "MAS_" + upper(daemon) + "_" + upper(option.section) + "_" + upper(option.key);
}

void apply_environment(OptionTable& table, std::string_view daemon, const Environment& environment, Problems& problems,
                       std::vector<std::string>& ret_ignored) {
  ret_ignored.clear();
  std::string prefix = "MAS_" + upper(daemon) + "_";
  std::vector<std::string> names;
  for (const auto& option : table.options()) names.push_back(environment_name(daemon, option));
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(prefix)) continue;
    auto known = std::find(names.begin(), names.end(), name);
    if (known == names.end()) {
      if (is_service_link(name, value))
        ret_ignored.push_back(printable(name));
      else if (std::string now = new_variable(table, prefix, name); !now.empty())
        report(problems, "environment variable " + name + " is now " + now);
      else
        report(problems, "environment variable " + printable(name) + " is unknown" + did_you_mean(name, names));
      continue;
    }
    Option& option = table.options()[static_cast<size_t>(known - names.begin())];
    if (auto status = option.set(value); !status) report(problems, name + ": " + status.error().message);
    option.source = name;
  }
  apply_shared_variable(table, environment, "MAS_REDIS_URL", "redis", "url", problems);
  apply_shared_variable(table, environment, "MAS_NAMESPACE", "redis", "namespace", problems);
}

Environment process_environment() {
  Environment out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    auto equals = text.find('=');
    if (text.starts_with("MAS_") && equals != std::string_view::npos)
      out.emplace_back(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
  return out;
}

}  // namespace mas::common
