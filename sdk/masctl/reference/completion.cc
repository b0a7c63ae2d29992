// Completion scripts. All three find the command that the words so far name ("node"), then offer its commands, options
// and operands; where an option's value is free text or a file, file names.
#include <functional>

#include "sdk/masctl/reference/writers.h"

namespace mas::ctl {

namespace {

/// @return `text` in single quotes for bash and zsh; inside, a quote ends, is escaped, and begins again.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// @return the first sentence of a help text, without its full stop.
std::string brief(std::string_view help) {
  size_t end = help.find(". ");
  std::string text(help.substr(0, end));
  if (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

/// @return every command's name but the root's as a pattern of a shell's case: "masctl agents"|"masctl state"
std::string node_pattern(const CommandDoc& root) {
  std::string out;
  for (const CommandDoc* command : flatten(root)) {
    if (command->path.size() > 1) out += (out.empty() ? "\"" : "|\"") + command->name() + "\"";
  }
  return out;
}

/// The options of a command and, since they are understood everywhere, those of the root.
std::vector<const OptionDoc*> options_at(const CommandDoc& root, const CommandDoc& command) {
  std::vector<const OptionDoc*> out;
  for (const auto& option : command.options) out.push_back(&option);
  if (&command == &root) return out;
  for (const auto& option : root.options) out.push_back(&option);
  return out;
}

/// Lines of a shell's case for the values of options: `choices` for those with a closed set, `files` for the others.
std::string value_cases(const CommandDoc& root, const std::function<std::string(const OptionDoc&)>& choices,
                        const std::string& files) {
  std::string out;
  for (const CommandDoc* command : flatten(root)) {
    for (const OptionDoc* option : options_at(root, *command)) {
      if (option->value.empty()) continue;
      std::string action = option->choices.empty() ? files : choices(*option);
      for (const auto& name : option->names) out += "    \"" + command->name() + " " + name + "\") " + action + " ;;\n";
    }
  }
  return out;
}

/// What may stand at a command besides options: its commands, or the closed set of values of an operand.
std::vector<std::string> words_at(const CommandDoc& command) {
  std::vector<std::string> words;
  for (const auto& child : command.commands) words.push_back(child.path.back());
  for (const auto& operand : command.operands)
    words.insert(words.end(), operand.choices.begin(), operand.choices.end());
  return words;
}

}  // namespace

std::string bash_completion(const CommandDoc& root) {
  std::string out =
      "# bash completion for masctl, made by `masctl completion bash`.\n"
      "_masctl() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} node=masctl i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$node ${COMP_WORDS[i]}\" in\n"
      "      " +
      node_pattern(root) +
      ") node=\"$node ${COMP_WORDS[i]}\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$node $prev\" in\n";
  out += value_cases(
      root,
      [](const OptionDoc& option) {
        return "COMPREPLY=($(compgen -W " + shell_quoted(joined(option.choices)) + " -- \"$cur\")); return";
      },
      "COMPREPLY=(); return");
  out +=
      "  esac\n"
      "  local words=\n"
      "  case \"$node\" in\n";
  for (const CommandDoc* command : flatten(root)) {
    std::vector<std::string> words = words_at(*command);
    for (const OptionDoc* option : options_at(root, *command)) {
      words.insert(words.end(), option->names.begin(), option->names.end());
    }
    words.push_back("--help");
    out += "    \"" + command->name() + "\") words=" + shell_quoted(joined(words)) + " ;;\n";
  }
  return out +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "}\n"
         "complete -o default -F _masctl masctl\n";
}

namespace {

/// @return 'word:what it does' as an element of zsh's _describe; a colon in the word is escaped.
std::string zsh_entry(std::string_view word, std::string_view help) {
  std::string escaped;
  for (char c : word) escaped += c == ':' ? std::string("\\:") : std::string(1, c);
  return " " + shell_quoted(escaped + ":" + brief(help));
}

std::string zsh_node(const CommandDoc& root, const CommandDoc& command) {
  std::string commands;
  for (const auto& child : command.commands) commands += zsh_entry(child.path.back(), child.help);
  for (const auto& operand : command.operands) {
    for (const auto& choice : operand.choices) commands += zsh_entry(choice, operand.help);
  }
  std::string options;
  for (const OptionDoc* option : options_at(root, command)) {
    for (const auto& name : option->names) options += zsh_entry(name, option->help);
  }
  return "    \"" + command.name() + "\") commands=(" + commands + " ); options=(" + options + " ) ;;\n";
}

}  // namespace

std::string zsh_completion(const CommandDoc& root) {
  std::string out =
      "#compdef masctl\n"
      "# zsh completion for masctl, made by `masctl completion zsh`.\n"
      "_masctl() {\n"
      "  local node=masctl word\n"
      "  local -a commands options\n"
      "  for word in ${words[2,CURRENT-1]}; do\n"
      "    case \"$node $word\" in\n"
      "      " +
      node_pattern(root) +
      ") node=\"$node $word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$node ${words[CURRENT-1]}\" in\n";
  out += value_cases(
      root, [](const OptionDoc& option) { return "compadd " + joined(option.choices) + "; return"; }, "_files; return");
  out +=
      "  esac\n"
      "  case \"$node\" in\n";
  for (const CommandDoc* command : flatten(root)) out += zsh_node(root, *command);
  return out +
         "  esac\n"
         "  if (( $#commands )); then _describe command commands; else _files; fi\n"
         "  _describe -o option options\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _masctl ]; then _masctl \"$@\"; else compdef _masctl masctl; fi\n";
}

namespace {

std::string fish_option(const OptionDoc& option, const std::string& condition) {
  std::string line = "complete -c masctl" + condition;
  for (const auto& name : option.names) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.choices.empty()) {
    line += " -x -a " + fish_quoted(joined(option.choices));
  } else if (!option.value.empty()) {
    line += " -r";
  }
  return line + " -d " + fish_quoted(brief(option.help)) + "\n";
}

}  // namespace

std::string fish_completion(const CommandDoc& root) {
  std::string nodes;
  for (const CommandDoc* command : flatten(root)) nodes += " " + fish_quoted(command->name());
  std::string out =
      "# fish completion for masctl, made by `masctl completion fish`.\n"
      "set -g __masctl_nodes" +
      nodes +
      "\n"
      "function __masctl_at\n"
      "    set -l node masctl\n"
      "    for word in (commandline -opc)[2..-1]\n"
      "        contains -- \"$node $word\" $__masctl_nodes; and set node \"$node $word\"\n"
      "    end\n"
      "    test \"$node\" = \"$argv\"\n"
      "end\n"
      "complete -c masctl -l help -d 'Show help'\n";
  for (const auto& option : root.options) out += fish_option(option, "");
  for (const CommandDoc* command : flatten(root)) {
    std::string condition = " -n " + fish_quoted("__masctl_at " + command->name());
    for (const auto& child : command->commands) {
      out += "complete -c masctl" + condition + " -f -a " + fish_quoted(child.path.back()) + " -d " +
             fish_quoted(brief(child.help)) + "\n";
    }
    for (const auto& operand : command->operands) {
      if (operand.choices.empty()) continue;
      out += "complete -c masctl" + condition + " -f -a " + fish_quoted(joined(operand.choices)) + "\n";
    }
    if (command == &root) continue;
    for (const auto& option : command->options) out += fish_option(option, condition);
  }
  return out;
}

}  // namespace mas::ctl
