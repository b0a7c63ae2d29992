// What the operations of the turns share: the partitions, the clock, what is read, known and decided, what is to be
// told.
//
// Failure modes: none of its own.
// Threading: loop thread. Ownership: the loop's; outlives its operations.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "daemons/common/service.h"
#include "daemons/gatewayd/audit/chain_memory.h"
#include "daemons/gatewayd/turn/decider.h"
#include "daemons/gatewayd/turn/losses.h"
#include "daemons/gatewayd/turn/partition_table.h"
#include "daemons/gatewayd/turn/trials.h"
#include "daemons/gatewayd/turn/turn_clock.h"
#include "daemons/gatewayd/turn/turn_options.h"
#include "daemons/gatewayd/turn/turn_pipeline.h"
#include "daemons/gatewayd/turn/turn_stats.h"
#include "proto/redis/command_sink.h"
#include "proto/wire/events.h"

namespace mas::gateway {

/// Of work between which the loop moves bytes: what the socket holds lasts about as long.
inline constexpr Duration kSlice = std::chrono::microseconds(250);

struct TurnParts {
  TurnParts(common::Frame& its_frame, redis::CommandSink& its_redis, redis::CommandSink& its_tracked,
            audit::ChainMemory& its_chains, TurnOptions its_options, const TurnKeys& keys)
      : frame(its_frame),
        redis(its_redis),
        tracked(its_tracked),
        chains(its_chains),
        options(std::move(its_options)),
        partitions(frame.keys(), frame.log()),
        stats(frame.metrics()),
        facts(frame.keys()),
        decider(frame.keys(), options.ns, facts, keys),
        batch(options.max_envelope, options.bytes) {}

  common::Frame& frame;
  redis::CommandSink& redis;
  redis::CommandSink& tracked;  ///< reads facts (fact_reader.h)
  audit::ChainMemory& chains;
  TurnOptions options;
  PartitionTable partitions;
  TurnClock clock;
  TurnPipeline pipeline;
  Trials trials;
  Losses losses;
  TurnStats stats;
  Facts facts;
  Decider decider;
  Batch batch;
  std::unique_ptr<dlp::ContentStage> dlp;           ///< what looks at payloads; nullptr: nobody
  std::shared_ptr<const archive::Key> archive_key;  ///< that deliveries are archived under; nullptr: they are not
  WallMicros turn_now = 0;                          ///< Redis's clock when the turn in hand was read
  MonoTime dead_letters_again{};                    ///< until then the queue is not tried: it refused one
  MonoTime held_again{};                            ///< likewise the stream of messages that wait for a person
  MonoTime unproven_again{};                        ///< likewise the stream of what is no frame
  redis::Command events;  ///< receipts and alerts that go out with the next commit, or before the loop waits

  /// Whether each command goes to the node of its slot, so that replies come in any order.
  bool on_cluster() const { return frame.keys().layout() == KeyLayout::kCluster; }
  /// Asks for Redis's clock: on a cluster always for that of the same node.
  redis::Command time_command() const {
    if (!on_cluster()) return redis::Command("TIME");
    return redis::Command("EVAL", "return redis.call('TIME')", 1, frame.keys().config());
  }
  /// To go out with the others.
  void publish(redis::Command more) {
    if (events.count() == 0)
      events = std::move(more);
    else
      events.add(more);
  }
  /// Tells operators who listen to mas.system.
  void alert(const std::string& text, WallMicros at) {
    events.add("PUBLISH", frame.keys().system_channel(), alert_event("gatewayd", text, at));
  }
  /// An element of the partition is not decided but kept apart.
  void tell_set_aside(const Partition& partition, const std::string& why) {
    frame.log().error("element_set_aside", {{"key", partition.ingress_key}, {"why", why}});
    alert("an element of " + partition.ingress_key + " was set aside: " + why, wall_now());
  }
  /// A commit has taken an element away that was too large to be read. Where one was, others may be: the list is
  /// weighed until it is small.
  void oversized_gone(const Partition& partition) {
    auto& oversized = partitions.oversized(partition);
    if (!oversized || oversized->bytes == 0 || batch.elements_of(partition.number) == 0) return;
    tell_set_aside(partition, "it has " + std::to_string(oversized->bytes) + " bytes");
    oversized.emplace();
  }
  /// Where no commit follows that they go out with. Whoever misses a receipt asks again.
  void flush_events() {
    if (events.count() > 0) static_cast<void>(redis.send(std::exchange(events, {})));
  }
};

}  // namespace mas::gateway
