// The folder of a private certificate authority, and the certificates that it issued.
//
//   ca.crt            the authority's certificate, for everybody (0644)
//   ca.key            its key (0600)
//   agent-bob.pem     key and certificate of one agent, daemon, operator or server in one file (0600)
//
// Key and certificate are one file, so that one rename replaces both: whoever opens it finds a pair that fits.
// Failure: kInvalidArgument or kNotFound with the file and what was expected; never what a key's file holds.
// Threading: none. Ownership: a folder that was opened to change it is locked (flock) until it goes away.
#pragma once

#include <string>
#include <vector>

#include "proto/base/result.h"
#include "proto/pki/authority.h"

namespace mas::ctl {

/// What a file of the folder holds.
struct IssuedFile {
  std::string name;  ///< "agent-bob.pem"
  pki::Certificate certificate;
  /// Signed by the folder's authority, and in the file that its names belong into. Another user may own a file and
  /// write another certificate into it, which renewing must not give this user a key for.
  bool ours = true;
};

class CertFolder {
 public:
  /// Locks it, and waits ten seconds for who has locked it (kUnavailable).
  /// @param create make the folder (0700) where there is none.
  static Result<CertFolder> open(const std::string& path, bool create);
  ~CertFolder();
  CertFolder(CertFolder&& other) noexcept;
  CertFolder& operator=(CertFolder&&) = delete;

  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  /// @return whether ca.crt is there.
  bool has_authority() const;
  /// Makes key and certificate; a key that is there without a certificate is used.
  Status make_authority(const std::string& domain, int64_t lifetime, int64_t now) const;
  Result<pki::Authority> authority() const;

  /// @return kNotFound where there is no such file.
  Result<IssuedFile> read(const std::string& name, const pki::Authority& authority) const;
  Status write(const std::string& name, const pki::Issued& issued) const;

 private:
  CertFolder(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;
};

inline constexpr const char* kAuthorityFile = "ca.crt";

/// @param names of a certificate. @return the file that it belongs into, "agent-bob.pem"; empty for names of others.
std::string certificate_file_name(const std::vector<std::string>& names, const std::string& domain);

/// @return the names of the folder's files of certificates (*.pem), sorted.
Result<std::vector<std::string>> certificate_files(const std::string& folder);

}  // namespace mas::ctl
