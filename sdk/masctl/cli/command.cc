// Commands and options, by CLI11.
#include "sdk/masctl/cli/command.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace mas::ctl {

Option* Option::required() {
  option_.required();
  return this;
}

Option* Option::type_name(const std::string& name) {
  option_.type_name(name);
  return this;
}

Option* Option::expected(int min, int max) {
  if (min == max) {
    option_.expected(min);
  } else {
    option_.expected(min, max);
  }
  return this;
}

Option* Option::take_all() {
  option_.take_all();
  return this;
}

Option* Option::excludes(Option* other) {
  option_.excludes(&other->option_);
  return this;
}

Option* Option::envname(const std::string& name) {
  option_.envname(name);
  return this;
}

Option* Option::one_of(std::initializer_list<const char*> words) {
  option_.check(CLI::IsMember(std::vector<std::string>(words.begin(), words.end())));
  return this;
}

Option* Option::between(size_t min, size_t max) {
  option_.check(CLI::Range(min, max));
  return this;
}

struct Command::Parts {
  std::unique_ptr<CLI::App> root;  // none for a command below one
  std::deque<Option> options;
  std::deque<Command> commands;
};

Command::Command(const std::string& description, const std::string& name)
    : parts_(new Parts{.root = std::make_unique<CLI::App>(description, name), .options = {}, .commands = {}}),
      app_(*parts_->root) {}

Command::Command(CLI::App& app) : parts_(new Parts), app_(app) {}

Command::~Command() = default;

Command* Command::add_subcommand(const std::string& name, const std::string& description) {
  return &parts_->commands.emplace_back(*app_.add_subcommand(name, description));
}

void Command::renamed_option(const std::string& former, const std::string& name) {
  auto refuse = [former, name](const std::vector<std::string>&) -> void {
    throw CLI::ValidationError(former, "this option is now " + name);
  };
  app_.add_option_function<std::vector<std::string>>(former, refuse)->expected(0, -1)->group("");
}

Option* Command::keep(CLI::Option& option) { return &parts_->options.emplace_back(option); }

template <typename Value>
Option* Command::add_option(const std::string& names, Value& value, const std::string& help) {
  return keep(*app_.add_option(names, value, help));
}

// What values may be.
template Option* Command::add_option(const std::string&, std::string&, const std::string&);
template Option* Command::add_option(const std::string&, std::optional<std::string>&, const std::string&);
template Option* Command::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option* Command::add_option(const std::string&, unsigned&, const std::string&);
template Option* Command::add_option(const std::string&, int64_t&, const std::string&);
template Option* Command::add_option(const std::string&, uint64_t&, const std::string&);
template Option* Command::add_option(const std::string&, std::optional<uint64_t>&, const std::string&);
template Option* Command::add_option(const std::string&, double&, const std::string&);

Option* Command::add_flag(const std::string& names, bool& value, const std::string& help) {
  return keep(*app_.add_flag(names, value, help));
}

Command* Command::footer(const std::string& text) {
  app_.footer(text);
  return this;
}

Command* Command::group(const std::string& name) {
  app_.group(name);
  return this;
}

Command* Command::require_subcommand(size_t min, size_t max) {
  app_.require_subcommand(min, max);
  return this;
}

void Command::callback(std::function<void()> chosen) { app_.callback(std::move(chosen)); }

}  // namespace mas::ctl
