// The reference part of docs/MASCTL.md.
#include "sdk/masctl/cli/exit_code.h"
#include "sdk/masctl/reference/writers.h"

namespace mas::ctl {

namespace {

/// Text of a table's cell: a bar would end it, an angle bracket would be markup.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string option_row(const OptionDoc& option) {
  std::string names;
  std::string value = option.names.front().starts_with("-") ? option.value : "";
  for (const auto& name : option.names) {
    names += (names.empty() ? "`" : ", `") + name + (value.empty() ? "" : " " + value) + (option.repeats ? "…`" : "`");
  }
  std::string text = option.help;
  for (size_t i = 0; i < option.choices.size(); ++i) text += (i == 0 ? ": `" : ", `") + option.choices[i] + "`";
  return "| " + cell(names) + " | " + cell(text) + " |\n";
}

std::string option_table(const CommandDoc& command) {
  if (command.operands.empty() && command.options.empty()) return {};
  std::string out = "\n| | |\n|---|---|\n";
  for (const auto& operand : command.operands) out += option_row(operand);
  for (const auto& option : command.options) out += option_row(option);
  return out;
}

std::string code_block(std::string_view text) { return "\n```\n" + std::string(text) + "\n```\n"; }

}  // namespace

std::string markdown_reference(const CommandDoc& root) {
  std::string out = "## Options of every command\n" + option_table(root);
  out += "\n## Commands\n";
  for (const CommandDoc* command : flatten(root)) {
    if (!command->commands.empty()) continue;
    out += "\n### `" + command->name() + "`\n" + code_block(synopsis(*command)) + "\n" + command->help + "\n";
    out += option_table(*command);
    if (!command->footer.empty()) out += code_block(command->footer);
  }
  out += "\n## Environment\n\n| | |\n|---|---|\n";
  for (const auto& variable : kEnvironmentDocs) {
    out += "| `" + std::string(variable.name) + "` | " + std::string(variable.text) + " |\n";
  }
  out += "\n## Exit codes\n\n| code | meaning |\n|---|---|\n";
  for (const auto& doc : exit_code_docs()) {
    out += "| " + std::to_string(doc.value) + " | " + std::string(doc.text) + " |\n";
  }
  return out;
}

}  // namespace mas::ctl
