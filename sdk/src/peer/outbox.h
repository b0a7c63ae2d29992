// Peer-to-peer sending: what an agent has published and Redis has not yet answered.
//
// Happy path: accept() encodes a message as a PUBLISH into the batch that is filling, without allocating; the I/O
// thread takes the whole batch, hands its bytes to Redis's client in one go, and pairs the replies with the batch's
// records: their tag has the batch's number and the record's. On one server they come in order; on a cluster, where a
// batch goes to several nodes, they need not. Batches are reused.
//
//     accept() ─▶ filling (▶ full) ──drain()──▶ in flight (a queue of batches) ──on_reply()──▶ outcome ─▶ listener
//
// Long messages are paced (PublishPace): they form batches of about a mebibyte, and while one is held back everything
// behind it waits, for an answer or its time.
// Failure, threading, ownership: see Outbox. drain, on_reply, close: the I/O thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/client.h"
#include "proto/wire/keys.h"
#include "sdk/src/core/outbox.h"
#include "sdk/src/core/ring.h"
#include "sdk/src/peer/publish_pace.h"

namespace mas::sdk {

class ChannelOutbox final : public Outbox {
 public:
  ChannelOutbox(const AgentConfig& config, const Keys& keys, std::shared_ptr<const RedisClock> clock,
                std::shared_ptr<Tracer> tracer)
      : Outbox(config, std::move(clock), std::move(tracer), config.outbound),
        channel_head_(keys.channel_head()),
        channel_tail_(keys.channel_tail()),
        publish_(keys.layout() == KeyLayout::kCluster ? "*3\r\n$8\r\nSPUBLISH\r\n" : "*3\r\n$7\r\nPUBLISH\r\n") {}

  /// @param client must outlive the time the outbox is open. The rest: see Outbox.
  void open(OutboxListener& listener, redis::Client& client, std::shared_ptr<Runtime> runtime,
            std::function<void()> wake);
  void drain();
  /// Whoever keeps time for this outbox is told when to drain it again. While it is open.
  void on_wait(std::function<void(Duration)> wait) { wait_ = std::move(wait); }
  /// @return whether the client has everything that was accepted.
  bool drained();
  /// Whoever waits for that is told when it may have come true.
  void on_progress(std::function<void()> told) { told_ = std::move(told); }
  /// Nothing is accepted any more and nobody is told of what is under way.
  void close();

 private:
  struct PublishedMessage {
    Id128 id;
    uint32_t bytes;
    uint32_t target_end;  // in Batch::targets; begins where the record before ends
    OutgoingKind kind;
  };
  struct Batch {
    std::string commands;
    std::string targets;
    std::vector<PublishedMessage> records;
    size_t answered = 0;
    std::optional<Error> unreachable;  // why a message of it was not sent
    size_t charge = 0;                 // see PublishPace
  };

  Status accept(const Draft& draft, const Id128& id, WallMicros now) override;
  void write_out() override;
  std::unique_ptr<Batch> spare();
  std::unique_ptr<Batch> take(bool& ret_more);
  void write(std::unique_ptr<Batch> batch);
  void refuse(std::unique_ptr<Batch> batch, const Error& why);
  void refuse_all(const Error& why);
  void on_paced(size_t charge, const std::optional<Error>& unreachable);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void answered(Batch& batch, size_t message, const redis::Answer& reply);
  void finish(std::unique_ptr<Batch> batch);
  void recycle(std::unique_ptr<Batch> batch);

  const std::string channel_head_, channel_tail_;  // "ns/agent."; on a cluster "ns/agent.{" and "}"
  const std::string_view publish_;                 // the head of each command

  // Guarded by mutex_.
  std::unique_ptr<Batch> filling_ = std::make_unique<Batch>();
  std::deque<std::unique_ptr<Batch>> full_;  // before filling_
  std::vector<std::unique_ptr<Batch>> spare_;

  // I/O thread only.
  redis::Client* client_ = nullptr;  // while open
  Ring<std::unique_ptr<Batch>> in_flight_;
  uint32_t first_in_flight_ = 0;   // its number; the others count on from it
  size_t unsettled_messages_ = 0;  // have their outcome, not yet counted under the lock
  size_t unsettled_bytes_ = 0;
  PublishPace pace_;
  std::function<void(Duration)> wait_;
  std::function<void()> told_;
};

}  // namespace mas::sdk
