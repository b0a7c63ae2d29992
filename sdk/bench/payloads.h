// Payloads for `masctl dlp bench`: JSON as agents send it, three of four without anything to find. Made up, always the
// same, never taken from anybody. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mas::ctl {

/// @param bytes of each, at least 64. @return one-line JSON objects of exactly that size.
std::vector<std::string> bench_payloads(size_t bytes, size_t count);

}  // namespace mas::ctl
