// Secrets' files, read and written.
#include "proto/base/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "proto/base/ids.h"

namespace mas {
namespace {

constexpr size_t kMaxPasswordBytes = 512;
constexpr size_t kMaxPasswordFileBytes = 64 * 1024;

Error refusal(std::string text) { return Error{Errc::kInvalidArgument, std::move(text)}; }

Error system_error(const std::string& path, int number) {
  Errc code = number == ENOENT ? Errc::kNotFound : Errc::kInvalidArgument;
  return Error{code, path + ": " + std::strerror(number)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int operator*() const { return fd_; }

 private:
  int fd_;
};

std::string credentials_directory() {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  return directory == nullptr || *directory == '\0' ? "" : std::string(directory) + "/";
}

Result<std::string> path_of(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  std::string directory = credentials_directory();
  if (directory.empty())
    return refusal("'" + printable(name) +
                   "' is the name of a systemd credential, but this process has no credentials; a path needs a '/'");
  return directory + name;
}

bool is_credential(const std::string& path) {
  std::string directory = credentials_directory();
  return !directory.empty() && path.starts_with(directory) && path.find('/', directory.size()) == std::string::npos;
}

Status check_mode(int fd, const std::string& path, SecretReaders readers) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return system_error(path, errno);
  if (!S_ISREG(info.st_mode)) return refusal(path + " is not a file");
  if (info.st_uid != geteuid() && info.st_uid != 0)
    return refusal(path + " belongs to user " + std::to_string(info.st_uid) +
                   "; expected root or the user that the program runs as");
  bool group_may_read = readers == SecretReaders::kOwnerAndGroup || is_credential(path);
  if ((info.st_mode & (group_may_read ? 027u : 077u)) == 0) return {};
  char bits[8];
  std::snprintf(bits, sizeof bits, "%04o", static_cast<unsigned>(info.st_mode) & 07777u);
  return refusal(path + " has mode " + bits + " and is accessible to others; expected mode " +
                 (group_may_read ? "0400, 0440, 0600 or 0640" : "0400 or 0600"));
}

/// @return the content; or an errno.
int read_all(int fd, size_t max_bytes, std::string& ret_content) {
  ret_content.assign(max_bytes + 1, '\0');
  size_t size = 0;
  while (size < ret_content.size()) {
    ssize_t got = read(fd, ret_content.data() + size, ret_content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  ret_content.resize(size);
  return 0;
}

int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(fd) == 0 ? 0 : errno;
}

}  // namespace

Result<std::string> read_secret_file(const std::string& path_or_credential, size_t max_bytes, SecretReaders readers,
                                     std::string* ret_path) {
  auto path = path_of(path_or_credential);
  if (!path) return path.error();
  // Without O_NONBLOCK a FIFO would hold the program up.
  Descriptor file(open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (*file < 0) return system_error(*path, errno);
  if (auto status = check_mode(*file, *path, readers); !status) return status.error();
  std::string content;
  int failed = read_all(*file, max_bytes, content);
  if (failed != 0) return system_error(*path, failed);
  if (content.size() > max_bytes) {
    explicit_bzero(content.data(), content.size());
    return refusal(*path + " has more than " + std::to_string(max_bytes) + " bytes");
  }
  if (ret_path != nullptr) *ret_path = std::move(*path);
  return content;
}

Result<std::string> read_password(const std::string& path_or_credential) {
  std::string path;
  auto content = read_secret_file(path_or_credential, kMaxPasswordFileBytes, SecretReaders::kOwnerAndGroup, &path);
  if (!content) return refusal(content.error().message);
  std::string password = content->substr(0, content->find_first_of("\r\n"));
  explicit_bzero(content->data(), content->size());
  if (password.empty()) return refusal(path + " holds no password");
  if (password.size() > kMaxPasswordBytes) return refusal(path + ": the password has more than 512 bytes");
  return password;
}

Status write_secret_file(const std::string& path, std::string_view content) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600));
  if (*file < 0 && errno == EEXIST)
    return Error{Errc::kInvalidState, path + " exists already; a secret file is never overwritten"};
  if (*file < 0) return system_error(path, errno);
  int failed = write_all(*file, content);
  if (failed == 0) return {};
  unlink(path.c_str());
  return system_error(path, failed);
}

}  // namespace mas
