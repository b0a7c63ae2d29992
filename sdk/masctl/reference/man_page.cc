// The man page, in man(7) macros: groff_man(7), and clean under `mandoc -T lint`.
#include "sdk/masctl/cli/exit_code.h"
#include "sdk/masctl/reference/writers.h"

namespace mas::ctl {

namespace {

/// When the text of the page was last written anew; a page has a date, and a build must be reproducible.
constexpr std::string_view kDate = "2026-11-23";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

/// @return text as roff: no character of it is taken for markup.
std::string roff(std::string_view text) {
  std::string out(text);
  replace_all(out, "\\", "\\e");
  replace_all(out, "-", "\\-");
  replace_all(out, "…", "...");
  replace_all(out, "–", "\\(en");
  replace_all(out, "'", "\\(aq");
  if (!out.empty() && out[0] == '.') out.insert(0, "\\&");
  return out;
}

/// Text that stands as it is: examples. Empty lines become spaces between paragraphs.
std::string verbatim(std::string_view text) {
  std::string out = ".PP\n.nf\n";
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string line = roff(text.substr(0, end));
    out += line.empty() ? "\\&\n" : line + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + ".fi\n";
}

std::string tagged(const std::string& tag, std::string_view text) { return ".TP\n" + tag + "\n" + roff(text) + "\n"; }

std::string option_tag(const OptionDoc& option) {
  std::string names;
  for (const auto& name : option.names) names += (names.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
  if (!option.value.empty() && option.names.front().starts_with("-")) names += " \\fI" + roff(option.value) + "\\fR";
  if (option.repeats) names += "...";
  return names;
}

std::string option_text(const OptionDoc& option) {
  std::string text = option.help;
  if (option.choices.empty()) return text;
  text += ": ";
  for (size_t i = 0; i < option.choices.size(); ++i) text += (i == 0 ? "" : ", ") + option.choices[i];
  return text;
}

std::string command_section(const CommandDoc& command) {
  std::string out = ".SS \"" + roff(command.name()) + "\"\n";
  out += "\\fB" + roff(synopsis(command)) + "\\fR\n.PP\n" + roff(command.help) + "\n";
  for (const auto& operand : command.operands) out += tagged(option_tag(operand), option_text(operand));
  for (const auto& option : command.options) out += tagged(option_tag(option), option_text(option));
  if (!command.footer.empty()) out += verbatim(command.footer);
  return out;
}

}  // namespace

std::string man_page(const CommandDoc& root, std::string_view version) {
  std::string out = ".\\\" Made by `masctl man`.\n";
  out += ".TH MASCTL 1 " + std::string(kDate) + " \"masctl " + std::string(version) + "\" \"MAS\"\n";
  out +=
      ".SH NAME\n"
      "masctl \\- inspect agents, send them messages, watch events, measure\n";
  out += ".SH SYNOPSIS\n\\fBmasctl\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR ...\n";
  out +=
      ".SH DESCRIPTION\n"
      "Agents of MAS find each other, exchange messages and keep state over one Redis.\n"
      "\\fBmasctl\\fR inspects and administers them from the command line.\n";
  out +=
      ".SH OPTIONS\n"
      "Accepted before and after every command.\n";
  for (const auto& option : root.options) out += tagged(option_tag(option), option_text(option));
  out += ".SH COMMANDS\n";
  for (const CommandDoc* command : flatten(root)) {
    if (command->commands.empty()) out += command_section(*command);
  }
  out += ".SH ENVIRONMENT\n";
  for (const auto& variable : kEnvironmentDocs) {
    out += tagged("\\fB" + std::string(variable.name) + "\\fR", variable.text);
  }
  out += ".SH EXIT STATUS\n";
  for (const auto& doc : exit_code_docs()) out += tagged("\\fB" + std::to_string(doc.value) + "\\fR", doc.text);
  return out;
}

}  // namespace mas::ctl
