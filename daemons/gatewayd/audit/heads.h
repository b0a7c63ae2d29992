// Signed heads: the last block of every partition at one time, signed by a gateway. They protect the chains against
// anybody who can write to Redis.
//
//   {"head":{"version":1,"time":1795350097.286038,"namespace":"","gateway":"32 digits","key":"16 digits",
//    "heads":{"0":{"block":12,"hash":"64 digits"},…},"trimmed":{"0":{"block":3,"hash":"64 digits"},…},
//    "previous":"64 digits","lost":{"3":{"first":120,"last":131,"hash":"64 digits","kept":"64 digits","time":…},…}},
//    "signature":"128 digits"}
//
// On one line. The signature is Ed25519 over "mas.audit.head.v1" and the bytes of the member `head` as they stand
// between `"head":` and `,"signature"`; the head's hash, which the next head names as its previous one, is SHA-256 over
// the same. `trimmed` names, per partition, the last retired block; it and all before it may be gone from Redis.
// `lost`, where it is there, names blocks that the gateway had seen and that are gone (lost_blocks.h).
// Happy path: sign_head() makes the line for the stream, the log and the file; parse_head() reads it back.
// Failure: kMalformed with what is wrong. A head that parses is not checked yet: see signed_by().
// Threading: none. Ownership: values own their bytes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/gatewayd/audit/block.h"
#include "daemons/gatewayd/audit/verify.h"
#include "proto/wire/sign.h"

namespace mas::gateway::audit {

inline constexpr std::string_view kHeadDomain = "mas.audit.head.v1";
inline constexpr size_t kHeadBytes = 1024 * 1024;  ///< 1024 partitions take 250 KiB

struct Head {
  WallMicros time = 0;
  std::string ns;                  ///< the namespace, without '/'
  std::string gateway;             ///< its instance
  std::string key;                 ///< id of the key that signs
  std::vector<BlockHead> heads;    ///< by rising partition; those that have a block
  std::vector<BlockHead> trimmed;  ///< likewise; those that were ever trimmed
  Digest previous{};               ///< hash of the head before; zeros: none
  std::vector<LostBlocks> lost;    ///< by rising partition; noticed since the gateway's head before
};

struct SignedHead {
  Head head;
  std::string text;  ///< the signed bytes without the domain
  Digest hash{};
  Signature signature{};

  bool signed_by(const VerifyKey& key) const;
};

/// @param head its `key` is set here. @param ret_hash of the head. @return the line, without line break.
std::string sign_head(Head head, const SigningKey& key, Digest& ret_hash);

/// @param line trailing white space is allowed.
Result<SignedHead> parse_head(std::string_view line);

/// The heads of a stream or of files, checked and sorted by what they say about each partition.
class HeadLedger {
 public:
  /// @param keys those that are believed; may be empty: then no head is trusted.
  /// @param ns of the chains, without '/': heads of another namespace say nothing about them.
  explicit HeadLedger(const std::vector<VerifyKey>& keys, std::string ns = {}) : keys_(keys), ns_(std::move(ns)) {}

  /// Takes a line from where each head follows the one before (the stream). @param place names it in complaints.
  void add_in_order(std::string_view line, std::string_view place) { add(line, place, true); }
  /// Takes a line from a file, where the heads of other gateways may be missing in between.
  void add_loose(std::string_view line, std::string_view place) { add(line, place, false); }
  /// Takes what a line says about trimmed blocks only: it may name blocks newer than those that were read.
  void add_marks(std::string_view line);

  const Anchors& of(uint32_t partition) const;
  /// Partitions that any head names, rising.
  std::vector<uint32_t> partitions() const;

  size_t trusted() const { return trusted_; }
  size_t untrusted() const { return untrusted_; }  ///< unknown key, no key given, or a signature that does not fit
  WallMicros last_time() const { return last_time_; }
  /// What is wrong with the heads themselves: unreadable ones, gaps between them, those of another namespace. Not what
  /// they say.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  size_t signer(const SignedHead& head) const;
  void add(std::string_view line, std::string_view place, bool in_order);
  void check_order(const SignedHead& head, size_t key, std::string_view place);
  static void take(std::vector<std::pair<uint32_t, Anchors>>& all, const SignedHead& head, bool trusted,
                   bool marks_only);

  const std::vector<VerifyKey>& keys_;
  const std::string ns_;
  std::vector<std::pair<uint32_t, Anchors>> anchors_;  // by rising partition
  size_t trusted_ = 0, untrusted_ = 0;
  WallMicros last_time_ = 0;
  std::vector<std::optional<Digest>> before_;  // by key: the hash of its last head in the stream
  std::vector<std::string> complaints_;
};

}  // namespace mas::gateway::audit
