// Peer-to-peer sending: what an agent has published and Redis has not yet answered.
//
// Happy path: send() encodes a message as a PUBLISH into the batch that is filling, without allocating; the I/O thread
// takes the whole batch, hands its bytes to the connection in one go, and pairs the replies, which come in order, with
// the batch's records. Batches are reused.
//
//     send() ─▶ filling ──drain()──▶ in flight (a queue of batches) ──on_reply()──▶ verdict ─▶ listener
//
// Failure, threading, ownership: see Outbox. drain, on_reply, close: the I/O thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proto/redis/connection.h"
#include "proto/wire/keys.h"
#include "sdk/src/outbox.h"
#include "sdk/src/ring.h"

namespace mas::sdk {

class ChannelOutbox final : public Outbox {
 public:
  ChannelOutbox(const AgentConfig& config, const Keys& keys)
      : Outbox(config, config.outbound), channel_head_(keys.channel("")) {}

  Status send(const Draft& draft, const Id128& id, WallMicros now) override;

  /// @param connection must outlive the time the outbox is open. The rest: see Outbox.
  void open(OutboxListener& listener, redis::Connection& connection, std::shared_ptr<Runtime> runtime,
            std::function<void()> wake);
  void drain();
  /// Nothing is accepted any more and nobody is told of what is under way.
  void close();

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

  void write_out() override;
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void recycle(std::unique_ptr<Batch> batch);

  const std::string channel_head_;  // "ns/agent."

  // Guarded by mutex_.
  std::unique_ptr<Batch> filling_ = std::make_unique<Batch>();
  std::vector<std::unique_ptr<Batch>> spare_;

  // I/O thread only.
  redis::Connection* connection_ = nullptr;  // while open
  Ring<std::unique_ptr<Batch>> in_flight_;
  size_t unsettled_messages_ = 0;  // have their verdict, not yet counted under the lock
  size_t unsettled_bytes_ = 0;
};

}  // namespace mas::sdk
