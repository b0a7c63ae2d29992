// Receiving in gateway mode: the agent's lanes and its instance's reply stream, read on a connection of their own.
//
// Listening says whether it may read (listening.h). Once it is up, the link is asked one thing at a time:
//
//     nothing ──advance(): the first of kTasks that is wanted──▶ groups │ claims │ strays │ own │ new │ replies
//        ▲                                                                       │
//        └─────────────────────────reply, or the link is lost────────────────────┘
//       claims   a few entries of dead instances, when the lease was renewed
//       strays   each kStrayCheck: XPENDING, for entries that are not in hand
//       own      after a reconnect, what was delivered and not acknowledged
//       new      XREADGROUP BLOCK … >
//       replies  the reply stream alone, at the inbound bound: a reply waits for no handler, and handlers may wait for
//                it
//     Of these, only the groups are made while the own lease is not proven, and only replies are read at the bound;
//     strays are looked for there, too.
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
//   a read that Redis executes late, after its link was given up   what it took is found by XPENDING, each kStrayCheck,
//                             and read by id
//   refused ack               deaf when what the link is asked now has ended
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
#include "sdk/src/gateway/listening.h"
#include "sdk/src/gateway/reader_notices.h"

namespace mas::sdk {

class GatewayReader final : public InboxReader, public redis::ConnectionListener {
 public:
  GatewayReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe);
  ~GatewayReader() override;

  // InboxReader
  void prepared(const GatewaySetup& setup) override;
  void listen(std::function<void(Status)> done) override;
  void listen_no_more() override { listening_.wait_no_more(); }
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
  /// What the link is asked now.
  enum class Asked : uint8_t { kNothing, kRights, kGroups, kClaims, kStrays, kOwn, kNew, kReplies };
  static constexpr auto kMoves = transitions<Asked>({{Asked::kNothing, Asked::kRights},
                                                     {Asked::kNothing, Asked::kGroups},
                                                     {Asked::kNothing, Asked::kClaims},
                                                     {Asked::kNothing, Asked::kStrays},
                                                     {Asked::kNothing, Asked::kOwn},
                                                     {Asked::kNothing, Asked::kNew},
                                                     {Asked::kNothing, Asked::kReplies},
                                                     {Asked::kRights, Asked::kNothing},
                                                     {Asked::kGroups, Asked::kNothing},
                                                     {Asked::kClaims, Asked::kNothing},
                                                     {Asked::kStrays, Asked::kNothing},
                                                     {Asked::kOwn, Asked::kNothing},
                                                     {Asked::kNew, Asked::kNothing},
                                                     {Asked::kReplies, Asked::kNothing}});

  /// What is to be done once the agent is up, and is not under way.
  struct Wanted {
    bool groups = false;
    bool claim = false;
    bool strays = false;
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
  /// What came of it so far.
  struct Round {
    size_t replies_due = 0;
    std::optional<Error> refusal{};
    bool again = false;  // the same, called otherwise
    bool more = false;   // own entries, or replies
    bool stray = false;  // there is one
    size_t claimed = 0;  // entries of a stream that were asked for
  };

  void begin_link();
  void end_link();
  void advance();
  void lost(const Error& why);
  bool send(Asked what, const redis::Command& command, Duration timeout);
  void try_rights();
  void make_groups_again();
  void claim();
  void look_for_strays();
  void read_own_again();
  void read_own() { read_lanes(Asked::kOwn); }
  void read_new() { read_lanes(Asked::kNew); }
  void read_replies();
  void read_lanes(Asked what);
  void read(Asked what, size_t streams, size_t entries);
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
  Listening listening_;
  ReaderNotices notices_;
  Wanted wanted_;
  StateMachine<Asked> asked_{Asked::kNothing, kMoves};
  Round round_;
  MonoTime strays_looked_for_{};
  std::optional<Error> ack_refusal_;   // makes deaf when nothing is asked
  std::vector<std::string> own_from_;  // per stream: where reading own entries goes on
  redis::Timer replies_timer_;         // at the inbound bound: when replies are looked for
  bool was_up_ = false;
};

}  // namespace mas::sdk
