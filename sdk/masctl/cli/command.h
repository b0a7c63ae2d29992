// A command of the tree and its options, for the files that add them. CLI11 does the work, behind command.cc: its
// header takes a compiler longer than most files that would include it.
//
// Ownership: a command owns its options and the commands below it, so the pointers that come back stay good as long as
// the root does. Threading: none.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace mas::ctl {

/// An option, a flag, or an operand (a name without dashes). Each call returns the option itself.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(option) {}

  Option* required();
  /// What its value is called in help texts; "" shows nothing, for operands whose name says it.
  Option* type_name(const std::string& name);
  /// Takes `min` to `max` values; a negative `max` is any number.
  Option* expected(int min, int max);
  Option* expected(int number) { return expected(number, number); }
  /// May be repeated, and every value counts.
  Option* take_all();
  Option* excludes(Option* other);
  /// The environment variable that is asked where the command line says nothing.
  Option* envname(const std::string& name);
  Option* one_of(std::initializer_list<const char*> words);
  Option* between(size_t min, size_t max);

 private:
  CLI::Option& option_;
};

class Command {
 public:
  /// A root.
  Command(const std::string& description, const std::string& name);
  /// A command that `app`, which lives longer, stands for.
  explicit Command(CLI::App& app);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Command* add_subcommand(const std::string& name, const std::string& description);
  /// @param value set when the command line has the option; of a type that command.cc lists.
  template <typename Value>
  Option* add_option(const std::string& names, Value& value, const std::string& help = {});
  Option* add_flag(const std::string& names, bool& value, const std::string& help);

  /// The former name of an option: hidden, and an error that names the new one.
  void renamed_option(const std::string& former, const std::string& name);

  Command* footer(const std::string& text);
  /// Where it is listed; "" hides it.
  Command* group(const std::string& name);
  Command* require_subcommand(size_t min, size_t max);
  /// Calls `chosen` when the command line names this command.
  void callback(std::function<void()> chosen);

  /// CLI11's own, for parsing and for the reference.
  CLI::App& app() { return app_; }
  const CLI::App& app() const { return app_; }

 private:
  struct Parts;

  Option* keep(CLI::Option& option);

  std::unique_ptr<Parts> parts_;
  CLI::App& app_;
};

}  // namespace mas::ctl
