// Reads, bounds and checks.
#include "sdk/masctl/commands/data_argument.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "proto/base/byte_order_mark.h"
#include "proto/wire/json.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

namespace {

Result<std::string> read_all(std::FILE* file, const std::string& name) {
  std::string text;
  char chunk[16384];
  while (size_t got = std::fread(chunk, 1, sizeof chunk, file)) {
    text.append(chunk, got);
    if (text.size() > limits::kMaxEnvelopeBytes) {
      return Error{Errc::kInvalidArgument, name + " is too large for a message"};
    }
  }
  if (std::ferror(file) != 0) return Error{Errc::kInvalidArgument, "cannot read " + name};
  return text;
}

Result<std::string> read_file(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return Error{Errc::kInvalidArgument, "cannot open " + visible(path) + ": " + std::strerror(errno)};
  return read_all(file.get(), visible(path));
}

}  // namespace

Result<std::string> read_data(const std::string& argument) {
  if (argument.empty()) return std::string("{}");
  std::string source = "the data";
  Result<std::string> text = argument;
  if (argument == "-") {
    source = "standard input";
    text = read_all(stdin, source);
  } else if (argument[0] == '@') {
    source = visible(argument.substr(1));
    text = read_file(argument.substr(1));
  }
  if (!text.ok()) return text.error();
  auto object = JsonReader::local().check_object(without_byte_order_mark(*text));
  if (!object.ok()) return Error{Errc::kInvalidArgument, source + ": " + object.error().message};
  return std::string(*object);
}

}  // namespace mas::ctl
