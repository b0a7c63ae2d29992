// What doctor knows of certificates, and its judgement: those of masctl's own URL, of Redis, and of daemons.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "sdk/masctl/redis/settings.h"

namespace mas::ctl {

struct Facts;
struct Finding;

/// A file of masctl's URL, or what a server showed.
struct CertificateFact {
  std::string file;                   ///< of a server: "the server redis1"
  std::optional<Error> unreadable{};  ///< nothing below is set when it is
  int64_t expires = 0;                ///< seconds since 1970
};

/// Reads the files that the URL names. @return nothing for a URL without TLS.
std::vector<CertificateFact> read_certificates(const Settings& settings);

/// Appends a finding per file: a warning 14 days before its end, a failure after it. Pure.
void check_certificates(const Facts& facts, std::vector<Finding>& out);

}  // namespace mas::ctl
