// `explain --message FILE`: one message's way through the gateway.
#pragma once

#include <string>

#include "sdk/masctl/cli/cli.h"

namespace mas::ctl {

struct ExplainMessageOptions {
  std::string file;  ///< "-": standard input
  std::string config, dlp_rules;
};

/// @param profile empty: that of the configuration, else of the gateways that run.
Result<Document> explain_message_file(Context& context, const ExplainMessageOptions& options,
                                      const std::string& profile);

}  // namespace mas::ctl
