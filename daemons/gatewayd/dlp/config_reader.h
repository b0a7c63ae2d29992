// From the parsed file to rules: what each table means, and what may stand in it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/config_table.h"

namespace mas::dlp {

class ConfigReader {
 public:
  /// @param rules the defaults; they are changed as the file says.
  ConfigReader(Rules& rules, ConfigLog& log) : rules_(rules), log_(log) {}

  /// Whatever is wrong goes to the log; the rules are of use only where nothing is.
  void read(const toml::table& root);

 private:
  void packs(const ConfigTable& dlp);
  void types(const ConfigTable& types);
  void rule(const ConfigTable& table);
  bool identify(const ConfigTable& table, CustomRule& rule);
  void take_words(const ConfigTable& table, std::string_view key, std::vector<std::string>& into) const;
  TypeRule type_of(const ConfigTable& table);
  void override_table(const ConfigTable& table);
  void allow(const ConfigTable& table);
  void compile(const ConfigTable& dlp);

  std::vector<std::string> type_names() const;
  /// All numbers of a type's name; a problem is reported where there are none.
  std::vector<uint16_t> numbers_of(std::string_view name, size_t line, const std::string& where) const;

  Rules& rules_;
  ConfigLog& log_;
  std::map<std::string, size_t> ids_;  // of rules: their lines
  std::vector<CustomRule> custom_;
  std::vector<AllowEntry> allowed_;
};

}  // namespace mas::dlp
