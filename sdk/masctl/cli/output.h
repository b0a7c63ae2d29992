// Where results and complaints go: stdout for results, stderr for everything else.
//
// On a terminal: aligned tables, colour (unless --no-color or NO_COLOR), foreign text escaped. Piped: tab-separated
// rows and raw bytes. --json: one document, or one line per event of a stream.
// A reader that went away (EPIPE) ends the program quietly with the next write: see `closed()`.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "sdk/masctl/cli/exit_code.h"
#include "sdk/masctl/cli/globals.h"
#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

enum class Paint { kPlain, kGood, kWarn, kBad, kDim };

class Output {
 public:
  explicit Output(const Globals& globals);

  bool json() const { return json_; }
  bool terminal() const { return terminal_; }

  /// Writes a line to stdout and flushes it.
  void line(std::string_view text);
  /// Writes bytes to stdout: escaped on a terminal (line breaks stay), raw otherwise. Ends with a line break.
  void foreign(std::string_view text);
  /// A line `name: value` with a foreign value: what would end the line is escaped, so that no value forges another
  /// line.
  void field(std::string_view name, std::string_view value);
  void table(const Table& table);
  /// @param if_empty told on a terminal when the table has no row.
  void table(const Table& table, std::string_view if_empty);
  /// @return `text` in colour, where stdout takes colour.
  std::string painted(std::string_view text, Paint paint) const;

  /// A remark to stderr: "masctl: …".
  void note(std::string_view text);
  /// Reports a failure on stderr, with what to do about it. @return the exit code it means.
  ExitCode fail(const Error& error);

  /// @return whether stdout refuses to be written to.
  bool closed() const { return closed_; }

 private:
  void write(std::string_view text);

  bool json_;
  bool terminal_;
  bool colour_;
  bool closed_ = false;
};

/// @return what a user can do about a failure of this kind; empty when the message says it all.
std::string_view hint_for(const Error& error);

}  // namespace mas::ctl
