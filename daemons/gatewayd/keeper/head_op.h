// Writes one signed head: looks at the last block of every partition and at the last head, signs, adds, appends to a
// file.
//
//     idle ──start──▶ reading ──▶ adding ──▶ storing ──▶ idle        (any failure, nothing new: back to idle)
//
// reading: the hashes of the blocks that were last before, XREVRANGE of the heads and of every partition's blocks, one
// round trip; in this order, since a block that was retired is named by a head before it goes. adding: a script that
// adds the head only if no other gateway added one meanwhile, so that every head names the one before it. storing: the
// line goes to the file and is synced, on another thread.
// What is gone of what this gateway has seen (audit/chain_memory.h) is named by the head.
// Failure: the callback gets it; nothing is half done but the file, which may lack a head that the stream has.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its callback.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemons/gatewayd/audit/chain_memory.h"
#include "daemons/gatewayd/audit/heads.h"
#include "daemons/gatewayd/keeper/background_work.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/wire/keys.h"

namespace mas::gateway {

/// What a gateway signs with, and what it believes of others.
struct HeadSigner {
  SigningKey key;
  VerifyKey verify;
  std::string gateway;  ///< instance
};

struct HeadRequest {
  unsigned partitions = 0;
  std::map<uint32_t, audit::BlockHead> marks;  ///< retired by this gateway
  Duration fresh{};                            ///< another gateway's head of this age is enough; 0: none is
  std::string heads_file;                      ///< empty: none
};

/// A chain that ends before the block that the last head named, or with another one of its number.
struct ChainLoss {
  uint32_t partition = 0;
  uint64_t signed_block = 0;
  uint64_t last_block = 0;  ///< that is there; 0: none
};

struct HeadResult {
  bool written = false;  ///< false: nothing was new, another gateway's head was fresh, or was added meanwhile
  bool raced = false;    ///< another was added meanwhile: try again
  std::string entry;
  Digest hash{};
  std::vector<ChainLoss> lost;  ///< compared with the last head
  uint64_t blocks = 0;          ///< numbers of the last blocks, added up
};

class HeadOp {
 public:
  using Done = std::function<void(const Result<HeadResult>&)>;
  enum class State : uint8_t { kIdle, kReading, kAdding, kStoring };

  HeadOp(uv_loop_t* loop, redis::Client& redis, const Keys& keys, audit::ChainMemory& chains, HeadSigner signer,
         Done done);
  ~HeadOp();
  HeadOp(const HeadOp&) = delete;
  HeadOp& operator=(const HeadOp&) = delete;

  /// Not unless idle().
  void start(HeadRequest request);
  /// Ends it without a call of the callback.
  void cancel();
  bool idle() const { return state_.is(State::kIdle); }

 private:
  /// A block that was the last of its partition when it was read.
  struct SeenBlock {
    audit::BlockHead block;
    std::string entry;
    unsigned reports = 0;  ///< ChainMemory::times_reported() then
  };

  void on_read(uint64_t tag, const redis::Answer& answer);
  Status take(uint64_t tag, const redis::Answer& answer);
  void take_heads(const redis::Reply& entries);
  void take_tip(uint32_t partition, const redis::Reply& entries);
  void take_seen(const SeenBlock& seen, const redis::Reply& hash);
  void decide();
  void note_cut_chains();
  void note_lost_blocks(WallMicros now);
  uint64_t trimmed_to(uint32_t partition) const;
  bool changed(const audit::Head& next) const;
  bool fresh_enough(WallMicros now) const;
  void add(audit::Head next);
  void on_added(uint64_t tag, const redis::Answer& answer);
  void store();
  void finish(const Result<HeadResult>& result);

  redis::Client& redis_;
  size_t left_ = 0;  // answers of what is being read
  const Keys& keys_;
  audit::ChainMemory& chains_;
  HeadSigner signer_;
  Done done_;
  StateMachine<State> state_;
  HeadRequest request_;
  std::string last_entry_;      // of the stream of heads, empty: none
  audit::SignedHead previous_;  // the last one under our key
  bool has_previous_ = false;
  Digest own_last_{};                   // for when the stream was taken away
  std::vector<audit::BlockHead> tips_;  // by rising partition
  audit::ChainMemory::Tips known_;      // of the chains, when Redis was asked
  std::vector<SeenBlock> seen_, read_;  // by the last reading, and by this one
  std::vector<SeenBlock> gone_;         // of seen_
  std::vector<audit::LostBlocks> naming_;
  std::string line_;
  HeadResult result_;
  BackgroundWork work_;
};

}  // namespace mas::gateway
