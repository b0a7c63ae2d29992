// Decides the turns of a gateway: pure, in memory, stage by stage (policy/stages.h). What it decides is a TurnResult.
//
//     start ──▶ need_some, until nothing is lacking ──▶ decide_some, until all is decided ──▶ finish ──▶ seal
//       ▲              │ reads                                                                           │
//       └──────────────┘                                                    committed or dropped, later ◀┘
//
// It gives each part of a batch to the class that decides it, all by the same two calls, need() and decide(): frames of
// agents (fresh_frames.h), replays (replayed_frames.h), what is due again (retries.h).
// Failure modes:
// - What cannot be decided is refused as UNAVAILABLE, or waits: the parts' headers list it.
// - A turn whose commit fails is dropped, and with it what its targets' breakers learnt.
// All that it looks at is in the batch, in the partitions and in the facts; `now` is the clock of Redis.
// Threading: none. Ownership: the result is valid until the next start(), and as long as the batch; seal() takes what
// is needed longer.
#pragma once

#include <string_view>
#include <vector>

#include "daemons/gatewayd/turn/batch.h"
#include "daemons/gatewayd/turn/fresh_frames.h"
#include "daemons/gatewayd/turn/replayed_frames.h"

namespace mas::gateway {

class Decider {
 public:
  Decider(const Keys& keys, std::string_view ns, Facts& facts, const TurnKeys& secret)
      : turn_(keys, ns, facts, secret) {}

  /// @param stage nullptr: payloads are not looked at. Must outlive its use here.
  void set_dlp(dlp::ContentStage* stage) { stages_.set_dlp(stage); }
  /// @param key that deliveries are archived under; nullptr: they are not. Must outlive its use here.
  void set_archive(const archive::Key* key) { turn_.archive_key = key; }
  void set_policy(const Policy& policy);
  /// @param keep false: the queue refused one, so letters are only audited, whatever the policy says.
  void keep_dead_letters(bool keep) { turn_.keep_dead_letters = keep; }
  /// @param keep false: the stream of messages that wait for a person refused one.
  void keep_held(bool keep) { turn_.keep_held = keep; }
  /// What waits for a person, as Redis says now.
  void held_seen(const HeldAmount& amount) { stages_.held_seen(amount); }
  /// @param keep false: the stream of what is no frame refused one.
  void keep_unproven(bool keep) { turn_.keep_unproven = keep; }

  /// Begins a turn. @param partitions by number: those that this gateway owns; nullptr for others.
  void start(const std::vector<Partition*>& partitions, WallMicros now, MonoTime mono);
  /// Goes on putting on the facts' lists what deciding lacks, at least one message; ends early where kMaxWanted are on
  /// them. To be begun again, by start(), after each read until it asks for nothing.
  /// @param ret_inboxes streams whose length is to be read. @return whether that may be read now.
  bool need_some(const Batch& batch, std::vector<TargetStream*>& ret_inboxes, MonoTime until);
  static constexpr size_t kMaxWanted = Needs::kMaxWanted;
  /// Goes on deciding the frames, at least one message, and at last what is due. Every element's partition must be one
  /// of start()'s. @return whether all is decided.
  bool decide_some(const Batch& batch, MonoTime until);
  /// The number of the frame that was worked on last. Not before decide_some().
  size_t frame_at_hand() const { return fresh_.amid() || next_frame_ == 0 ? next_frame_ : next_frame_ - 1; }
  /// Ends the result, and collects the circuits that changed.
  void finish();
  /// The turn's commit is on its way, and the next turn may start. Without it, start() takes back what was learnt of
  /// targets. @param ret_sealed committed() before, or empty: its memory is used again.
  void seal(SealedTurn& ret_sealed);
  /// The sealed turn was committed.
  void committed(SealedTurn& sealed);
  /// Neither the turn that was begun nor the one that was sealed is committed: takes back what was learnt of targets.
  void dropped(SealedTurn& sealed);
  /// Whether so many reply streams are known that shrink() is due.
  bool crowded() const { return needs_.crowded(); }
  /// Forgets reply streams if there are many. No turn, not even a sealed one, may have deliveries.
  void shrink();
  /// Entries that need_some() lacks, besides what is on the facts' lists: to be read into their blobs, and marked as
  /// known.
  const std::vector<ReportedEntry*>& wanted_entries() const { return needs_.wanted_entries(); }

  const TurnResult& result() const { return turn_.result; }
  const std::vector<CircuitChange>& circuit_changes() const { return turn_.circuits.changes(); }

 private:
  bool need_frame(const Batch& batch, size_t number, MonoTime until);
  bool decide_frame(const Batch& batch, size_t number, MonoTime until);

  TurnContext turn_;
  Needs needs_{turn_};
  Recorder recorder_{turn_};
  MessageStages stages_{turn_};
  ErrorReplies error_replies_{turn_, needs_, stages_, recorder_};
  Retries retries_{turn_, needs_, recorder_, error_replies_};
  FailureReports reports_{turn_, needs_, stages_, retries_, error_replies_};
  FreshFrames fresh_{turn_, needs_, stages_, reports_, recorder_};
  ReplayedFrames replays_{turn_, needs_, stages_, recorder_};
  bool needing_ = false;  // need_some() is not through
  size_t need_frame_ = 0, next_frame_ = 0;
};

}  // namespace mas::gateway
