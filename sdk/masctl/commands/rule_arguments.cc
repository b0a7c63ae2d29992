// Arguments of rules, and how a change is told.
#include "sdk/masctl/commands/rule_arguments.h"

#include "proto/base/ids.h"

namespace mas::ctl {

namespace {
constexpr size_t kDetailBytes = 4096;
}

void add_by_option(Command& command, std::string& by) {
  command.add_option("--by", by, "Who makes the change, for the audit. Default: user@host of the caller")
      ->type_name("WHO");
}

Status check_target_argument(std::string_view text) {
  std::string_view id = text.ends_with('*') ? text.substr(0, text.size() - 1) : text;
  if (text == "*" || check_agent_id(id).ok()) return {};
  return Error{Errc::kInvalidArgument, "target '" + printable(text) +
                                           "' is not allowed; expected an agent's id (1 to 128 of [A-Za-z0-9._-], "
                                           "starting with a letter or digit), a prefix of ids with * at its end, or *"};
}

redis::Command set_command(const std::string& verb, const std::string& key, const std::vector<std::string>& members) {
  std::vector<std::string_view> args = {verb, key};
  args.insert(args.end(), members.begin(), members.end());
  return redis::Command::of(args);
}

std::string joined_words(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return printable(text, kDetailBytes);
}

Document changed_document(size_t changed) {
  return Document::line("{\"changed\":" + std::to_string(changed) + "}",
                        changed == 0 ? "nothing to change" : std::to_string(changed) + " changed");
}

}  // namespace mas::ctl
