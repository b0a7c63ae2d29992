// Looks at registry entries and brings the index in line with what is there.
//
//     idle ──start──▶ reading ──all entries seen──▶ writing ──written──▶ idle, done
//                        └────── nothing to write ──────────────────────▶
//
// Only one look is under way at a time, so the last look at an entry decides, and its write is the last one too.
// Failure: done says why; what was seen until then is in the registry but perhaps not in the index, so the owner builds
// the index again.
// Threading: loop thread. Ownership: may be destroyed at any time; nobody is called then.
#pragma once

#include <string>
#include <vector>

#include "daemons/registryd/index_write_op.h"
#include "daemons/registryd/registry.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/wire/keys.h"

namespace mas::registry {

class LookupListener {
 public:
  virtual ~LookupListener() = default;
  virtual void on_not_indexed(std::string_view id, const std::string& why) = 0;
  /// A valid entry found no room in the registry.
  virtual void on_overfull() = 0;
  virtual void on_looked_up(const Status& status) = 0;
};

class LookupOp {
 public:
  enum class State : uint8_t { kIdle, kReading, kWriting };
  /// Entries per look; bounds what is in flight.
  static constexpr size_t kBatch = 256;

  LookupOp(redis::Client& redis, const Keys& keys, Registry& registry, LookupListener& listener);
  ~LookupOp() { redis_.forget(this); }
  LookupOp(const LookupOp&) = delete;
  LookupOp& operator=(const LookupOp&) = delete;

  /// @param ids each once, 1 to kBatch of them. @param assert_all see Registry::observe.
  /// @return an error when nothing was sent; the listener is not called then.
  Status start(std::vector<std::string> ids, bool assert_all);
  bool idle() const { return state_.is(State::kIdle); }
  uint64_t write_commands() const { return writer_.commands(); }

 private:
  void on_entries(uint64_t tag, const redis::Answer& answer);
  void see(std::string_view id, const redis::Reply& reply);
  void write();
  void finish(const Status& status);

  redis::Client& redis_;
  const Keys& keys_;
  Registry& registry_;
  LookupListener& listener_;
  const size_t per_script_;
  StateMachine<State> state_;
  IndexWriteOp writer_;
  std::vector<std::string> ids_;
  bool assert_all_ = false;
  size_t answered_ = 0;  // scripts
  IndexWrites writes_;
  Status status_;
};

}  // namespace mas::registry
