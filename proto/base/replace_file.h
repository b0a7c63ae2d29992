// A file that is replaced in one step: whoever opens it reads the old content or the new one, whole.
//
// Happy path: the content goes into a new file beside it, onto the disk, and then takes the file's name (rename(2)).
// Failure: kInvalidArgument with the path and the system's reason; the old file is then as it was, unless only the
// directory could not be written to the disk. A symbolic link or anything else that is not a file is refused. The file
// beside it (`.NAME.new`) is removed by the next call if a crash left it.
// Threading: any thread; callers that write the same path must exclude each other.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace mas {

/// Permissions as chmod(2) takes them, whatever the umask is.
struct FileMode {
  unsigned fresh = 0600;  ///< of a file that did not exist
  unsigned most = 0640;   ///< what an existing file keeps of its permissions; it also keeps owner and group
};

Status replace_file(const std::string& path, std::string_view content, FileMode mode = {});

}  // namespace mas
