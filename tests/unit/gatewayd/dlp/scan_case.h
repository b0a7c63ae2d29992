// A scanner with the default rules, and what it finds as short texts.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemons/gatewayd/dlp/rewrite.h"
#include "daemons/gatewayd/dlp/scanner.h"
#include "proto/wire/json.h"
#include "tests/unit/catch.h"

namespace mas::dlp::test {

/// The rules of the table, with the types named switched on, too.
inline std::shared_ptr<const Rules> rules_with(std::initializer_list<Type> on) {
  auto standard = Rules::standard();
  REQUIRE(standard.ok());
  auto rules = std::make_shared<Rules>(**standard);
  for (Type type : on) {
    rules->enabled[static_cast<size_t>(type)] = true;
    rules->types[static_cast<size_t>(type)].action = Action::kRedact;
  }
  return rules;
}

class ScanCase {
 public:
  explicit ScanCase(std::initializer_list<Type> on = {}) : ScanCase(rules_with(on)) {}
  explicit ScanCase(std::shared_ptr<const Rules> rules) {
    auto made = Scanner::make(std::move(rules));
    REQUIRE(made.ok());
    scanner = std::move(*made);
  }

  /// Scans JSON as JSON, anything else as text. @return the types found that act.
  std::set<std::string> types(std::string_view message) {
    scan(message);
    std::set<std::string> names;
    for (const Finding& finding : scanner->report().findings)
      if (finding.acts) names.insert(scanner->rules().types[finding.type].name);
    return names;
  }

  /// The message with everything masked that is to be masked.
  std::string rewritten(std::string_view message, const DataKey* key = nullptr) {
    scan(message);
    std::string out;
    append_rewritten(*scanner, message, key, out);
    return out;
  }

  void scan(std::string_view message) {
    size_t first = message.find_first_not_of(' ');
    bool json = first != std::string_view::npos &&
                std::string_view("{[\"").find(message[first]) != std::string_view::npos &&
                JsonReader::local().check_value(message).ok();
    REQUIRE((json ? scanner->scan_json(message) : scanner->scan_text(message)).ok());
  }

  std::unique_ptr<Scanner> scanner;
};

/// Scans each message with the default rules. @param types what is found in every one of them, and acts.
inline void check_types(const std::vector<std::string>& messages, const std::set<std::string>& types) {
  ScanCase at;
  for (const std::string& message : messages) {
    INFO(message);
    CHECK(at.types(message) == types);
  }
}

}  // namespace mas::dlp::test
