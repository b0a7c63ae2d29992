// Writing to stdout and stderr.
#include "sdk/masctl/cli/output.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace mas::ctl {

namespace {

bool environment_forbids_colour() {
  const char* no_color = std::getenv("NO_COLOR");
  return no_color != nullptr && *no_color != '\0';
}

std::string_view escape_of(Paint paint) {
  switch (paint) {
    case Paint::kGood:
      return "\x1b[32m";
    case Paint::kWarn:
      return "\x1b[33m";
    case Paint::kBad:
      return "\x1b[31m";
    case Paint::kDim:
      return "\x1b[2m";
    case Paint::kPlain:
      break;
  }
  return {};
}

/// As visible(), but line breaks stay line breaks.
std::string visible_lines(std::string_view text) {
  std::string out;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    out += visible(text.substr(0, end));
    out += '\n';
  }
  return out + visible(text);
}

}  // namespace

Output::Output(const Globals& globals) : json_(globals.json), terminal_(isatty(STDOUT_FILENO) == 1) {
  colour_ = terminal_ && !globals.no_color && !environment_forbids_colour();
}

void Output::write(std::string_view text) {
  bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written) closed_ = true;
}

void Output::line(std::string_view text) { write(std::string(text) + "\n"); }

void Output::foreign(std::string_view text) { line(terminal_ ? visible_lines(text) : std::string(text)); }

void Output::field(std::string_view name, std::string_view value) { line(std::string(name) + ": " + visible(value)); }

void Output::table(const Table& table) { write(terminal_ ? table.aligned() : table.tab_separated()); }

void Output::table(const Table& table, std::string_view if_empty) {
  this->table(table);
  if (terminal_ && table.empty()) note(if_empty);
}

std::string Output::painted(std::string_view text, Paint paint) const {
  std::string_view escape = colour_ ? escape_of(paint) : std::string_view();
  if (escape.empty()) return std::string(text);
  return std::string(escape) + std::string(text) + "\x1b[0m";
}

void Output::note(std::string_view text) { std::fprintf(stderr, "masctl: %s\n", visible(text).c_str()); }

ExitCode Output::fail(const Error& error) {
  note(error.message);
  std::string_view hint = hint_for(error);
  if (!hint.empty()) std::fprintf(stderr, "        %.*s\n", static_cast<int>(hint.size()), hint.data());
  return exit_code_of(error.code);
}

std::string_view hint_for(const Error& error) {
  switch (error.code) {
    case Errc::kUnreachable:
    case Errc::kConnectionLost:
      return "Is Redis running at this address? Set the address with --redis URL or MAS_REDIS_URL.";
    case Errc::kAuthFailed:
      if (error.message.find("TLS: ") != std::string::npos)
        return "Name the certificate authority with ?ca=FILE in the URL, and the certificate's host name with "
               "server_name=NAME.";
      return "Give user and password in the URL: redis://user:password@host:port";
    case Errc::kTimeout:
      return "Wait longer with --timeout SECONDS, or run 'masctl doctor'.";
    case Errc::kNoReceiver:
      return "'masctl agents list' shows which agents are registered; 'masctl agents show ID' whether one listens.";
    case Errc::kUnavailable:
      return "Redis is loading, read-only or out of memory; 'masctl doctor' says which.";
    default:
      return {};
  }
}

}  // namespace mas::ctl
