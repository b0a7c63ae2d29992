// The option table as TOML and Markdown.
#include "daemons/common/option_docs.h"

#include <cctype>

#include "daemons/common/option_sources.h"
#include "proto/base/json_writer.h"

namespace mas::common {
namespace {

/// A TOML basic string. JSON's escapes are valid in TOML.
std::string toml_value(const Option& option, const std::string& text) {
  if (!option.quoted()) return text;
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string applies(const Option& option) {
  return option.apply == Apply::kReload ? "takes effect at reload" : "takes effect at start";
}

/// Appends `text` as comment lines of at most 100 columns.
void append_comment(std::string& out, std::string_view text) {
  constexpr size_t kWidth = 98;
  while (!text.empty()) {
    size_t end = text.size();
    if (end > kWidth) {
      end = text.rfind(' ', kWidth);
      if (end == std::string_view::npos || end == 0) end = text.size();
    }
    out += "# ";
    out += text.substr(0, end);
    out.push_back('\n');
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

/// Escapes '|', which would end a cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

}  // namespace

std::string effective_toml(const OptionTable& table, std::string_view daemon) {
  std::string out =
      "# Effective configuration of mas-" + std::string(daemon) + ". Each value is followed by its source.\n";
  for (const auto& section : table.sections()) {
    out += "\n[" + std::string(section.name) + "]\n";
    for (const auto& option : table.options())
      if (option.section == section.name)
        out += std::string(option.key) + " = " + toml_value(option, option.shown()) + "  # " + option.source + "\n";
  }
  return out;
}

std::string default_toml(const OptionTable& table, std::string_view daemon) {
  std::string out;
  append_comment(out, "Configuration of mas-" + std::string(daemon) +
                          ". Every option is listed with its default; remove the '#' before one to change it. "
                          "docs/CONFIGURATION.md lists the other sources of values.");
  append_comment(out, "Generated from the daemon's option table: mas-" + std::string(daemon) + " --generate toml");
  for (const auto& section : table.sections()) {
    out.push_back('\n');
    append_comment(out, section.help);
    out += "[" + std::string(section.name) + "]\n";
    for (const auto& option : table.options()) {
      if (option.section != section.name) continue;
      out.push_back('\n');
      append_comment(out, option.help);
      std::string value = option.expectation() + "; " + applies(option) + ".";
      value[0] = static_cast<char>(std::toupper(value[0]));  // ASCII: the article
      append_comment(out, value);
      out += "#" + std::string(option.key) + " = " + toml_value(option, option.default_text) + "\n";
    }
  }
  return out;
}

std::string reference_markdown(const OptionTable& table, std::string_view daemon) {
  std::string out = "## mas-" + std::string(daemon) + "\n";
  for (const auto& section : table.sections()) {
    out += "\n### [" + std::string(section.name) + "]\n\n" + std::string(section.help) + "\n\n";
    out += "| key | default | value | environment | change |\n|---|---|---|---|---|\n";
    std::string help;
    for (const auto& option : table.options()) {
      if (option.section != section.name) continue;
      out += "| `" + std::string(option.key) + "` | `" + cell(toml_value(option, option.default_text)) + "` | " +
             cell(option.expectation()) + " | `" + environment_name(daemon, option) + "` | " +
             (option.apply == Apply::kReload ? "reload" : "restart") + " |\n";
      help += "- `" + std::string(option.key) + "`: " + std::string(option.help) + "\n";
    }
    out += "\n" + help;
  }
  return out;
}

}  // namespace mas::common
