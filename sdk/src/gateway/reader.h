// Receiving in gateway mode: the agent's lanes and its instance's reply stream, read on a connection of their own.
//
//     listen() ─▶ try every right that reading takes ─▶ hearing ─▶ up()
//     ┌──────────────── advance(): one command at a time ─────────────────┐
//     │ groups gone? ─▶ make them                                          │
//     │ own lease not proven: wait                                         │
//     │ lease renewed? ─▶ claim a few entries of dead instances            │
//     │ own entries unread (after a reconnect)? ─▶ read them               │
//     │ else XREADGROUP BLOCK … >         (inbound bound reached: wait)    │
//     └── reply ─▶ entries ─▶ messages ─▶ inbox ─▶ handlers ─▶ XACK, XDEL ─┘
//
// Happy path: some entries of every stream are read at a time; the inbox serves the lanes by their weights. An entry is
// acknowledged when all of its messages were handled (Deliveries), many in one command, on the session's connection.
// Bounded: nothing more is read while as many messages as the inbound bound wait for handlers, and fewer entries at a time
// the nearer it is; none is dropped. So what waits exceeds the bound by one entry of each stream at most.
// Failure:
//   lost link, refused read   deaf: the session is told, is not up any more, and calls listen() again; then entries that were
//                             delivered and not acknowledged are read again, those in hand are known and left alone
//   ack without an answer     sent again
//   refused ack               deaf when the read under way is over, and sent again when the agent is up
//   entry of no known form    counted, told to debug, acknowledged
//   Redis has less than it had   groups that were there are gone, or were delivered less than they were (StreamProgress): the
//                             session is told
//   a dead instance's entry   claimed by one function for all lanes, so two that claim at once never get the same. One that did
//                             not end in order is taken for dead only by who has a steady lease (LeaseProof): when Redis took
//                             no renewals for a while, all leases are gone and nobody is dead
//   no function to claim with the dead's entries wait until a daemon has loaded it (server_functions.h); told to debug
//   an entry that three held  when they died is reported as failed, each of its messages, and not handled: a message that takes
//                             its process along ends as a dead letter
// Threading: the I/O thread. Ownership: the mode's.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "proto/redis/connection.h"
#include "proto/wire/lane.h"
#include "proto/wire/record_batch.h"
#include "sdk/src/core/mode_host.h"
#include "sdk/src/gateway/dedupe_window.h"
#include "sdk/src/gateway/deliveries.h"
#include "sdk/src/gateway/stream_progress.h"

namespace mas::sdk {

inline constexpr std::string_view kGroup = "agents";

/// @return the streams of an agent's instance, in the order in which they are read: replies, then lanes by urgency.
std::vector<std::string> gateway_streams(const AgentContext& agent);

class GatewayReader final : public redis::ConnectionListener {
 public:
  GatewayReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe);
  ~GatewayReader() override;

  /// Connects, and tries whether it may read. @param done as Mode::listen().
  void listen(std::function<void(Status)> done);
  void listen_no_more() { heard_ = nullptr; }
  /// The agent is registered: reads, and sends acks again that had no answer.
  void up();
  /// The lease was renewed: looks for entries of the dead, goes on with what waited for it, and with acks that Redis refused.
  void on_lease();
  /// Entries are due for their acks, and there may be room again.
  void on_handled();
  /// Groups of lanes had to be made. Where they had been there, Redis lost them.
  void lanes_made();
  /// The agent goes by another instance's name, and what is in hand is that one's; reading goes on with up().
  void renamed();
  /// Sends what acks there are; reads no more.
  void stop();

  // ConnectionListener
  void on_ready(redis::Connection& connection) override;
  void on_down(redis::Connection& connection, const Error& why, unsigned attempt) override;

 private:
  enum class Step : uint8_t { kNone, kTrial, kGroups, kClaim, kOwn, kNew };
  struct AckRun {
    size_t stream;
    std::vector<std::string> ids;
    bool failed = false;
  };

  void begin_link();
  void end_link();
  void advance();
  void try_rights();
  void on_trial(const Status& outcome);
  void deaf(const Error& why);
  redis::Command claim_command(size_t entries) const;
  void send(Step step, const redis::Command& command, Duration timeout);
  void make_groups_again();
  size_t entries_at_once() const;
  void claim();
  void read(bool own);
  void read_own();
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void claim_refused(Step step, const redis::Reply& error);
  void refused(const redis::Reply& error);
  Duration block_for() const;
  void took(Step step, uint64_t tag, const redis::Reply& reply);
  void compare_progress(const redis::Reply& results);
  void keep_held();
  void took_claims(size_t stream, const redis::Reply& reply);
  void took_read(const redis::Reply& streams, bool own);
  void take_entry(size_t stream, const redis::Reply& entry, const redis::Reply* suspects = nullptr);
  void fail_records(const DeliveryPtr& delivery, std::string_view blob);
  void take_records(const DeliveryPtr& delivery, std::string_view blob);
  void take_record(const DeliveryPtr& delivery, uint32_t index, const Record& record);
  void send_acks();
  void on_ack(uint64_t tag, const redis::Answer& answer);

  ModeHost& host_;
  Deliveries& deliveries_;
  DedupeWindow& dedupe_;
  std::vector<std::string> streams_;
  std::unique_ptr<redis::Connection> link_;

  std::function<void(Status)> heard_;  // of the listen() under way
  bool hearing_ = false;               // everything that reading takes went well on this link
  bool up_ = false;
  bool was_up_ = false;
  bool told_gone_ =
      false;  // that groups were gone: the reader and who sets the agent up may each have made some of them
  Step step_ = Step::kNone;  // what the link is asked now
  size_t replies_due_ = 0;
  std::optional<Error> refusal_;      // by a reply of this step
  std::optional<Error> ack_refusal_;  // of an ack, since the reader hears: it makes deaf when this step is over
  bool again_ = false;                // this step, called otherwise
  bool told_missing_ = false;
  bool groups_wanted_ = false;
  bool claim_wanted_ = false;
  size_t claims_asked_ = 0;
  bool left_alone_ = false;  // an entry waits until another that was claimed twice is done with
  bool own_wanted_ = false;
  bool own_more_ = false;
  std::vector<std::string> own_from_;  // per stream: where reading own entries goes on

  StreamProgress progress_;
  std::string lost_;  // what showed that Redis lost data, until the session is told

  std::vector<std::unordered_set<std::string>> held_;  // per stream: ids taken and not acknowledged by Redis
  std::vector<DeliveryPtr> done_;
  std::deque<AckRun> acks_;                          // sent, in order
  std::vector<std::vector<std::string>> ack_again_;  // per stream
};

}  // namespace mas::sdk
