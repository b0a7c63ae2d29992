// The rules' file: read, guarded, parsed.
#include "daemons/gatewayd/dlp/config.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "daemons/gatewayd/dlp/config_reader.h"
#include "daemons/gatewayd/dlp/toml_guard.h"
#include "proto/base/byte_order_mark.h"
#include "proto/base/ids.h"

namespace mas::dlp {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return Error{Errc::kInvalidArgument, "cannot be opened: " + std::string(std::strerror(errno))};
  std::string text;
  char chunk[16384];
  while (size_t got = std::fread(chunk, 1, sizeof chunk, file.get())) {
    text.append(chunk, got);
    if (text.size() > kMaxConfigBytes) break;
  }
  if (std::ferror(file.get()) != 0)
    return Error{Errc::kInvalidArgument, "cannot be read: " + std::string(std::strerror(errno))};
  return text;
}

}  // namespace

std::shared_ptr<const Rules> parse_rules(std::string_view text, const std::string& file, ConfigProblems& problems) {
  size_t before = problems.size();
  ConfigLog log(file, problems);
  if (text.size() > kMaxConfigBytes) {
    problems.push_back(file + ": more than " + std::to_string(kMaxConfigBytes) + " bytes");
    return nullptr;
  }
  const auto plain = without_byte_order_mark(text);
  if (auto fault = find_toml_fault(plain); fault.line != 0) {
    log.add(fault.line, fault.expected);
    return nullptr;
  }
  auto parsed = toml::parse(plain);
  if (!parsed) {
    // Its own sentence may quote the file.
    log.add(parsed.error().source().begin.line, "not TOML, or a key or table that occurs twice");
    return nullptr;
  }
  auto defaults = Rules::standard();
  if (!defaults) {
    problems.push_back(defaults.error().message);
    return nullptr;
  }
  auto rules = std::make_shared<Rules>();
  rules->types = (*defaults)->types;
  rules->enabled = (*defaults)->enabled;
  rules->matcher = (*defaults)->matcher;
  ConfigReader(*rules, log).read(parsed.table());
  if (problems.size() != before) return nullptr;
  rules->digest = sha256(text);
  return rules;
}

std::shared_ptr<const Rules> load_rules(const std::string& path, ConfigProblems& problems) {
  auto text = path.empty() ? Result<std::string>(std::string()) : read_file(path);
  if (text) return parse_rules(*text, path.empty() ? "defaults" : printable(path, 256), problems);
  problems.push_back(printable(path, 256) + ": " + text.error().message);
  return nullptr;
}

}  // namespace mas::dlp
