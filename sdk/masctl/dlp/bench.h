// `masctl dlp bench`: how fast the engine scans, beside Python's `re` over the same payloads in the same run.
#pragma once

#include "sdk/masctl/cli/cli.h"

namespace mas::ctl {

struct DlpBenchOptions {
  size_t size = 0;     ///< bytes of a payload; 0: 256, 1 KiB and 16 KiB
  double seconds = 2;  ///< for each side and size
  std::string rules;   ///< file; empty: the defaults
};
Result<Document> bench_dlp(Context& context, const DlpBenchOptions& options);

}  // namespace mas::ctl
