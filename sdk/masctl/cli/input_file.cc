// Opens, reads to the end, closes.
#include "sdk/masctl/cli/input_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

namespace {

Result<std::string> read_all(int fd, size_t most, const std::string& name, std::string_view expected) {
  const std::string wanted = "; expected " + std::string(expected);
  std::string text;
  char chunk[65536];
  ssize_t got;
  while ((got = ::read(fd, chunk, sizeof chunk)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{Errc::kInvalidArgument, "cannot read " + name + ": " + std::strerror(errno) + wanted};
    text.append(chunk, static_cast<size_t>(got));
    if (text.size() > most)
      return Error{Errc::kInvalidArgument, name + " has more than " + std::to_string(most) + " bytes" + wanted};
  }
  return text;
}

}  // namespace

Result<std::string> read_input(const std::string& name, size_t most, std::string_view expected) {
  if (name == "-") return read_all(STDIN_FILENO, most, "standard input", expected);
  const std::string shown = visible(name);
  int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return Error{Errc::kInvalidArgument,
                 "cannot open " + shown + ": " + std::strerror(errno) + "; expected " + std::string(expected)};
  auto text = read_all(fd, most, shown, expected);
  ::close(fd);
  return text;
}

std::string path_of(const std::string& file) { return file.find('/') == std::string::npos ? "./" + file : file; }

}  // namespace mas::ctl
