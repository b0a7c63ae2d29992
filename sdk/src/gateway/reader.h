// Receiving in gateway mode: the agent's lanes and its instance's reply stream, read on a connection of their own.
//
//     off ──listen()──▶ deaf ◀──────refused, link lost───────── every state below
//                        │ listen(), link ready
//                        ▼
//                      trying ──every right that reading takes──▶ hearing ──up()──▶ idle
//
//     idle ──advance(): the first of kTasks that is wanted──▶ making groups │ claiming │ reading own │ reading new
//      ▲                                                      │ reading replies
//      └───────────────────────────────────reply──────────────────┘
//       claiming         a few entries of dead instances, when the lease was renewed
//       reading own      after a reconnect, what was delivered and not acknowledged
//       reading new      XREADGROUP BLOCK … >
//       reading replies  the reply stream alone, at the inbound bound: a reply waits for no handler, and handlers may
//                        wait for it
//     Of these, only the groups are made while the own lease is not proven, and only replies are read at the bound.
//
// Happy path: some entries of every stream are read at a time; EntryIntake makes messages of them, and the inbox serves
// the lanes by their weights. When all messages of an entry were handled (Deliveries), it is acknowledged
// (HeldEntries).
// Bounded: no lane is read while as many messages as the inbound bound wait for handlers, and fewer entries at a time
// the nearer it is; none is dropped. So what waits exceeds the bound by one entry of each stream at most.
// Failure modes:
//   lost link, refused read   deaf: the session is told, is not up any more, and calls listen() again; then entries
//                             that were delivered and not acknowledged are read again, those in hand are known and left
//                             alone
//   refused ack               deaf when the task under way is over
//   Redis has less than it had   groups that were there are gone, or were delivered less than they were
//                                (StreamProgress): the session is told
//   a dead instance's entry   claimed by one function for all lanes, so two that claim at once never get the same. One
//                             that did not end in order is taken for dead only by who has a steady lease (LeaseProof):
//                             when Redis took no renewals for a while, all leases are gone and nobody is dead
//   no function to claim with the dead's entries wait until a daemon has loaded it (server_functions.h); told to debug
//   an entry that three held  when they died is reported as failed, each of its messages, and not handled: a message
//                             that takes its process along ends as a dead letter
// Threading: the I/O thread. Ownership: the mode's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/state_machine.h"
#include "proto/redis/connection.h"
#include "proto/redis/loop.h"
#include "sdk/src/core/mode_host.h"
#include "sdk/src/gateway/entry_intake.h"
#include "sdk/src/gateway/held_entries.h"
#include "sdk/src/gateway/inbox_reader.h"

namespace mas::sdk {

class GatewayReader final : public InboxReader, public redis::ConnectionListener {
 public:
  GatewayReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe);
  ~GatewayReader() override;

  // InboxReader
  void prepared(const GatewaySetup& setup) override;
  void listen(std::function<void(Status)> done) override;
  void listen_no_more() override { heard_ = nullptr; }
  void renew_link() override;
  void up() override;
  void on_lease() override;
  void on_handled() override;
  void renamed(const std::string& before) override;
  void stop() override;
  void say_farewell() override;

  // ConnectionListener
  void on_ready(redis::Connection&) override { advance(); }
  void on_down(redis::Connection& connection, const Error& why, unsigned attempt) override;

 private:
  enum class State : uint8_t {
    kOff,   // no link
    kDeaf,  // a link, perhaps still being made; not known whether it may read
    kTrying,
    kHearing,  // it may; the agent is not up
    kIdle,     // it is up; each state below is one command that is under way
    kMakingGroups,
    kClaiming,
    kReadingOwn,
    kReadingNew,
    kReadingReplies
  };
  static constexpr auto kMoves = transitions<State>({{State::kOff, State::kDeaf},
                                                     {State::kDeaf, State::kTrying},
                                                     {State::kDeaf, State::kOff},
                                                     {State::kTrying, State::kHearing},
                                                     {State::kTrying, State::kDeaf},
                                                     {State::kTrying, State::kOff},
                                                     {State::kHearing, State::kIdle},
                                                     {State::kHearing, State::kDeaf},
                                                     {State::kHearing, State::kOff},
                                                     {State::kIdle, State::kMakingGroups},
                                                     {State::kIdle, State::kClaiming},
                                                     {State::kIdle, State::kReadingOwn},
                                                     {State::kIdle, State::kReadingNew},
                                                     {State::kIdle, State::kDeaf},
                                                     {State::kIdle, State::kOff},
                                                     {State::kMakingGroups, State::kIdle},
                                                     {State::kMakingGroups, State::kDeaf},
                                                     {State::kMakingGroups, State::kOff},
                                                     {State::kClaiming, State::kIdle},
                                                     {State::kClaiming, State::kDeaf},
                                                     {State::kClaiming, State::kOff},
                                                     {State::kReadingOwn, State::kIdle},
                                                     {State::kReadingOwn, State::kDeaf},
                                                     {State::kReadingOwn, State::kOff},
                                                     {State::kReadingNew, State::kIdle},
                                                     {State::kReadingNew, State::kDeaf},
                                                     {State::kReadingNew, State::kOff},
                                                     {State::kIdle, State::kReadingReplies},
                                                     {State::kReadingReplies, State::kIdle},
                                                     {State::kReadingReplies, State::kDeaf},
                                                     {State::kReadingReplies, State::kOff}});

  /// What is to be done once the agent is up, and is not under way.
  struct Wanted {
    bool groups = false;
    bool claim = false;
    bool own = false;
    bool replies = false;           // at the inbound bound
    bool claim_when_acked = false;  // an entry waits until another that was claimed twice is done with
  };
  /// One thing that the link is asked when the agent is up; in the order of the table.
  enum class Needs : uint8_t { kNothing, kLease, kLeaseAndRoom };
  struct Task {
    bool Wanted::*wanted;  // null: always
    Needs needs;           // a lease that is proven; room below the inbound bound
    void (GatewayReader::*ask)();
  };
  static const Task kTasks[];
  /// What the link is asked now.
  struct Round {
    size_t replies_due = 0;
    std::optional<Error> refusal{};
    bool again = false;  // the same, called otherwise
    bool more = false;   // own entries, or replies
    size_t claimed = 0;  // entries of a stream that were asked for
  };

  bool hearing() const { return state_.get() >= State::kHearing; }
  void begin_link();
  void end_link();
  void advance();
  void report_receiving_lost(const Error& why);
  void report_opened(const Status& heard);
  void send(State state, const redis::Command& command, Duration timeout);
  void try_rights();
  void make_groups_again();
  void claim();
  void read_own_again();
  void read_own() { read_lanes(State::kReadingOwn); }
  void read_new() { read_lanes(State::kReadingNew); }
  void read_replies();
  void read_lanes(State state);
  void read(State state, size_t streams, size_t entries);
  void look_for_replies();
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void end_round();
  void took(uint64_t tag, const redis::Reply& reply);
  void took_claims(size_t stream, const redis::Reply& reply);
  void took_read(const redis::Reply& streams);
  void note_position(size_t stream, const redis::Reply& entries);
  void refused(uint64_t tag, const redis::Reply& error);
  void claim_refused(const redis::Reply& error);
  void note_refusal(const redis::Reply& error);
  void on_acks(const std::optional<Error>& refusal);

  ModeHost& host_;
  Deliveries& deliveries_;
  std::vector<std::string> streams_;
  HeldEntries held_;
  EntryIntake intake_;
  std::unique_ptr<redis::Connection> link_;
  StateMachine<State> state_{State::kOff, kMoves};
  std::function<void(Status)> heard_;  // of the listen() under way
  Wanted wanted_;
  Round round_;
  std::optional<Error> ack_refusal_;   // makes deaf when the round is over
  std::vector<std::string> own_from_;  // per stream: where reading own entries goes on
  redis::Timer replies_timer_;         // at the inbound bound: when replies are looked for
  std::string lost_;                   // what showed that Redis lost data, until the session is told
  bool was_up_ = false;
  bool told_gone_ = false;  // that groups were gone: the reader and the setup may each have made some of them
  bool told_missing_ = false;
};

}  // namespace mas::sdk
