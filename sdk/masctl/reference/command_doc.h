// The command tree as plain data: what completion, man page and reference are written from.
#pragma once

#include <string>
#include <vector>

namespace mas::ctl {

class Command;

struct OptionDoc {
  std::vector<std::string> names;  ///< "--json"; for an operand its name, "ID"
  std::string value;               ///< what the option takes, "URL"; empty for a flag
  std::string help;
  std::vector<std::string> choices;  ///< when only these values are allowed
  bool required = false;
  bool repeats = false;
};

struct CommandDoc {
  std::vector<std::string> path;  ///< {"masctl", "agents", "list"}
  std::string help;
  std::string footer;
  std::vector<OptionDoc> options;   ///< without --help
  std::vector<OptionDoc> operands;  ///< in order
  std::vector<CommandDoc> commands;

  std::string name() const;  ///< path joined by spaces
};

/// Reads the tree below `root`. Commands in no group ("") are hidden and left out.
CommandDoc describe(const Command& root);

/// Every command of the tree, parents first.
std::vector<const CommandDoc*> flatten(const CommandDoc& root);

/// @return "masctl request [OPTIONS] --as ID TARGET TYPE [DATA]": required options are spelled out.
std::string synopsis(const CommandDoc& command);

}  // namespace mas::ctl
