// Retires what is older than the retention of one partition after another; trims it when told to.
//
//     idle ──start──▶ reading ──▶ storing ──▶ reading … ──▶ idle     trim(): idle ──▶ trimming ──▶ idle
//
// reading: a page of entries that are old enough, never the partition's last one, which the chain goes on from.
// storing: the page goes to the files of retired blocks and is synced, on another thread. What was retired is reported,
// so that a signed head can say so before trim() takes it out of Redis by XTRIM MINID.
// Failure: a partition whose entries do not fit together is reported and left as it is; a failure of Redis or of the
// disk ends the round, and what was retired so far is reported.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its callback.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemons/gatewayd/keeper/background_work.h"
#include "daemons/gatewayd/keeper/retired_block_store.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/wire/keys.h"

namespace mas::gateway {

/// How far a partition was retired.
struct RetiredUpTo {
  audit::BlockHead block;
  std::string entry;
  uint64_t blocks = 0;
};

struct RetireRound {
  std::map<uint32_t, RetiredUpTo> retired;
  std::vector<Error> errors;
};

class RetireOp {
 public:
  enum class State : uint8_t { kIdle, kReading, kStoring, kTrimming };
  using Retired = std::function<void(const RetireRound&)>;
  using Trimmed = std::function<void(const Result<uint64_t>&)>;

  RetireOp(uv_loop_t* loop, redis::Client& redis, const Keys& keys, std::shared_ptr<RetiredBlockStore> store,
           Retired retired, Trimmed trimmed);
  ~RetireOp();
  RetireOp(const RetireOp&) = delete;
  RetireOp& operator=(const RetireOp&) = delete;

  /// @param older_than entries whose id is before this time. Not unless idle().
  /// @param file_size see RetiredBlockStore::append.
  void start(std::vector<unsigned> partitions, WallMicros older_than, uint64_t file_size);
  /// Takes out of Redis what the last round retired. Not unless idle().
  void trim();
  void cancel();
  bool idle() const { return state_.is(State::kIdle); }

 private:
  void next_partition();
  void read_page();
  void on_page(uint64_t tag, const redis::Answer& answer);
  Status take_page(const redis::Reply& entries);
  void store_page();
  void on_stored(const Status& status);
  void on_trimmed(uint64_t tag, const redis::Answer& answer);
  void fail(const Error& error, bool go_on);
  void finish_round();

  redis::Client& redis_;
  size_t left_ = 0;  // answers of the trim
  const Keys& keys_;
  std::shared_ptr<RetiredBlockStore> store_;
  Retired retired_;
  Trimmed trimmed_;
  StateMachine<State> state_;
  std::vector<unsigned> partitions_;  // still to do, the next one last
  unsigned partition_ = 0;
  WallMicros older_than_ = 0;
  uint64_t file_size_ = 0;
  std::string from_;        // where the next page begins
  std::string last_entry_;  // the partition's last one stays
  std::shared_ptr<std::vector<RetiredBlock>> page_;
  bool last_page_ = false;
  RetireRound round_;
  uint64_t trimmed_count_ = 0;
  BackgroundWork work_;
};

}  // namespace mas::gateway
