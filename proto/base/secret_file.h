// Files that hold a secret: found by path or by the name of a systemd credential, refused when others could read them.
//
// Failure: kNotFound where there is no such file, else kInvalidArgument; the sentence names the file and what is wrong
// with it, never what it holds. Threading: any thread.
#pragma once

#include <string>

#include "proto/base/result.h"

namespace mas {

/// Who may read a secret's file besides its owner. Only the owner may write it.
enum class SecretReaders {
  kOwner,          ///< mode 0400 or 0600; a systemd credential may be 0440
  kOwnerAndGroup,  ///< 0440 and 0640 too
};

/// Reads a secret's file. A credential of systemd (LoadCredential=) is given to the service's user by an ACL, whose
/// mask shows as the group's permission, so the group may always read a file in $CREDENTIALS_DIRECTORY.
/// @param path_or_credential a path; without '/' the name of a credential in $CREDENTIALS_DIRECTORY.
/// @param max_bytes a longer file is refused.
/// @param ret_path where the secret was, for further errors; nullptr if it does not matter.
Result<std::string> read_secret_file(const std::string& path_or_credential, size_t max_bytes, SecretReaders readers,
                                     std::string* ret_path = nullptr);

/// @return the first line of a file that only its owner and group can read: 1 to 512 bytes. Else kInvalidArgument.
Result<std::string> read_password(const std::string& path_or_credential);

/// Writes a new file of mode 0600, whose content is on disk when this returns. A file that could not be written whole
/// is removed. @return kInvalidState when `path` exists.
Status write_secret_file(const std::string& path, std::string_view content);

}  // namespace mas
