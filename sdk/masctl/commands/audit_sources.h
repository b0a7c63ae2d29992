// What `audit verify` reads from files: retired blocks, signed heads, public keys.
#pragma once

#include <string>
#include <vector>

#include "daemons/gatewayd/audit/heads.h"
#include "daemons/gatewayd/audit/verify.h"
#include "proto/base/result.h"

namespace mas::ctl {

/// A file of retired blocks whose first block could be read.
struct RetiredFile {
  std::string path;
  uint32_t partition = 0;
  uint64_t first_block = 0;
};

/// @param paths files, and folders of them. @return the files by partition and first block.
Result<std::vector<RetiredFile>> find_retired_files(const std::vector<std::string>& paths);

/// Gives the blocks of a file to the verifier.
Status feed_retired_file(const RetiredFile& file, gateway::audit::ChainVerifier& verifier);

/// Gives the lines of a file of heads to the ledger. @param ret_torn whether the last line is not whole: a gateway that
/// was stopped while it wrote.
Status feed_heads(const std::string& path, gateway::audit::HeadLedger& ledger, bool& ret_torn);

/// @param texts "ed25519:…", or files that hold that or PEM.
Result<std::vector<VerifyKey>> read_public_keys(const std::vector<std::string>& texts);

}  // namespace mas::ctl
