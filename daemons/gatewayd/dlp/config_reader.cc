// The tables of the rules' file.
#include "daemons/gatewayd/dlp/config_reader.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/detect/values.h"
#include "proto/base/ids.h"
#include "proto/base/nearest.h"

namespace mas::dlp {
namespace {

constexpr size_t kMaxWords = 32;       // keywords or words of context of one rule
constexpr size_t kMaxValues = 10'000;  // of one entry of the allow-list
constexpr size_t kLongestName = 48;    // bytes of a rule's id and type
constexpr double kMaxEntropy = 8;
constexpr std::string_view kPacks[] = {"uk", "ca", "in", "de", "au", "fr", "es", "it", "nl", "pl", "br", "jp"};

template <size_t size>
std::vector<std::string> list(const std::string_view (&names)[size]) {
  return {std::begin(names), std::end(names)};
}

/// @return "uk, ca or in".
template <size_t size>
std::string spelled(const std::string_view (&names)[size]) {
  std::string all;
  for (size_t i = 0; i < size; ++i) all.append(i == 0 ? "" : i + 1 < size ? ", " : " or ").append(names[i]);
  return all;
}

bool is_snake_case(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && is_lower(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
}

bool is_rule_id(std::string_view id) {
  return !id.empty() && id.size() <= kLongestName && is_alnum(id[0]) &&
         std::all_of(id.begin(), id.end(), [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

}  // namespace

void ConfigReader::read(const toml::table& root) {
  ConfigTable file(root, "", log_);
  for (const auto& [key, node] : root)
    if (key.str() != "dlp" || !node.is_table())
      log_.add(key.source().begin.line, "expected only [dlp] and what is below it, not " + printable(key.str()));
  const toml::node* node = root.get("dlp");
  if (node == nullptr || !node->is_table()) return;
  ConfigTable dlp(*node->as_table(), "dlp", log_);
  dlp.expect({"packs", "types", "override", "rule", "allow"});
  packs(dlp);
  if (auto table = dlp.table("types")) types(*table);
  // Whatever their order in the file: overrides and allow-lists may name the types of rules.
  auto each = [&](std::string_view key, size_t most, void (ConfigReader::*take)(const ConfigTable&)) {
    auto tables = dlp.tables(key);
    if (tables.size() > most) return dlp.problem(key, "expected at most " + std::to_string(most));
    for (const auto& table : tables) (this->*take)(table);
  };
  each("rule", kMaxCustomRules, &ConfigReader::rule);
  each("override", kMaxOverrides, &ConfigReader::override_table);
  each("allow", kMaxAllowEntries, &ConfigReader::allow);
  if (!log_.any()) compile(dlp);
}

// ---- Types

std::vector<std::string> ConfigReader::type_names() const {
  std::vector<std::string> names;
  for (const TypeRule& type : rules_.types) names.push_back(type.name);
  return names;
}

std::vector<uint16_t> ConfigReader::numbers_of(std::string_view name, size_t line, const std::string& where) const {
  std::vector<uint16_t> numbers;
  for (size_t i = 0; i < rules_.types.size(); ++i)
    if (rules_.types[i].name == name) numbers.push_back(static_cast<uint16_t>(i));
  if (numbers.empty()) log_.add(line, where + ": unknown type " + printable(name) + did_you_mean(name, type_names()));
  return numbers;
}

/// A pack's types are off by default; it redacts them.
void ConfigReader::packs(const ConfigTable& dlp) {
  for (const auto& [pack, line] : dlp.texts("packs")) {
    if (std::find(std::begin(kPacks), std::end(kPacks), pack) == std::end(kPacks)) {
      log_.add(line, "dlp.packs: unknown pack " + printable(pack) + "; expected " + spelled(kPacks));
      continue;
    }
    for (TypeRule& type : rules_.types)
      if (type.name.starts_with(pack + "_")) type.action = Action::kRedact;
  }
}

void ConfigReader::types(const ConfigTable& types) {
  for (const auto& [key, node] : types.raw()) {
    std::string name(key.str());
    auto numbers = numbers_of(name, key.source().begin.line, types.name());
    if (numbers.empty()) continue;
    TypeRule& type = rules_.types[numbers[0]];
    if (node.is_string()) {  // ssn = "block"
      if (auto action = types.choice(name, list(kActionNames))) type.action = static_cast<Action>(*action);
    } else if (auto table = types.table(name)) {
      table->expect({"action", "severity"});
      if (auto action = table->choice("action", list(kActionNames))) type.action = static_cast<Action>(*action);
      if (auto severity = table->choice("severity", list(kSeverityNames)))
        type.severity = static_cast<Severity>(*severity);
    }
  }
}

// ---- Overrides

void ConfigReader::override_table(const ConfigTable& table) {
  table.expect({"sender", "target", "types"});
  Override made;
  for (auto [key, into] : {std::pair("sender", &made.sender), std::pair("target", &made.target)}) {
    auto text = table.text(key);
    if (!text) continue;
    auto pattern = AgentPattern::parse(*text);
    if (!pattern) {
      table.problem(key, pattern.error().message);
      continue;
    }
    *into = std::move(*pattern);
  }
  if (!table.has("sender") && !table.has("target"))
    log_.add(table.line(), "dlp.override: expected sender, target or both");
  auto types = table.table("types");
  if (!types || types->raw().empty())
    return log_.add(table.line(), "dlp.override: expected types = { TYPE = \"ACTION\" }");
  for (const auto& [key, node] : types->raw()) {
    auto action = types->choice(key.str(), list(kActionNames));
    for (uint16_t number : numbers_of(key.str(), key.source().begin.line, types->name()))
      if (action) made.actions.emplace_back(number, static_cast<Action>(*action));
  }
  for (const Override& other : rules_.overrides)
    if (other.sender == made.sender && other.target == made.target)
      return log_.add(table.line(),
                      "dlp.override: there is one for this sender and target already; expected them in one");
  rules_.overrides.push_back(std::move(made));
}

// ---- Rules

bool ConfigReader::identify(const ConfigTable& table, CustomRule& rule) {
  auto id = table.text("id");
  if (!id) return table.has("id") ? false : (log_.add(table.line(), "dlp.rule: expected an id"), false);
  if (!is_rule_id(*id))
    return table.problem("id", "expected 1-48 of [A-Za-z0-9._-], starting with a letter or digit"), false;
  auto [known, fresh] = ids_.emplace(*id, table.line_of("id"));
  if (!fresh)
    return table.problem("id", *id + " is the rule in line " + std::to_string(known->second) + ", too"), false;
  rule.id = std::move(*id);
  return true;
}

void ConfigReader::take_words(const ConfigTable& table, std::string_view key, std::vector<std::string>& into) const {
  for (auto& [word, line] : table.texts(key)) {
    if (word.empty() || word.size() > CustomRule::kLongestWord || into.size() == kMaxWords) {
      log_.add(line, table.name() + "." + std::string(key) + ": expected at most " + std::to_string(kMaxWords) +
                         " words of 1-" + std::to_string(CustomRule::kLongestWord) + " bytes");
      return;
    }
    std::transform(word.begin(), word.end(), word.begin(), to_lower);
    into.push_back(std::move(word));
  }
}

/// A rule for a built-in type does what is done for that, unless it says otherwise.
TypeRule ConfigReader::type_of(const ConfigTable& table) {
  TypeRule type;
  if (auto name = table.text("type")) {
    auto known = std::find_if(rules_.types.begin(), rules_.types.begin() + kBuiltinTypes,
                              [&](const TypeRule& one) { return one.name == *name; });
    bool builtin = known != rules_.types.begin() + kBuiltinTypes;
    if (builtin)
      type = *known;
    else if (!is_snake_case(*name))
      table.problem("type", "expected a type of the table or a new name in snake_case");
    if (builtin && type.action == Action::kOff && !table.has("action"))
      table.problem("type", "type " + *name + " is off; expected an action for this rule");
    type.name = *name;
  } else if (!table.has("type")) {
    log_.add(table.line(), "dlp.rule: expected a type");
  }
  if (auto action = table.choice("action", list(kActionNames))) type.action = static_cast<Action>(*action);
  if (auto severity = table.choice("severity", list(kSeverityNames))) type.severity = static_cast<Severity>(*severity);
  if (auto mask = table.choice("mask", list(kMaskNames))) type.mask = static_cast<Mask>(*mask);
  return type;
}

void ConfigReader::rule(const ConfigTable& table) {
  table.expect(
      {"id", "type", "pattern", "keywords", "context", "validator", "min_entropy", "action", "severity", "mask"});
  CustomRule rule;
  identify(table, rule);
  TypeRule type = type_of(table);
  if (auto pattern = table.text("pattern")) {
    if (auto status = PatternSet::check(*pattern); !status) table.problem("pattern", status.error().message);
    rule.pattern = std::move(*pattern);
  } else if (!table.has("pattern")) {
    log_.add(table.line(), "dlp.rule: expected a pattern");
  }
  take_words(table, "keywords", rule.keywords);
  take_words(table, "context", rule.context);
  std::vector<std::string> names;
  for (const Validator& validator : validators()) names.emplace_back(validator.name);
  if (auto validator = table.choice("validator", names)) rule.validator = &validators()[*validator];
  if (auto entropy = table.number("min_entropy")) {
    if (*entropy <= 0 || *entropy > kMaxEntropy)
      table.problem("min_entropy", "expected bits per byte, above 0 and at most 8");
    rule.min_entropy = *entropy;
  }
  rule.type = static_cast<uint16_t>(rules_.types.size());
  rules_.types.push_back(std::move(type));
  custom_.push_back(std::move(rule));
}

// ---- Allow-list

void ConfigReader::allow(const ConfigTable& table) {
  table.expect({"type", "values", "hashed", "pattern", "path", "agent"});
  AllowEntry entry;
  if (auto type = table.text("type")) entry.types = numbers_of(*type, table.line_of("type"), table.name() + ".type");
  for (auto& [value, line] : table.texts("values")) {
    if (value.empty()) log_.add(line, "dlp.allow.values: expected texts that are not empty");
    entry.values.push_back(std::move(value));
  }
  for (const auto& [hash, line] : table.texts("hashed")) {
    auto digest = digest_from_hex(hash);
    if (!digest)
      log_.add(line, "dlp.allow.hashed: expected the SHA-256 of a value: 64 hexadecimal digits");
    else
      entry.hashed.push_back(*digest);
  }
  if (entry.values.size() + entry.hashed.size() > kMaxValues)
    log_.add(table.line(), "dlp.allow: expected at most " + std::to_string(kMaxValues) + " values");
  if (auto pattern = table.text("pattern")) {
    auto status = PatternSet::check(*pattern);
    // Some patterns compile alone but not between anchors.
    if (status) status = PatternSet::check(AllowList::anchored(*pattern));
    if (!status) table.problem("pattern", status.error().message);
    entry.pattern = std::move(*pattern);
  }
  if (auto text = table.text("path")) {
    auto path = PathPattern::parse(*text);
    if (path)
      entry.path = std::move(*path);
    else
      table.problem("path", path.error().message);
  }
  if (auto text = table.text("agent")) {
    auto agent = AgentPattern::parse(*text);
    if (agent)
      entry.agent = std::move(*agent);
    else
      table.problem("agent", agent.error().message);
  }
  bool any =
      table.has("values") || table.has("hashed") || table.has("pattern") || table.has("path") || table.has("agent");
  if (!any) log_.add(table.line(), "dlp.allow: expected values, hashed, pattern, path or agent");
  allowed_.push_back(std::move(entry));
}

// ---- All of it

void ConfigReader::compile(const ConfigTable& dlp) {
  if (!custom_.empty()) {
    auto custom = CustomRules::make(std::move(custom_));
    if (!custom) return dlp.problem("rule", custom.error().message);
    rules_.custom = std::make_shared<const CustomRules>(std::move(*custom));
  }
  if (!allowed_.empty()) {
    auto allow = AllowList::make(std::move(allowed_));
    if (!allow) return dlp.problem("allow", allow.error().message);
    rules_.allow = std::make_shared<const AllowList>(std::move(*allow));
  }
  sort_overrides(rules_.overrides);
  // What is off for all but some must be looked for.
  for (size_t i = 0; i < kBuiltinTypes; ++i) rules_.enabled[i] = rules_.types[i].action != Action::kOff;
  for (const Override& one : rules_.overrides)
    for (auto [type, action] : one.actions)
      if (type < kBuiltinTypes && action != Action::kOff) rules_.enabled[type] = true;
}

}  // namespace mas::dlp
