// Receiving in gateway mode on a Redis Cluster: many inboxes, one set for each partition of the senders, read when a
// wake-up says so. Nothing blocks, and everything goes through the session's links.
//
// This class hears wake-ups, tries what reading takes (Listening has the states), and says when to look at what;
// PartitionReads asks and takes the answers.
// Happy path: a wake-up names streams; each is read at once, and when its messages were handled, its entries are
// acknowledged (HeldEntries), by partition.
// A wake-up may be lost. So there is a look at every partition when the channel is heard anew, after kFirstLook, and
// then more and more seldom (up to kLongestLook) until a look finds something. Most of it is one EXISTS for each
// partition.
// Failure modes:
//   a refusal (NOPERM, say)       deaf: the session is told, is not up any more, and calls listen() again
//   wake-ups are not heard        likewise
//   a dead instance's entries     OtherInstances says who is dead; claimed by one function for the lanes of a
//                                 partition. Every kSurvey all partitions are asked for consumers that nobody knows
//   what one partition's request may meet   partition_reads.h
// Threading: the I/O thread. Ownership: the mode's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/redis/loop.h"
#include "proto/wire/wake_up.h"
#include "sdk/src/gateway/held_entries.h"
#include "sdk/src/gateway/inbox_reader.h"
#include "sdk/src/gateway/listening.h"
#include "sdk/src/gateway/other_instances.h"
#include "sdk/src/gateway/partition_reads.h"
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

  ClusterReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe);
  ~ClusterReader() override;

  // InboxReader
  void prepared(const GatewaySetup& setup) override;
  void listen(std::function<void(Status)> done) override;
  void listen_no_more() override { listening_.wait_no_more(); }
  void renew_link() override {}
  void up() override;
  void on_lease() override;
  bool misses_partitions() override { return std::exchange(partitions_missed_, false); }
  void on_handled() override;
  void renamed(const std::string& before) override;
  void stop() override;
  void say_farewell() override;

 private:
  // HubMember
  void on_link_ready(bool) override {}
  void on_link_down(const Error& why) override { lost(why.in("wake-ups")); }
  void on_hearing() override;
  void on_subscription_refused(const Error& why) override { lost(why.in("wake-ups")); }
  void on_payload(std::string_view payload) override;
  size_t max_payload() const override { return kMaxWakeUpBytes; }
  void on_oversized(uint64_t) override { look_soon(); }

  void begin();
  void end();
  void advance();
  void lost(const Error& why);
  void refused(const Error& why);
  void try_rights();
  void on_trial(uint64_t tag, const redis::Answer& answer);
  void fit();
  void look_everywhere();
  void look_soon();
  void on_look_due();
  void survey();
  void check_others();
  void on_acks(const std::optional<Error>& refusal);

  ModeHost& host_;
  std::vector<std::string> streams_;
  HeldEntries held_;
  OtherInstances others_;
  Listening listening_;
  PartitionReads reads_;
  std::shared_ptr<Hub> hub_;
  std::string channel_;
  unsigned partitions_ = 0;  // never fewer than there were: their inboxes may hold something
  std::vector<WakeUp> woken_;
  struct Trial {
    bool passed = false;
    size_t due = 0;
    bool again = false;
    std::optional<Error> refusal{};
  } trial_;
  redis::Timer look_;
  Duration period_ = kFirstLook;
  MonoTime looked_{}, surveyed_{}, checked_{}, strays_looked_for_{};
  bool partitions_missed_ = false;  // a wake-up named one that is not known; or it is time to ask
};

}  // namespace mas::sdk
