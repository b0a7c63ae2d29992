// What an agent has sent and Redis has not yet answered.
//
// Happy path: send() encodes a message as a PUBLISH into the batch that is filling, under one lock and without
// allocating; the I/O thread takes the whole batch, hands its bytes to the connection in one go, and pairs the replies,
// which come in order, with the batch's records. Batches are reused.
//
// A message with nothing before it leaves from the sending thread, if nobody turns the loop just then: a wake-up less.
//
//     send() ─▶ filling ──drain()──▶ in flight (a queue of batches) ──on_reply()──▶ outcome ─▶ listener
//
// Failure: kWouldBlock when messages or bytes without an outcome reach the bound; kInvalidState when not open.
// Every message that was accepted gets exactly one outcome while the outbox is open.
// Threading: send, flush: any thread; the rest: the I/O thread. Ownership: shared by the agent and
// the messages that the application keeps; the listener must outlive the time it is open.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/redis/connection.h"
#include "proto/wire/keys.h"
#include "sdk/src/config.h"
#include "sdk/src/ring.h"

namespace mas::sdk {

class Runtime;

/// What kind of message an outcome is about; a request's id is also its correlation id.
enum class OutgoingKind : uint8_t { kMessage, kRequest };

class OutboxListener {
 public:
  virtual ~OutboxListener() = default;
  /// I/O thread. @param outcome ok, kNoReceiver, or why Redis did not take it.
  virtual void on_outcome(OutgoingKind kind, const Id128& id, std::string_view target, const Status& outcome) = 0;
};

/// A message that is to be sent. Texts and JSON are unchecked: send() checks them.
struct Draft {
  std::string_view target;
  std::string_view type;
  std::string_view json;            ///< empty: {}
  std::string_view correlation_id;  ///< of a reply
  OutgoingKind kind = OutgoingKind::kMessage;
};

class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  Outbox(const AgentConfig& config, const Keys& keys);

  /// @param wake called, at most once until the next drain(), when there is something to drain. I/O thread.
  void open(OutboxListener& listener, redis::Connection& connection, std::shared_ptr<Runtime> runtime,
            std::function<void()> wake);
  /// Nothing is accepted any more and nobody is told of what is under way. I/O thread.
  void close();

  /// @param id the message's id.
  Status send(const Draft& draft, const Id128& id, WallMicros now);

  /// Waits until everything accepted before the call has its outcome. @param timeout negative: for ever.
  Status flush(Duration timeout);

  void drain();

 private:
  struct Record {
    Id128 id;
    uint32_t bytes;
    uint32_t target_end;  // in Batch::targets; begins where the record before ends
    OutgoingKind kind;
  };
  struct Batch {
    std::string commands;
    std::string targets;
    std::vector<Record> records;
    size_t answered = 0;
  };

  Status check(const Draft& draft, std::string_view& data) const;
  Status append(const Draft& draft, const Id128& id, std::string_view envelope, bool& ret_alone);
  void send_now();
  std::shared_ptr<Runtime> runtime();
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void settle(size_t messages, size_t bytes);
  void recycle(std::unique_ptr<Batch> batch);

  const std::string sender_;
  const std::string channel_head_;  // "ns/agent."
  const size_t max_envelope_;
  const Bound bound_;

  std::mutex mutex_;
  std::condition_variable outcome_;
  bool open_ = false;
  bool drain_wanted_ = false;
  std::function<void()> wake_;
  std::shared_ptr<Runtime> runtime_;
  std::unique_ptr<Batch> filling_ = std::make_unique<Batch>();
  std::vector<std::unique_ptr<Batch>> spare_;
  size_t waiting_messages_ = 0;  // accepted, without outcome
  size_t waiting_bytes_ = 0;
  uint64_t accepted_ = 0;  // since construction
  uint64_t settled_ = 0;
  unsigned flushing_ = 0;  // threads in flush()

  // I/O thread only.
  OutboxListener* listener_ = nullptr;
  redis::Connection* connection_ = nullptr;
  Ring<std::unique_ptr<Batch>> in_flight_;
  size_t unsettled_messages_ = 0;  // have their outcome, not yet counted under the lock
  size_t unsettled_bytes_ = 0;
};

}  // namespace mas::sdk
