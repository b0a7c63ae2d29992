// Write beside, sync, rename, sync the directory.
#include "proto/base/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace mas {
namespace {

Error failed(const std::string& path, const char* what) {
  return Error{Errc::kInvalidArgument, path + ": cannot " + what + ": " + std::strerror(errno)};
}

std::string directory_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? "./" : path.substr(0, slash + 1);
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// Owner first: chown(2) may take permissions away.
bool give(int fd, const std::optional<struct stat>& before, FileMode mode) {
  struct stat now {};  // in a setgid directory the group is the directory's
  if (fstat(fd, &now) != 0) return false;
  if (before && (before->st_uid != now.st_uid || before->st_gid != now.st_gid))
    if (fchown(fd, before->st_uid, before->st_gid) != 0) return false;
  return fchmod(fd, before ? before->st_mode & mode.most : mode.fresh) == 0;
}

bool sync_directory(const std::string& directory) {
  int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = fsync(fd) == 0;
  close(fd);
  return done;
}

}  // namespace

Status replace_file(const std::string& path, std::string_view content, FileMode mode) {
  std::optional<struct stat> before;
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode)) return Error{Errc::kInvalidArgument, path + " is not a file; expected one, or nothing"};
    before = info;
  }
  const std::string directory = directory_of(path);
  const std::string fresh = directory + "." + path.substr(path.rfind('/') + 1) + ".new";
  unlink(fresh.c_str());
  int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
  if (fd < 0) return failed(fresh, "create it");
  bool written = write_all(fd, content) && give(fd, before, mode) && fsync(fd) == 0;
  Error error = failed(fresh, "write it with the owner of the file that it replaces");
  close(fd);
  if (written && rename(fresh.c_str(), path.c_str()) == 0)
    return sync_directory(directory) ? Status() : failed(directory, "write the directory to the disk");
  if (written) error = failed(path, "replace it");
  unlink(fresh.c_str());
  return error;
}

}  // namespace mas
