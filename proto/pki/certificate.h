// What is in X.509 certificates: names, times, purpose.
//
// Happy path: read_certificates() of a PEM file gives each certificate in it, in order; keys in the file are skipped.
// Failure: kNotFound where there is no such file, else kInvalidArgument; the sentence names the file and what was
// expected.
// Threading: any thread. Ownership: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace mas::pki {

/// What a certificate may be used for in TLS (extended key usage).
enum class Purpose : uint8_t {
  kClient,  ///< to connect
  kServer   ///< to be connected to, and to connect
};

struct Certificate {
  std::string serial;              ///< hexadecimal
  std::string subject;             ///< "O=example.org, CN=redis1"
  std::vector<std::string> names;  ///< "DNS:redis1", "IP:10.0.0.1", "URI:spiffe://example.org/agent/bob"; in order
  int64_t not_before = 0;          ///< seconds since 1970
  int64_t not_after = 0;           ///< seconds since 1970
  bool authority = false;          ///< it may sign others
  Purpose purpose = Purpose::kClient;
};

/// @param file its name, for errors.
Result<std::vector<Certificate>> parse_certificates(std::string_view pem, const std::string& file);
Result<std::vector<Certificate>> read_certificates(const std::string& path);
/// @return the file as it is: any that is a file of at most 4 MiB.
Result<std::string> read_certificate_text(const std::string& path);

/// @return ok where the first certificate of a PEM text has the key of another. @param file its name, for errors.
Status check_pair(std::string_view certificate, std::string_view key, const std::string& file);

/// @return when a file of a certificate and its chain stops being good: the earliest end.
int64_t chain_ends(const std::vector<Certificate>& chain);
/// @return when a file of authorities trusts nobody any more: the latest end.
int64_t trust_ends(const std::vector<Certificate>& authorities);

}  // namespace mas::pki
