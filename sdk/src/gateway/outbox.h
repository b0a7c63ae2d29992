// Sending in gateway mode: messages leave in frames, and receipts say what became of them.
//
// Happy path: accept() writes a message's record into the batch that is filling; the I/O thread moves what has filled
// into the window (FrameWindow: numbers, resends), and FrameWriter's frames go out with one RPUSH. What is sent while
// that is under way goes out with the next, so batches form by themselves and an idle agent waits for nothing.
//
//     accept() ─▶ filling ──pump()──▶ window ──RPUSH──▶ mas.ingress:{p} … mas.receipts ──on_receipt()──▶ outcome
//
// Failure: whatever is lost on the way is sent again under the same numbers, with a fresh frame id and timestamp, until
// there is a receipt. A frame that Redis refuses for good (permission) is refused for its messages. When the gateway
// waits for a number that was settled, on_receipt and on_time say so: the session starts a new instance.
// Threading, ownership: see Outbox.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/secret.h"
#include "proto/redis/client.h"
#include "proto/wire/credentials.h"
#include "proto/wire/failure_report.h"
#include "proto/wire/keys.h"
#include "sdk/src/core/instances.h"
#include "sdk/src/core/outbox.h"
#include "sdk/src/gateway/frame_window.h"
#include "sdk/src/gateway/frame_writer.h"
#include "sdk/src/gateway/send_batch.h"

namespace mas::sdk {

class GatewayOutbox final : public Outbox, private FrameWindowListener {
 public:
  GatewayOutbox(const AgentConfig& config, const Keys& keys, std::shared_ptr<const RedisClock> clock,
                std::shared_ptr<Tracer> tracer, const Instances& instances);
  ~GatewayOutbox() override;

  /// What frames prove themselves with; without, the registry's token. While stopped.
  void use(std::optional<Credentials> credentials) { writer_.use(std::move(credentials)); }

  // I/O thread.

  /// Queues the report of a failed handler. @return as accept().
  Status report(const FailureReport& failure, const Id128& id);

  /// Whoever keeps time for this outbox is told when next_time() may have changed.
  void on_change(std::function<void()> changed) { hooks_.changed = std::move(changed); }
  /// Whoever wants to know is told when the gateway puts off deciding, and why.
  void on_obstacle(std::function<void(const std::string& why)> told) { hooks_.obstacle = std::move(told); }
  /// Whoever made a report is told what became of it.
  void on_report(std::function<void(const Id128& id, const SendOutcome& outcome)> reported) {
    hooks_.reported = std::move(reported);
  }
  /// The agent is registered and hears receipts. @param token the registry's, of the agent's entry.
  void up(redis::Client& client, unsigned partitions, const Secret& token);
  /// Their number was changed: what is sent from now on goes to the sender's new one.
  void set_partitions(unsigned partitions) { writer_.set_partitions(partitions); }
  void down() { up_ = false; }
  /// Redis takes again what it refused: what waits for its time goes out now.
  void recovered();
  /// Sends what there is, unless a write is under way.
  void pump();
  /// @return kLost: take_in_doubt(), and call restart() once there is a new instance.
  FrameWindow::Effect on_receipt(std::string_view payload);
  FrameWindow::Effect on_time();
  /// After kLost (FrameWindow::unknown_since).
  std::optional<MonoTime> unknown_since() const { return window_.unknown_since(); }
  /// The messages that were accepted and that Redis has lost.
  InDoubt take_in_doubt() { return window_.take_in_doubt(); }
  std::optional<MonoTime> next_time() const { return up_ ? window_.next_time() : std::nullopt; }
  /// @return whether no receipt has come for long, or what the gateway would not decide goes out again: messages may be
  /// going to the wrong partition. Before on_time(), which goes on from there.
  bool may_be_misrouted() const { return up_ && (window_.overdue(mono_now()) || window_.held_long_enough(mono_now())); }
  /// What there is goes out as soon as it can.
  void hurry() {
    window_.gather_no_more();
    pump();
  }
  /// Any thread. @return why the gateway does not decide what waits, in its words; empty: it does.
  std::string obstacle();
  /// Numbers begin at 1; nothing goes out before up().
  void restart();
  /// @return messages without an outcome.
  size_t waiting();
  /// Nothing is accepted any more; whatever has no outcome gets one (FrameWindow::abandon).
  void close();

 private:
  void on_settled(const SendSlot& slot, const SendOutcome& outcome) override;
  Status accept(const Draft& draft, const Id128& id, WallMicros now) override;
  void write_out() override;
  /// @return whether nothing is before it: then nobody was told, and it is the caller's to be sent.
  Result<bool> queue(SendSlot slot, std::string_view payload, std::string_view target, std::string_view ticket,
                     uint8_t flags);
  bool take();
  bool write();
  bool may_write() const;
  void note_obstacle();
  void on_written(uint64_t tag, const redis::Answer& answer);
  void settle_all();
  void recycle(SendBatch* batch);

  struct Hooks {
    std::function<void()> changed;
    std::function<void(const std::string& why)> obstacle;
    std::function<void(const Id128& id, const SendOutcome& outcome)> reported;
  };

  const Instances& instances_;

  // Guarded by mutex_.
  std::unique_ptr<SendBatch> filling_ = std::make_unique<SendBatch>();
  std::vector<std::unique_ptr<SendBatch>> spare_;
  std::string obstacle_;  // written by the I/O thread

  // I/O thread only.
  FrameWindow window_;
  std::vector<std::unique_ptr<SendBatch>> batches_;  // with slots in the window
  std::vector<std::unique_ptr<SendBatch>> done_;     // to be recycled
  redis::Client* client_ = nullptr;
  FrameWriter writer_;
  Hooks hooks_;
  bool up_ = false;
  bool writing_ = false;
  uint64_t write_first_ = 0, write_last_ = 0;  // numbers of the frames in the write under way
  ReceiptMessage receipt_;
  size_t settled_messages_ = 0;  // not yet counted under the lock
  size_t settled_bytes_ = 0;
};

}  // namespace mas::sdk
