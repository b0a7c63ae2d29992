// Files of an authority, and their lock.
#include "sdk/masctl/certs/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "proto/base/clock.h"
#include "proto/base/replace_file.h"
#include "proto/base/secret_file.h"
#include "proto/pki/certificate.h"
#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

namespace {

constexpr Duration kLockWait = std::chrono::seconds(10), kLockPause = std::chrono::milliseconds(20);
constexpr size_t kMaxKeyBytes = 64 * 1024;
constexpr const char* kKeyFile = "ca.key";

Error failed(const std::string& path, std::string_view expected) {
  const int number = errno;
  return Error{number == ENOENT ? Errc::kNotFound : Errc::kInvalidArgument,
               visible(path) + ": " + std::strerror(number) + "; expected " + std::string(expected)};
}

/// Whoever can write the folder can put another authority into it.
Status check_folder(int fd, const std::string& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return failed(path, "a folder");
  if ((info.st_uid == geteuid() || info.st_uid == 0) && (info.st_mode & 022u) == 0) return {};
  return Error{
      Errc::kInvalidArgument,
      visible(path) + " can be changed by others; expected a folder of this user's or root's, mode 0700 or 0755"};
}

}  // namespace

Result<CertFolder> CertFolder::open(const std::string& path, bool create) {
  const bool made = create && mkdir(path.c_str(), 0700) == 0;
  if (create && !made && errno != EEXIST) return failed(path, "a folder that can be made");
  int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(path, "the folder of an authority (masctl certs init)");
  CertFolder out(path, fd);
  if (made && fchmod(fd, 0700) != 0) return failed(path, "a folder");  // whatever the umask was
  if (auto status = check_folder(fd, path); !status.ok()) return status.error();
  const MonoTime give_up = mono_now() + kLockWait;  // whoever can read the folder can lock it
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failed(path, "a folder that can be locked");
    if (mono_now() >= give_up)
      return Error{Errc::kUnavailable, visible(path) + " is locked by another program (flock); try again"};
    std::this_thread::sleep_for(kLockPause);
  }
  return out;
}

CertFolder::~CertFolder() {
  if (fd_ >= 0) close(fd_);
}

CertFolder::CertFolder(CertFolder&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

bool CertFolder::has_authority() const { return access(path_of(kAuthorityFile).c_str(), F_OK) == 0; }

Status CertFolder::make_authority(const std::string& domain, int64_t lifetime, int64_t now) const {
  const std::string key_path = path_of(kKeyFile);
  Secret key;
  auto text = read_secret_file(key_path, kMaxKeyBytes, SecretReaders::kOwner);
  if (text.ok()) {
    key = Secret(*text);
    wipe(*text);
  } else if (text.error().code == Errc::kNotFound) {
    key = pki::new_key();
    if (auto status = replace_file(key_path, key.text(), {.fresh = 0600, .most = 0600}); !status.ok()) return status;
  } else {
    return text.error();
  }
  auto certificate = pki::Authority::create(domain, key.text(), lifetime, now);
  if (!certificate.ok()) return certificate.error().in(visible(key_path));
  return replace_file(path_of(kAuthorityFile), *certificate, {.fresh = 0644, .most = 0644});
}

Result<pki::Authority> CertFolder::authority() const {
  const std::string file = path_of(kAuthorityFile), key_path = path_of(kKeyFile);
  auto certificate = pki::read_certificate_text(file);
  if (!certificate.ok()) return certificate.error().in("no authority here; 'masctl certs init' makes one");
  auto key = read_secret_file(key_path, kMaxKeyBytes, SecretReaders::kOwner);
  if (!key.ok()) return key.error().in("the authority's key");
  auto authority = pki::Authority::from_pem(*certificate, *key, file);
  wipe(*key);
  if (!authority.ok()) return authority.error().in(visible(key_path));
  return authority;
}

Result<IssuedFile> CertFolder::read(const std::string& name, const pki::Authority& authority) const {
  const std::string path = path_of(name);
  auto text = pki::read_certificate_text(path);  // the file may be another user's, such as Redis's
  if (!text.ok()) return text.error();
  auto certificates = pki::parse_certificates(*text, visible(path));
  IssuedFile out{name, {}, certificates.ok() && authority.signed_this(*text)};
  wipe(*text);
  if (!certificates.ok()) return certificates.error();
  out.certificate = std::move(certificates->front());
  out.ours = out.ours && name == certificate_file_name(out.certificate.names, authority.domain());
  return out;
}

Status CertFolder::write(const std::string& name, const pki::Issued& issued) const {
  std::string text;
  reserve_wiping(text, issued.key.text().size() + issued.certificate.size());
  text.append(issued.key.text()).append(issued.certificate);
  auto status = replace_file(path_of(name), text);
  wipe(text);
  return status;
}

std::string certificate_file_name(const std::vector<std::string>& names, const std::string& domain) {
  if (names.empty()) return {};
  const std::string head = "URI:spiffe://" + domain + "/";
  const std::string& name = names.front();
  if (!name.starts_with("URI:")) return "server-" + name.substr(name.find(':') + 1) + ".pem";
  if (names.size() != 1 || !name.starts_with(head)) return {};
  std::string out = name.substr(head.size()) + ".pem";
  auto slash = out.find('/');
  if (slash == std::string::npos) return {};
  out[slash] = '-';
  return out;
}

Result<std::vector<std::string>> certificate_files(const std::string& folder) {
  struct Close {
    void operator()(DIR* dir) const { closedir(dir); }
  };
  std::unique_ptr<DIR, Close> dir(opendir(folder.c_str()));
  if (dir == nullptr) return failed(folder, "the folder of an authority (masctl certs init)");
  std::vector<std::string> names;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name.ends_with(".pem") && !name.starts_with('.')) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace mas::ctl
