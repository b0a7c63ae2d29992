// A private certificate authority: makes itself, and certificates for servers, agents, daemons and operators.
//
// Happy path: create() once; from_pem() later; issue() as often as wanted.
// Every certificate has a P-256 key of its own (ECDSA with SHA-256), a serial of 128 random bits, and begins five
// minutes ago, for clocks that are behind. The authority may sign leaves only (path length 0), and SPIFFE names of its
// domain only (name constraint). A leaf never outlives its authority.
// Failure: kInvalidArgument with what was expected. What only a broken OpenSSL can refuse ends the process.
// Threading: immutable; any thread. Ownership: copies share OpenSSL's objects.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/base/secret.h"
#include "proto/pki/certificate.h"

struct evp_pkey_st;
struct x509_st;

namespace mas::pki {

/// How far in the past a new certificate begins, in seconds.
inline constexpr int64_t kBackdated = 300;

/// A certificate and its key, each as PEM.
struct Issued {
  std::string certificate;
  Secret key;
};

struct LeafWish {
  std::string common_name;         ///< empty: none
  std::vector<std::string> names;  ///< as Certificate::names has them; at least one
  Purpose purpose = Purpose::kClient;
  int64_t lifetime = 0;  ///< seconds from now
};

/// @return ok for a SPIFFE trust domain: 1 to 255 of [a-z0-9._-], and not an IPv4 address.
Status check_domain(std::string_view domain);

/// A new P-256 key as PEM (PKCS#8).
Secret new_key();

class Authority {
 public:
  /// @param key_pem of new_key(), or of an authority that is made again. @param lifetime seconds from now.
  /// @param now seconds since 1970. @return the authority's certificate as PEM.
  static Result<std::string> create(const std::string& domain, std::string_view key_pem, int64_t lifetime, int64_t now);

  /// @param file name of the certificate's file, for errors.
  static Result<Authority> from_pem(std::string_view certificate, std::string_view key, const std::string& file);

  const std::string& domain() const { return domain_; }
  int64_t not_after() const { return not_after_; }

  /// @param now seconds since 1970.
  Result<Issued> issue(const LeafWish& wish, int64_t now) const;

  /// @return whether the first certificate of a PEM text was signed by this authority.
  bool signed_this(std::string_view pem) const;

 private:
  Authority() = default;

  std::string domain_;
  int64_t not_after_ = 0;
  std::shared_ptr<x509_st> certificate_;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace mas::pki
