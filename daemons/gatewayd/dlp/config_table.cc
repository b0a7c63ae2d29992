// Typed access to TOML.
#include "daemons/gatewayd/dlp/config_table.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/base/nearest.h"

namespace mas::dlp {

void ConfigLog::add(size_t line, const std::string& text) {
  if (problems_.size() >= kMaxConfigProblems) return;
  bool last = problems_.size() + 1 == kMaxConfigProblems;
  problems_.push_back(last ? "… more problems are not shown" : file_ + ":" + std::to_string(line) + ": " + text);
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  std::string near = nearest(name, names);
  return near.empty() ? "" : "; did you mean " + near + "?";
}

size_t ConfigTable::line_of(std::string_view key) const {
  const toml::node* node = table_.get(key);
  return node == nullptr || node->source().begin.line == 0 ? line() : node->source().begin.line;
}

void ConfigTable::expect(std::initializer_list<std::string_view> known) const {
  std::vector<std::string> names(known.begin(), known.end());
  for (const auto& [key, node] : table_)
    if (std::find(names.begin(), names.end(), key.str()) == names.end())
      log_.add(key.source().begin.line,
               "unknown key " + name_ + "." + printable(key.str()) + did_you_mean(key.str(), names));
}

void ConfigTable::problem(std::string_view key, const std::string& text) const {
  log_.add(line_of(key), name_ + "." + std::string(key) + ": " + text);
}

std::optional<std::string> ConfigTable::text(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* text = node->as_string(); text != nullptr) return text->get();
  problem(key, "expected a text in quotes");
  return std::nullopt;
}

std::optional<double> ConfigTable::number(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* whole = node->as_integer(); whole != nullptr) return static_cast<double>(whole->get());
  if (const auto* fraction = node->as_floating_point(); fraction != nullptr) return fraction->get();
  problem(key, "expected a number");
  return std::nullopt;
}

std::vector<ConfigTable::Line> ConfigTable::texts(std::string_view key) const {
  std::vector<Line> found;
  const toml::node* node = table_.get(key);
  if (node == nullptr) return found;
  const auto* list = node->as_array();
  if (list == nullptr) {
    problem(key, "expected a list of texts in quotes");
    return found;
  }
  for (const auto& element : *list) {
    if (const auto* text = element.as_string(); text != nullptr)
      found.push_back({text->get(), element.source().begin.line});
    else
      log_.add(element.source().begin.line, name_ + "." + std::string(key) + ": expected a list of texts in quotes");
  }
  if (list->empty()) problem(key, "expected a list of at least one text");
  return found;
}

std::optional<ConfigTable> ConfigTable::table(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* table = node->as_table(); table != nullptr)
    return ConfigTable(*table, name_ + "." + std::string(key), log_);
  problem(key, "expected a table");
  return std::nullopt;
}

std::vector<ConfigTable> ConfigTable::tables(std::string_view key) const {
  std::vector<ConfigTable> found;
  const toml::node* node = table_.get(key);
  if (node == nullptr) return found;
  const auto* list = node->as_array();
  std::string name = name_ + "." + std::string(key);
  if (list == nullptr) {
    log_.add(line_of(key), name + ": expected tables with the heading [[" + name + "]]");
    return found;
  }
  for (const auto& element : *list) {
    if (const auto* table = element.as_table(); table != nullptr)
      found.emplace_back(*table, name, log_);
    else
      log_.add(element.source().begin.line, name + ": expected tables with the heading [[" + name + "]]");
  }
  return found;
}

std::optional<size_t> ConfigTable::choice(std::string_view key, std::vector<std::string> names) const {
  auto value = text(key);
  if (!value) return std::nullopt;
  auto found = std::find(names.begin(), names.end(), *value);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  problem(key, "'" + printable(*value) + "' is not one of " + all + did_you_mean(*value, names));
  return std::nullopt;
}

}  // namespace mas::dlp
