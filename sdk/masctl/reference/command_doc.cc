// From CLI11's objects to plain data.
#include "sdk/masctl/reference/command_doc.h"

#include <CLI/CLI.hpp>

#include "sdk/masctl/cli/command.h"

namespace mas::ctl {

namespace {

/// CLI11 shows the allowed values of an option inside its type name: "SHELL:{bash,zsh}".
std::vector<std::string> choices_in(const std::string& type_name) {
  std::vector<std::string> choices;
  size_t open = type_name.find('{');
  size_t close = type_name.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::string list = type_name.substr(open + 1, close - open - 1);
  for (size_t begin = 0; begin <= list.size();) {
    size_t end = std::min(list.find(',', begin), list.size());
    choices.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return choices;
}

OptionDoc describe_option(const CLI::Option& option) {
  OptionDoc doc;
  for (const auto& name : option.get_snames()) doc.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) doc.names.push_back("--" + name);
  if (option.get_positional()) doc.names.push_back(option.get_name(true));
  bool takes_value = option.get_items_expected_max() > 0;
  std::string type_name = option.get_type_name();
  if (takes_value) doc.value = type_name.substr(0, type_name.find(':'));
  doc.help = option.get_description();
  doc.choices = choices_in(type_name);
  doc.required = option.get_required();
  doc.repeats = option.get_items_expected_max() > 1;
  return doc;
}

CommandDoc describe_at(const CLI::App& app, std::vector<std::string> path) {
  CommandDoc doc;
  path.push_back(app.get_name());
  doc.path = path;
  doc.help = app.get_description();
  // CLI11 copies a footer to sub-commands: only the root shows its own.
  if (const CLI::App* parent = app.get_parent(); parent == nullptr || parent->get_footer() != app.get_footer())
    doc.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option == app.get_help_ptr() || option->get_group().empty()) continue;
    (option->get_positional() ? doc.operands : doc.options).push_back(describe_option(*option));
  }
  auto shown = [](const CLI::App* command) { return !command->get_group().empty(); };
  for (const CLI::App* command : app.get_subcommands(shown)) doc.commands.push_back(describe_at(*command, path));
  return doc;
}

void append_flat(const CommandDoc& command, std::vector<const CommandDoc*>& out) {
  out.push_back(&command);
  for (const auto& child : command.commands) append_flat(child, out);
}

std::string operand_form(const OptionDoc& operand) {
  std::string form = operand.names.back() + (operand.repeats ? "…" : "");
  return operand.required ? form : "[" + form + "]";
}

}  // namespace

std::string CommandDoc::name() const {
  std::string text;
  for (const auto& word : path) text += (text.empty() ? "" : " ") + word;
  return text;
}

CommandDoc describe(const Command& root) { return describe_at(root.app(), {}); }

std::vector<const CommandDoc*> flatten(const CommandDoc& root) {
  std::vector<const CommandDoc*> out;
  append_flat(root, out);
  return out;
}

std::string synopsis(const CommandDoc& command) {
  std::string text = command.name();
  bool has_optional = false;
  std::string required;
  for (const auto& option : command.options) {
    if (option.required) {
      required += " " + option.names.back() + " " + option.value;
    } else {
      has_optional = true;
    }
  }
  if (has_optional) text += " [OPTIONS]";
  text += required;
  for (const auto& operand : command.operands) text += " " + operand_form(operand);
  if (!command.commands.empty()) text += " COMMAND";
  return text;
}

}  // namespace mas::ctl
