// The folder of retired blocks: appends audit blocks to files, so that they are on disk when it says so.
//
// Happy path: append() of consecutive blocks of one partition writes them behind what is there and syncs. A file holds
// consecutive blocks; a new one begins at a gap (another gateway retired in between) and past the size.
// Failure: kRefused for blocks that do not fit together or differ from what was retired: these are evidence, and stay
// where they are; any other error is the file system's. What a crash left half written is cut off before anything is
// appended.
// Threading: blocking; any thread, one call at a time (a mutex sees to it).
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "daemons/gatewayd/audit/block.h"

namespace mas::gateway {

/// An entry of a partition's stream.
struct RetiredBlock {
  std::string id;
  std::string block;
};

class RetiredBlockStore {
 public:
  /// @param ns the namespace, without '/': blocks of another one are refused.
  explicit RetiredBlockStore(std::string directory, std::string_view ns = {})
      : directory_(std::move(directory)), ns_(ns) {}

  /// @param entries by rising id. Blocks that were retired before are skipped, if they are the same.
  /// @param file_size a file that has reached it is not appended to any more.
  Status append(uint32_t partition, const std::vector<RetiredBlock>& entries, uint64_t file_size);

 private:
  /// What is known of a file.
  struct File {
    std::string path;  // empty: there is none
    uint64_t size = 0;
    std::map<uint64_t, Digest> blocks;  // of this file, by number
  };

  Result<std::vector<std::string>> files_of(uint32_t partition) const;
  Result<File*> open(uint32_t partition);
  Result<bool> was_retired(uint32_t partition, const File& newest, const audit::BlockHead& head);
  static Status load(const std::string& path, File& ret_file);
  Status write(uint32_t partition, File& file, const std::vector<const RetiredBlock*>& entries,
               const std::vector<audit::BlockHead>& heads);
  Status flush(File& file, std::string& bytes, bool created);

  const std::string directory_, ns_;
  std::mutex mutex_;  // guards what follows
  uint64_t file_size_ = 0;
  std::map<uint32_t, File> files_;  // by partition: the newest
  File older_;                      // the last one that was looked at for a block that was retired long ago
};

/// Appends bytes to a file (mode 0640 where it is made) and syncs it; a new file's folder too.
Status append_synced(const std::string& path, std::string_view bytes, bool create_new);

/// @return the last bytes of a file, at most so many; none where there is no file.
Result<std::string> read_tail(const std::string& path, size_t bytes);

}  // namespace mas::gateway
