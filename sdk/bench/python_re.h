// What a list of regular expressions, run one after the other by Python's `re`, does with the same payloads: the way
// such scanning is usually begun, as the yardstick of `masctl dlp bench`.
//
// Failure: kNotFound where there is no python3; kInternal where it fails. Threading: none.
#pragma once

#include <string>
#include <vector>

#include "proto/base/result.h"

namespace mas::ctl {

/// Bytes and processor time.
struct ScanRate {
  double bytes = 0, seconds = 0;
  double megabytes_per_second() const { return seconds > 0 ? bytes / seconds / 1e6 : 0; }
};

/// Runs python3 over the payloads (of one line each) for about `seconds` of its processor time.
Result<ScanRate> measure_python(const std::vector<std::string>& payloads, double seconds);

}  // namespace mas::ctl
