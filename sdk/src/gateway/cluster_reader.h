// Receiving in gateway mode on a Redis Cluster: many inboxes, one set for each partition of the senders, read when a
// wake-up says so. Nothing blocks, and everything goes through the session's links.
//
//     off ──listen()──▶ deaf ◀────refused, channel lost──── every state below
//                        │ listen(), wake-ups are heard
//                        ▼
//                      trying ──every right that reading takes──▶ hearing ──up()──▶ reading
//
// Happy path: a wake-up names streams; each is read at once (PartitionInbox), EntryIntake makes messages of the
// entries, and when they were handled, they are acknowledged (HeldEntries), by partition.
// A wake-up may be lost. So there is a look at every partition when the channel is heard anew, after kFirstLook, and
// then more and more seldom (kLooks, kLongestLook) until a look finds something. Most of it is one EXISTS for each
// partition.
// Bounded: entries that are asked for count as if they were there (reserved_), so what waits exceeds the inbound bound
// by one entry of each stream of one partition at most. Replies are read at the bound, too. Nothing is read while the
// own lease is not proven.
// Failure modes:
//   a shard does not answer       its partitions rest for kRest and are asked again; the others go on
//   an answer was lost            what it may have brought is read by id
//   a refusal (NOPERM, say)       deaf: the session is told, is not up any more, and calls listen() again
//   wake-ups are not heard        likewise
//   Redis has less than it had    groups that were there are gone, or were delivered less than they were: told
//   a dead instance's entries     OtherInstances says who is dead; claimed by one function for the lanes of a
//                                 partition. Every kSurvey all partitions are asked for consumers that nobody knows
//   no function to claim with, an entry that three held   as GatewayReader
// Threading: the I/O thread. Ownership: the mode's.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/state_machine.h"
#include "proto/redis/loop.h"
#include "proto/wire/wake_up.h"
#include "sdk/src/gateway/entry_intake.h"
#include "sdk/src/gateway/held_entries.h"
#include "sdk/src/gateway/inbox_reader.h"
#include "sdk/src/gateway/other_instances.h"
#include "sdk/src/gateway/partition_inbox.h"
#include "sdk/src/loop/hub.h"

namespace mas::sdk {

class ClusterReader final : public InboxReader, HubMember {
 public:
  static constexpr Duration kFirstLook = std::chrono::seconds(1);
  static constexpr Duration kLongestLook = std::chrono::seconds(8);
  /// With any number of partitions: a reply stream that nobody has found yet lives for kReplyStreamTtl.
  static constexpr Duration kRarestLook = kReplyStreamTtl / 2;
  /// With more partitions looks are rarer, so that an idle agent costs no more.
  static constexpr unsigned kPartitionsOfALook = 64;
  static constexpr Duration kSurvey = std::chrono::seconds(60);
  /// How often an agent that knows of no other instance asks for some; else with each lease.
  static constexpr Duration kAlone = std::chrono::seconds(15);
  static constexpr Duration kRest = std::chrono::milliseconds(200);

  ClusterReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe);
  ~ClusterReader() override;

  // InboxReader
  void prepared(const GatewaySetup& setup) override;
  void listen(std::function<void(Status)> done) override;
  void listen_no_more() override { heard_ = nullptr; }
  void renew_link() override {}
  void up() override;
  void on_lease() override;
  bool misses_partitions() override { return std::exchange(times_.partitions_missed, false); }
  void on_handled() override;
  void renamed(const std::string& before) override;
  void stop() override;
  void say_farewell() override;

 private:
  enum class State : uint8_t { kOff, kDeaf, kTrying, kHearing, kReading };
  static constexpr auto kMoves = transitions<State>({{State::kOff, State::kDeaf},
                                                     {State::kDeaf, State::kTrying},
                                                     {State::kDeaf, State::kHearing},
                                                     {State::kDeaf, State::kOff},
                                                     {State::kTrying, State::kHearing},
                                                     {State::kTrying, State::kDeaf},
                                                     {State::kTrying, State::kOff},
                                                     {State::kHearing, State::kReading},
                                                     {State::kHearing, State::kDeaf},
                                                     {State::kHearing, State::kOff},
                                                     {State::kReading, State::kDeaf},
                                                     {State::kReading, State::kOff}});

  /// A partition, and the request that is under way there.
  struct Slot {
    PartitionInbox inbox;
    bool queued = false;
    size_t due = 0;       // answers
    size_t entries = 0;   // asked for, of each stream
    size_t reserved = 0;  // of reserved_
    bool lost = false;
    bool executed = false;          // of what was lost
    bool claim_when_acked = false;  // an entry waits until another that was claimed twice is done with
  };

  // HubMember
  void on_link_ready(bool) override {}
  void on_link_down(const Error& why) override { report_receiving_lost(why.in("wake-ups")); }
  void on_hearing() override;
  void on_subscription_refused(const Error& why) override { report_receiving_lost(why.in("wake-ups")); }
  void on_payload(std::string_view payload) override;
  size_t max_payload() const override { return kMaxWakeUpBytes; }
  void on_oversized(uint64_t) override { look_soon(); }

  bool hearing() const { return state_.get() >= State::kHearing; }
  void begin();
  void end();
  void advance();
  void report_receiving_lost(const Error& why);
  void report_opened(const Status& heard);
  void try_rights();
  void on_trial(uint64_t tag, const redis::Answer& answer);
  void fit();
  void look_everywhere();
  void look_soon();
  void on_look_due();
  void survey();
  void check_others();
  void claim_everywhere();
  void queue(unsigned partition);
  void pump();
  bool ask(unsigned partition);
  std::span<const std::string> streams_of(unsigned partition) const;
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void took(unsigned partition, size_t index, const redis::Reply& reply);
  void took_read(unsigned partition, const redis::Reply& streams);
  void took_claims(unsigned partition, const redis::Reply& reply);
  void refused(unsigned partition, StreamSet streams, const redis::Reply& error);
  void lost(unsigned partition, size_t place);
  void claim_refused(unsigned partition, const redis::Reply& error);
  void end_request(unsigned partition);
  void on_acks(const std::optional<Error>& refusal);

  ModeHost& host_;
  Deliveries& deliveries_;
  std::vector<std::string> streams_;
  HeldEntries held_;
  EntryIntake intake_;
  OtherInstances others_;
  StateMachine<State> state_{State::kOff, kMoves};
  std::shared_ptr<Hub> hub_;
  std::string channel_;
  std::function<void(Status)> heard_;  // of the listen() under way
  unsigned partitions_ = 0;            // never fewer than there were: their inboxes may hold something
  std::vector<Slot> slots_;            // as many as streams_ are of
  std::deque<unsigned> queue_;         // partitions that have something to ask
  size_t reserved_ = 0;
  std::vector<WakeUp> woken_;
  struct Trial {
    bool passed = false;
    size_t due = 0;
    bool again = false;
    std::optional<Error> refusal{};
  } trial_;
  struct Trouble {
    std::optional<Error> refusal{};  // makes deaf
    std::string lost;                // what showed that Redis lost data
    bool told_gone = false, told_missing = false;
  } trouble_;
  struct Times {
    Times(uv_loop_t* loop, ClusterReader& reader);
    redis::Timer look, rest;
    Duration period = kFirstLook;
    MonoTime looked{}, surveyed{}, checked{};
    bool partitions_missed = false;  // a wake-up named one that is not known; or it is time to ask
  } times_;
};

}  // namespace mas::sdk
