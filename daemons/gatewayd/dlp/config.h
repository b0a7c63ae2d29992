// DLP's own configuration file: actions and severities by type, overrides, rules, allow-lists (docs/DLP.md).
//
//   [dlp]            packs = ["uk"]
//   [dlp.types]      email = "redact"        phone = { action = "alert", severity = "high" }
//   [[dlp.override]] sender = "billing-*"    target = "bank"       types = { iban = "off" }
//   [[dlp.rule]]     id, type, pattern, keywords, context, validator, min_entropy, action, severity, mask
//   [[dlp.allow]]    values, hashed, pattern, path, agent, type
//
// Happy path: load_rules() at the start and at every reload. What it returns never changes: a reload makes new rules,
// and scanners are made anew from them; those at work keep theirs.
// Failure: nothing is returned, and every problem is listed, each with file, line and what was expected, and never with
// a text of the file that may be a secret (values of allow-lists). No exception leaves it.
// Threading: any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/rules.h"

namespace mas::dlp {

inline constexpr size_t kMaxConfigBytes = 1024 * 1024;
inline constexpr size_t kMaxConfigProblems = 20;
inline constexpr size_t kMaxCustomRules = 256;
inline constexpr size_t kMaxOverrides = 256;
inline constexpr size_t kMaxAllowEntries = 1024;

using ConfigProblems = std::vector<std::string>;

/// @param file its name in problems. @return nullptr where there are problems.
std::shared_ptr<const Rules> parse_rules(std::string_view text, const std::string& file, ConfigProblems& problems);

/// Reads a file. @param path empty: the defaults.
std::shared_ptr<const Rules> load_rules(const std::string& path, ConfigProblems& problems);

}  // namespace mas::dlp
