// Reading retired blocks, heads and keys from files.
#include "sdk/masctl/commands/audit_sources.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>

#include "daemons/gatewayd/audit/retired_blocks.h"

namespace mas::ctl {

namespace {

namespace audit = gateway::audit;
namespace fs = std::filesystem;

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Errc::kNotFound, path + ": " + std::strerror(errno)};
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return Error{Errc::kNotFound, path + ": cannot be read"};
  return content;
}

/// The files that a path means: itself, or those in a folder.
Result<std::vector<std::string>> files_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (auto entry = fs::directory_iterator(path, error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (audit::parse_retired_file_name(entry->path().filename().string())) files.push_back(entry->path().string());
  if (error) return Error{Errc::kNotFound, path + ": " + error.message()};
  return files;
}

/// Partition and number come from the first block, not from the file's name, which anybody can change.
Result<RetiredFile> look_at(const std::string& path) {
  auto content = read_file(path);
  if (!content.ok()) return content.error();
  audit::RetiredBlockReader reader(*content);
  audit::RetiredBlockFrame frame;
  if (!reader.next(frame))
    return Error{Errc::kMalformed,
                 path + ": " + (reader.status().ok() ? "it contains no block" : reader.status().error().message)};
  auto head = audit::block_head(frame.block);
  if (!head.ok()) return head.error().in(path);
  return RetiredFile{path, head->partition, head->number};
}

}  // namespace

Result<std::vector<RetiredFile>> find_retired_files(const std::vector<std::string>& paths) {
  std::vector<RetiredFile> found;
  for (const std::string& path : paths) {
    auto files = files_of(path);
    if (!files.ok()) return files.error();
    for (const std::string& name : *files) {
      auto file = look_at(name);
      if (!file.ok()) return file.error();
      found.push_back(std::move(*file));
    }
  }
  auto key = [](const RetiredFile& a) { return std::tie(a.partition, a.first_block, a.path); };
  std::sort(found.begin(), found.end(), [&](const RetiredFile& a, const RetiredFile& b) { return key(a) < key(b); });
  return found;
}

Status feed_retired_file(const RetiredFile& file, audit::ChainVerifier& verifier) {
  auto content = read_file(file.path);
  if (!content.ok()) return content.error();
  verifier.next_source();
  std::string name = fs::path(file.path).filename().string();
  audit::RetiredBlockReader reader(*content);
  audit::RetiredBlockFrame frame;
  while (reader.next(frame)) verifier.add(name + ":" + std::string(frame.entry), frame.block);
  if (!reader.status().ok()) verifier.add_unreadable(name, reader.status().error().message);
  return {};
}

Status feed_heads(const std::string& path, audit::HeadLedger& ledger, bool& ret_torn) {
  auto content = read_file(path);
  if (!content.ok()) return content.error();
  std::string_view rest = *content;
  for (size_t line = 1, end; (end = rest.find('\n')) != std::string_view::npos; ++line, rest.remove_prefix(end + 1))
    if (end > 0) ledger.add_loose(rest.substr(0, end), path + ":" + std::to_string(line));
  ret_torn = !rest.empty();
  return {};
}

Result<std::vector<VerifyKey>> read_public_keys(const std::vector<std::string>& texts) {
  std::vector<VerifyKey> keys;
  for (const std::string& text : texts) {
    std::string content = text;
    if (!text.starts_with("ed25519:")) {
      auto file = read_file(text);
      if (!file.ok()) return file.error().in("--key");
      content = std::move(*file);
    }
    auto key = VerifyKey::from_text(content);
    if (!key.ok()) return key.error().in("--key");
    keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace mas::ctl
