// A table of the rules' file: typed access to its keys, with problems that name file and line. The one header that
// shows toml++; only the configuration's sources include it.
#pragma once

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/config.h"

namespace mas::dlp {

/// Where problems go.
class ConfigLog {
 public:
  ConfigLog(std::string file, ConfigProblems& problems) : file_(std::move(file)), problems_(problems) {}
  void add(size_t line, const std::string& text);
  bool any() const { return !problems_.empty(); }

 private:
  const std::string file_;
  ConfigProblems& problems_;
};

/// "; did you mean x?", or nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& names);

class ConfigTable {
 public:
  /// @param name of the table in problems, such as "dlp.rule".
  ConfigTable(const toml::table& table, std::string name, ConfigLog& log)
      : table_(table), name_(std::move(name)), log_(log) {}

  size_t line() const { return table_.source().begin.line; }
  size_t line_of(std::string_view key) const;
  const std::string& name() const { return name_; }
  const toml::table& raw() const { return table_; }

  /// Reports keys that are not among `known`.
  void expect(std::initializer_list<std::string_view> known) const;
  void problem(std::string_view key, const std::string& text) const;
  bool has(std::string_view key) const { return table_.contains(key); }

  // Each is empty where the key is missing, and where it is of another kind, which is reported.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  /// A text in a list; with the line that each stands in.
  struct Line {
    std::string text;
    size_t line;
  };
  std::vector<Line> texts(std::string_view key) const;
  std::optional<ConfigTable> table(std::string_view key) const;
  std::vector<ConfigTable> tables(std::string_view key) const;
  /// @param names what the text may be. @return its place among them.
  std::optional<size_t> choice(std::string_view key, std::vector<std::string> names) const;

 private:
  const toml::table& table_;
  std::string name_;
  ConfigLog& log_;
};

}  // namespace mas::dlp
