// The owner's loop: reads the partitions' lists, decides, commits.
//
//              ┌──────────── link lost, deaf, fenced, failed ────────────┐
//              ▼                                                         │
//   down ──▶ fencing ──epochs raised, memory loaded──▶ working ◀──a peek saw an element── waiting
//              ▲                                        │   └──── nothing is there ────────▶ │
//              └────────── a partition was gained ──────┴────────────────────────────────────┘
//
// While working there is room for one turn in each of three places, and each moves on as soon as the next place is free:
//
//      read             in hand                                          committing
//      asked ─▶ here ─▶ decoding ─▶ fetching ─▶ deciding ─▶ decided ─▶   one EVAL under way
//
// With little to do there is one turn: its commit and the read of the next go out in one write, one round trip to Redis
// each. A turn that is large has the next one read ahead, behind the commit under way and past the elements in hand; so
// Redis commits one turn while the next is decided, in slices, between which the loop moves bytes.
// While nothing is there, blocking peeks wait, one per partition. Receipts are published once the commit is known to be
// done, in the write of the next turn where that is ready.
// Fence: INCR of the epoch when a partition is gained, and of every partition after a lost link or a commit that was not
// done; the commit script compares. So a commit that arrives late, from this process or another, changes nothing.
// Failure: whatever goes wrong, all turns and the memory of the partitions are dropped and read again; nothing was trimmed
// that is not decided, so nothing is lost, and sequence numbers keep anything from being decided twice. A key that cannot
// be worked with puts its partition to rest (resting.h), and a target's stream fails its messages; the others go on.
// Threading: loop thread. Ownership: the service's; drain() before it goes.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemons/common/service.h"
#include "daemons/gatewayd/facts/fact_reader.h"
#include "daemons/gatewayd/facts/invalidation.h"
#include "daemons/gatewayd/turn/circuit_writer.h"
#include "daemons/gatewayd/turn/commit.h"
#include "daemons/gatewayd/turn/decider.h"
#include "daemons/gatewayd/turn/losses.h"
#include "daemons/gatewayd/turn/peek.h"
#include "daemons/gatewayd/turn/resting.h"
#include "daemons/gatewayd/turn/sender_sweep.h"
#include "daemons/gatewayd/turn/test_hook.h"
#include "daemons/gatewayd/turn/turn_stats.h"
#include "proto/base/state_machine.h"
#include "proto/redis/loop.h"

namespace mas::gateway {

struct TurnOptions {
  std::string ns;  ///< the namespace, as the MAC has it
  Policy policy;
  LimitSettings default_limits;
  size_t max_envelope = limits::kEnvelopeBytes;
  size_t messages = 50'000;         ///< of one turn, about
  size_t bytes = 32 * 1024 * 1024;  ///< of one turn, about
  size_t cached_agents = 100'000;
  /// Lists that are not weighed first bring so many turns' bytes at most in one read.
  static constexpr size_t kWholeReads = 4;
  /// Of one element that is read. A frame that is too large by less than this is refused with its numbers.
  size_t element_bytes() const { return std::max<size_t>(16 * 1024 * 1024, 4 * max_envelope); }
  int64_t wait_replicas = 0;  ///< receipts wait until so many replicas have the commit
  Duration wait_timeout = std::chrono::milliseconds(500);
};

class TurnLoop final : redis::ConnectionListener, InvalidationListener, PeekListener {
 public:
  /// @param master nullptr: no sealed keys. @param tickets, payload_key must outlive the loop.
  TurnLoop(common::Frame& frame, TurnOptions options, const MasterKey* master, const TicketOffice& tickets,
           const HmacKey& payload_key);
  ~TurnLoop() override;

  void start();
  /// Policy and limits from the next turn on. What is under way is finished first.
  void set_policy(const Policy& policy, const LimitSettings& default_limits);
  /// What looks at payloads from the next turn on; nullptr: nobody.
  void set_dlp(std::unique_ptr<dlp::Stage> stage);
  /// @param key of the frames that carry dead letters back. Must outlive the loop. Before start().
  void set_replay_key(const HmacKey* key) { decider_.set_replay_key(key); }
  /// @param key that deliveries are archived under from the next turn on; nullptr: they are not.
  void set_archive(std::shared_ptr<const archive::Key> key);
  /// How many partitions there are; before the first set_owned().
  void set_partitions(size_t count);
  /// Which of them this gateway may decide now. Takes effect at the end of the turns under way.
  void set_owned(const std::vector<bool>& owned);
  /// Finishes the turns under way and takes no other. @param done called once.
  void drain(std::function<void()> done);

  /// Partitions that are fenced: decided here.
  std::vector<unsigned> deciding() const;
  /// Why nothing is decided though partitions are owned; empty: all is well.
  const std::string& obstacle() const { return obstacle_; }
  const Resting& resting() const { return resting_; }
  /// Messages that wait to be delivered again, of the partitions that are decided here.
  uint64_t waiting_retries() const;
  TurnStats& stats() { return stats_; }
  size_t cached_agents() const { return facts_.size(); }
  /// When Redis was last seen to have lost data, and what shows it; 0: never.
  struct Lost {
    WallMicros at = 0;
    std::string what;
  };
  const Lost& lost() const { return lost_; }
  auto known_circuits() const { return facts_.circuits(); }

  enum class State : uint8_t { kDown, kFencing, kWorking, kWaiting, kDrained };
  /// Of the turn in hand.
  enum class Stage : uint8_t { kNone, kDecoding, kFetching, kDeciding, kDecided };

 private:
  enum class Reply : uint8_t {
    kReceipt,
    kEpoch,
    kIngress,
    kSenders,
    kArchive,
    kAuditHead,
    kRetryCount,
    kFirstRetry,
    kPartitions,
    kLength,
    kCommit,
    kCircuit,
    kWait,
    kTime,
    kElements,
    kListBytes,
    kTrial,
    kHead,
    kWeight,
    kDue,
    kNextDue
  };
  enum class Ends : uint8_t { kNothing, kFence, kWeights, kRead, kCommit };
  struct Expected {
    Reply kind;
    unsigned partition = 0;  // of kLength: which delivery; of kCircuit: which change
    Ends ends = Ends::kNothing;
  };
  enum class Read : uint8_t { kNone, kAsked, kHere };
  /// An element that is too large to be read.
  struct Oversized {
    uint64_t epoch = 0;  // of its partition, when it was seen
    uint64_t bytes = 0;  // 0: one is somewhere in the list
    std::string head;
  };
  /// What was set while turns were under way.
  struct Changes {
    std::optional<std::pair<Policy, LimitSettings>> policy;
    std::optional<std::unique_ptr<dlp::Stage>> dlp;
    std::optional<std::shared_ptr<const archive::Key>> archive;
    bool any() const { return policy || dlp || archive; }
  };

  void on_ready(redis::Connection& connection) override;
  void on_down(redis::Connection& connection, const Error& why, unsigned attempt) override;
  void on_tracking() override;
  void on_changed(std::string_view key) override;
  void on_all_changed() override;
  void on_deaf(const Error& why) override;
  void on_work(unsigned partition, uint64_t list_bytes, bool too_large) override;

  void change();
  void apply_changes();
  void apply_policy(const Policy& policy, const LimitSettings& default_limits);
  void advance();
  void go_on();
  bool turn_over() const;
  bool summaries_due() const;
  void take_ownership();
  void fence();
  static const std::string& key_of(const Partition& partition, Reply kind);
  void take_fence(const Expected& expected, const redis::Reply& reply);
  Status load(const Expected& expected, const redis::Reply& reply);
  void compare_sender(const Partition& partition);
  void read();
  void read_ahead();
  void ask_elements(redis::Command& command);
  bool crowded() const;
  size_t share() const;
  bool must_weigh() const;
  void weigh();
  void take_weight(const Expected& expected, const redis::Reply& reply);
  void read_weighed();
  void take_list_bytes(Partition& partition, const redis::Reply& reply);
  void unanswered(const Error& why);
  void keep_oversized(const Partition& partition);
  void append_oversized();
  Partition* in_doubt();
  void try_alone(Partition& partition);
  void take_trial(const redis::Reply& reply);
  void end_trial();
  void note_time(unsigned partition, MonoTime began);
  void judge_dropped();
  void judge_committed();
  void tell_set_aside(const Partition& partition, const std::string& why);
  void forget_oversized();
  size_t elements_to_ask(const Partition& partition) const;
  void ask_due(redis::Command& command, const Partition& partition);
  bool retries_readable(Partition& partition, const redis::Reply& reply);
  void take_next_due(Partition& partition, const redis::Reply& reply);
  /// @return the score in [member, score]; kNoRetry: there is none.
  static WallMicros first_retry(const redis::Reply& reply);
  void take_due(Partition& partition, const redis::Reply& reply);
  WallMicros redis_now() const;
  void take_time(const redis::Reply& reply);
  void take_partitions(const redis::Reply& reply);
  void tell_losses();
  void look_for_step(WallMicros by);
  void bound_waits();
  void move_retries(Partition& partition, WallMicros from, WallMicros to);
  std::vector<FactReader::Entry> wanted_entries() const;
  void take_elements(Partition& partition, const redis::Reply& reply);
  void begin_turn();
  void work();
  void decoded();
  void decided();
  void wait_for_work();
  std::vector<Partition*> taken_partitions() const;
  void fetch();
  void look();
  void on_facts(const Status& status);
  void commit();
  void build_commit();
  void commit_over();
  void take_commit(const redis::Reply& reply);
  void committed();
  void keys_refused(const std::vector<CommitResult::Refusal>& refused);
  bool key_refused(const CommitResult::Refusal& refused);
  void track();
  void put_to_rest(Partition& partition, const std::string& why);
  void put_to_rest(Partition& partition, std::string_view key, std::string_view error);
  void sleep_until_due();
  void sweep();
  void publish_receipts();
  void flush_receipts();
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void take(const Expected& expected, const redis::Reply& reply);
  void all_replied(Ends group);
  void drop_turn(std::string_view event, const std::string& why, Duration pause);
  void report_problems();
  void expect(Reply kind, unsigned partition = 0) { expected_.push_back({kind, partition}); }
  bool send(redis::Command command, Ends group);
  bool send(redis::Rope rope, Ends group);
  static void stage_over(Histogram& histogram, MonoTime& began);

  static constexpr Duration kSlice = std::chrono::microseconds(250);  // what the socket holds lasts about as long
  static constexpr Duration kShortPause = std::chrono::milliseconds(50);
  static constexpr Duration kLongPause = std::chrono::seconds(1);

  common::Frame& frame_;
  TurnOptions options_;
  StateMachine<State> state_;
  StateMachine<Stage> stage_;
  Read read_ = Read::kNone;
  bool committing_ = false;
  bool link_given_up_ = false;       // for a reply that was too large: what comes back is the same Redis
  std::optional<std::string> deaf_;  // why changes are not heard; what is being committed is waited for
  Changes changes_;
  Facts facts_;
  std::unique_ptr<dlp::Stage> dlp_;
  std::shared_ptr<const archive::Key> archive_;
  Decider decider_;
  Batch batch_;
  TurnStats stats_;
  redis::Connection connection_;
  Invalidation invalidation_;
  FactReader reader_;
  CircuitWriter circuits_;
  SenderSweep sweep_;
  redis::Timer again_, sweep_timer_;
  redis::NextRound slice_;
  LateHook written_;

  std::vector<std::unique_ptr<Partition>> partitions_;  // all, by number
  std::vector<bool> owned_;                             // by the leases
  std::vector<bool> taken_;                             // as of the turn under way
  std::vector<std::unique_ptr<Peek>> peeks_;            // by partition, made when first waited for
  std::deque<Expected> expected_;                       // what the replies under way are about, in their order
  size_t active_partitions_ = 1, active_before_ = 1;    // that had elements in the last read, and in the one before
  std::map<unsigned, Oversized> oversized_;             // by partition
  std::optional<unsigned> trial_;                       // a partition whose head is being tried alone
  bool trial_failed_ = false;                           // before: it is set aside
  std::optional<unsigned> slow_;  // a partition that had an element which took long, in a turn that is under way
  static constexpr Duration kLong = std::chrono::seconds(1);
  size_t first_asked_ = 0;  // partitions take turns at being read first

  WallMicros now_ = 0;       // as Redis said at
  MonoTime now_at_{};        // this time
  WallMicros steps_ = 0;     // of Redis's clock, all together
  WallMicros turn_now_ = 0;  // of the turn in hand
  size_t fetch_rounds_ = 0;
  std::vector<Inbox*> wanted_inboxes_;

  const std::string dead_letters_key_, unproven_key_;
  Commit commit_;
  size_t first_delivery_ = 0;      // of its entries
  SealedTurn sealed_;              // that is being committed
  redis::Command its_receipts_;    // to be published when it is
  redis::Command receipts_;        // of the turn that was committed last, not handed to the connection yet
  std::deque<std::string> texts_;  // that the commit views
  std::string obstacle_;
  Losses losses_;
  Lost lost_;
  struct SentSender {
    unsigned partition;
    std::string field;
    uint64_t last;
  };
  // By the commit under way: partition, the next number of a block; of each partition one of the senders.
  std::vector<std::pair<unsigned, uint64_t>> sent_blocks_;
  std::vector<SentSender> sent_senders_;
  Resting resting_;
  MonoTime dead_letters_again_{};  // until then the queue is not tried: it refused one
  MonoTime unproven_again_{};      // likewise
  common::RepeatFilter repeat_;
  std::function<void()> drained_;
  MonoTime read_began_{}, turn_began_{}, fetch_began_{}, commit_began_{};
};

}  // namespace mas::gateway
