// Appending to files of retired blocks.
#include "daemons/gatewayd/keeper/retired_block_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemons/gatewayd/audit/retired_blocks.h"

namespace mas::gateway {
namespace {

namespace fs = std::filesystem;

Error file_error(const std::string& path) { return Error{Errc::kUnavailable, path + ": " + std::strerror(errno)}; }

/// A descriptor that is closed on every path.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_error(path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Status sync_folder_of(const std::string& path) {
  std::string folder = fs::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || ::fsync(fd.get()) != 0) return file_error(folder);
  return {};
}

Error refused(uint32_t partition, std::string text) {
  return Error{Errc::kRefused, "audit of partition " + std::to_string(partition) + ": " + std::move(text)};
}

/// Checks that the entries are blocks of the partition that follow each other.
Result<std::vector<audit::BlockHead>> heads_of(uint32_t partition, std::string_view ns,
                                               const std::vector<RetiredBlock>& entries) {
  std::vector<audit::BlockHead> heads;
  audit::Block block;
  for (const RetiredBlock& entry : entries) {
    auto status = audit::decode_block(entry.block, block);
    if (status.ok()) status = audit::check_namespace_of(entry.block, ns);
    if (!status.ok()) return refused(partition, "entry " + entry.id + ": " + status.error().message);
    if (block.head.partition != partition || audit::block_hash(entry.block) != block.head.hash)
      return refused(partition, "entry " + entry.id + " was changed");
    if (!heads.empty() && (block.head.number != heads.back().number + 1 || block.previous != heads.back().hash))
      return refused(partition, "entry " + entry.id + " does not follow the block before it");
    heads.push_back(block.head);
  }
  return heads;
}

}  // namespace

Status append_synced(const std::string& path, std::string_view bytes, bool create_new) {
  bool existed = fs::exists(path);
  Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | (create_new ? O_EXCL : 0), 0640));
  if (!fd.ok()) return file_error(path);
  if (auto status = write_all(fd.get(), bytes, path); !status.ok()) return status;
  if (::fsync(fd.get()) != 0) return file_error(path);
  return existed ? Status() : sync_folder_of(path);
}

Result<std::string> read_tail(const std::string& path, size_t bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file && !fs::exists(path)) return std::string();
  const auto size = static_cast<std::streamoff>(file.tellg());
  if (!file) return file_error(path);
  std::string tail(std::min(bytes, static_cast<size_t>(size)), '\0');
  file.seekg(size - static_cast<std::streamoff>(tail.size()));
  if (!tail.empty() && !file.read(tail.data(), static_cast<std::streamsize>(tail.size()))) return file_error(path);
  return tail;
}

Status RetiredBlockStore::append(uint32_t partition, const std::vector<RetiredBlock>& entries, uint64_t file_size) {
  std::lock_guard lock(mutex_);
  file_size_ = file_size;
  auto heads = heads_of(partition, ns_, entries);
  if (!heads.ok()) return heads.error();
  auto file = open(partition);
  if (!file.ok()) return file.error();
  std::vector<const RetiredBlock*> news;
  std::vector<audit::BlockHead> new_heads;
  for (size_t i = 0; i < entries.size(); ++i) {
    const audit::BlockHead& head = (*heads)[i];
    auto before = was_retired(partition, **file, head);
    if (!before.ok()) return before.error();
    if (*before) continue;
    news.push_back(&entries[i]);
    new_heads.push_back(head);
  }
  Status status = news.empty() ? Status() : write(partition, **file, news, new_heads);
  if (!status.ok()) files_.erase(partition);  // what is on disk is looked at again
  return status;
}

/// @return whether the block is in a file; kRefused when another one is in its place.
Result<bool> RetiredBlockStore::was_retired(uint32_t partition, const File& newest, const audit::BlockHead& head) {
  if (newest.blocks.empty() || head.number > newest.blocks.rbegin()->first) return false;
  const File* file = &newest;
  if (head.number < newest.blocks.begin()->first) {
    auto paths = files_of(partition);
    if (!paths.ok()) return paths.error();
    auto begins_before = [&](const std::string& path) {
      return audit::parse_retired_file_name(fs::path(path).filename().string())->first_block <= head.number;
    };
    auto path = std::find_if(paths->begin(), paths->end(), begins_before);
    if (path == paths->end())
      return refused(partition, "block " + std::to_string(head.number) + " is older than the retired blocks");
    if (older_.path != *path) {
      older_ = {};
      if (auto status = load(*path, older_); !status.ok()) return status.error();
    }
    file = &older_;
  }
  auto known = file->blocks.find(head.number);
  if (known != file->blocks.end() && known->second == head.hash) return true;
  return refused(partition, "block " + std::to_string(head.number) + " differs from the one that was retired");
}

/// Newest first.
Result<std::vector<std::string>> RetiredBlockStore::files_of(uint32_t partition) const {
  std::error_code error;
  std::vector<std::string> paths;
  for (auto entry = fs::directory_iterator(directory_, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    auto name = audit::parse_retired_file_name(entry->path().filename().string());
    if (name && name->partition == partition) paths.push_back(entry->path().string());
  }
  if (error) return Error{Errc::kUnavailable, directory_ + ": " + error.message()};
  std::sort(paths.rbegin(), paths.rend());
  return paths;
}

/// The partition's newest file that holds a block. One that holds none is what a crash left of a beginning.
Result<RetiredBlockStore::File*> RetiredBlockStore::open(uint32_t partition) {
  if (auto known = files_.find(partition); known != files_.end()) return &known->second;
  auto paths = files_of(partition);
  if (!paths.ok()) return paths.error();
  File file;
  for (const std::string& path : *paths) {
    if (auto status = load(path, file); !status.ok()) return status.error();
    if (!file.blocks.empty()) break;
    if (::unlink(path.c_str()) != 0) return file_error(path);
    file = {};
  }
  return &(files_[partition] = std::move(file));
}

/// Reads which blocks a file holds, and cuts off what is not whole behind them.
Status RetiredBlockStore::load(const std::string& path, File& ret_file) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return file_error(path);
  std::string content{std::istreambuf_iterator<char>(stream), {}};
  audit::RetiredBlockReader reader(content);
  audit::RetiredBlockFrame frame;
  while (reader.next(frame)) {
    auto head = audit::block_head(frame.block);
    if (!head.ok()) return head.error().in(path);
    ret_file.blocks[head->number] = head->hash;
  }
  ret_file.path = path;
  ret_file.size = reader.good_bytes();
  if (ret_file.blocks.empty() || ret_file.size == content.size()) return {};
  return ::truncate(path.c_str(), static_cast<off_t>(ret_file.size)) == 0 ? Status() : file_error(path);
}

Status RetiredBlockStore::write(uint32_t partition, File& file, const std::vector<const RetiredBlock*>& entries,
                                const std::vector<audit::BlockHead>& heads) {
  std::string bytes;
  bool created = false;
  for (size_t i = 0; i < entries.size(); ++i) {
    bool follows = !file.blocks.empty() && file.blocks.rbegin()->first + 1 == heads[i].number;
    if (file.path.empty() || !follows || file.size >= file_size_) {
      if (auto status = flush(file, bytes, created); !status.ok()) return status;
      file = {directory_ + "/" + audit::retired_file_name(partition, heads[i].number),
              audit::kRetiredBlocksMagic.size(),
              {}};
      bytes = audit::kRetiredBlocksMagic;
      created = true;
    }
    size_t before = bytes.size();
    audit::append_retired_block(bytes, {entries[i]->id, entries[i]->block});
    file.size += bytes.size() - before;
    file.blocks[heads[i].number] = heads[i].hash;
  }
  return flush(file, bytes, created);
}

Status RetiredBlockStore::flush(File& file, std::string& bytes, bool created) {
  if (bytes.empty()) return {};
  Status status = append_synced(file.path, bytes, created);
  bytes.clear();
  return status;
}

}  // namespace mas::gateway
