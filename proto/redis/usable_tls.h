// The TLS context for files as they are now, or, while they cannot be used, as they were.
//
// Happy path: each new link asks anew, so that it uses new files.
// Failure: files that cannot be used now are as if they had not changed: the context of the last time that they could
// be used in this process is kept. Without one the error is that of TlsContext::create().
// Threading: any thread. Ownership: the last sixteen sets of files are kept, until the process ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proto/redis/tls.h"

namespace mas::redis {

/// @param ret_now whether the files can be used as they are now; nullptr if it does not matter.
Result<std::shared_ptr<TlsContext>> usable_context(const TlsFiles& files, Status* ret_now = nullptr);

/// A server that this process had a link to.
struct ServerCertificate {
  std::string name;  ///< that its certificate carries
  int64_t ends = 0;  ///< of its last link's certificate, in seconds since 1970
};

/// @return those that were seen last, at most 64.
std::vector<ServerCertificate> seen_servers();
/// For TlsSession.
void remember_server(const std::string& name, int64_t ends);

}  // namespace mas::redis
