// Keeps the map of a Redis Cluster up to date by asking its nodes, one after another, on a connection of its own.
//
// Happy path: start() asks the seeds in turn until one has told a map; on_map. The connection stays, and the map is
// asked for again every `refresh_interval`, with jitter.
// In doubt (a MOVED, a node that fails; refresh()) the next node is asked, at most once in `least_between`: the last
// one may be what is out of date, and a node that fails is asked last. MOVED itself is taken over at once (moved()),
// and counts for kCorrection against maps of nodes that have not heard of it yet. Two nodes may name each other for one
// slot, for ever: where both took part in several moves within milliseconds, an older claim can win at one of them. So
// a slot changes hands by MOVED at most kMaxRedirects times in kCorrection.
//
//     idle ──start──▶ reaching ──ready──▶ asking ──map──▶ resting
//                        ▲  │ failed         │ no map        │ doubt, link lost, or (asking the same node) the interval
//                        │  ▼                ▼               ▼
//                      (wait) ◀──────────── pausing ◀────────┘            stop() from anywhere ──▶ stopped
//
// Failure: a node that does not answer, or has no map, is told to the listener with a sentence, and the next one is
// asked: known primaries, then other nodes, then the seeds; after each round, a capped exponential backoff. A node has
// kPatience to answer, twice as long in each further round, and never longer than `connect_timeout`: a machine that is
// gone says nothing. The last map stays meanwhile. Nodes that a newer map does not have are forgotten; the seeds never
// are.
// Threading: one loop, its thread. Ownership: may be destroyed at any time but from inside its own callbacks.
#pragma once

#include <uv.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "proto/base/backoff.h"
#include "proto/base/state_machine.h"
#include "proto/redis/cluster/slot_map.h"
#include "proto/redis/connection.h"
#include "proto/redis/loop.h"

namespace mas::redis {

struct ClusterOptions {
  ConnectionOptions node;  ///< of each node's connection; its endpoint is the cluster's, whose nodes are the seeds
  Duration refresh_interval = std::chrono::seconds(30);
  Duration least_between = std::chrono::milliseconds(100);

  /// @return the options of a connection to `node`.
  ConnectionOptions of(const Node& address) const;
};

class TopologyListener {
 public:
  virtual ~TopologyListener() = default;
  /// The map has changed.
  virtual void on_map() = 0;
  /// A node had no map to tell; the next one is asked by itself.
  virtual void on_map_trouble(const Error& why) = 0;
};

class TopologyWatch final : ConnectionListener {
 public:
  /// @param options must outlive the object.
  TopologyWatch(uv_loop_t* loop, const ClusterOptions& options, TopologyListener& listener);
  ~TopologyWatch() override;

  void start();
  void stop();

  /// Empty until the first node has answered.
  const SlotMap& map() const { return map_; }
  /// The map may be out of date.
  void refresh();
  /// A node said so. Asks for a newer map, too. @return false: nodes contradict each other, and the map stays as it is.
  bool moved(unsigned slot, const Node& node);
  /// The connection to a node failed: as refresh(), and the node is asked last until it works again.
  void node_failed(const Node& node);
  void node_works(const Node& node) { failing_.erase(node); }

  static constexpr Duration kCorrection = std::chrono::seconds(2);
  static constexpr Duration kPatience = std::chrono::milliseconds(500);

 private:
  struct Correction {
    Node node;
    MonoTime until;
    unsigned changes = 0;  // of `node`
  };
  enum class State : uint8_t { kIdle, kReaching, kAsking, kResting, kPausing, kStopped };
  static constexpr auto kMoves = transitions<State>({{State::kIdle, State::kReaching},
                                                     {State::kReaching, State::kAsking},
                                                     {State::kReaching, State::kPausing},
                                                     {State::kAsking, State::kResting},
                                                     {State::kAsking, State::kPausing},
                                                     {State::kResting, State::kAsking},
                                                     {State::kResting, State::kPausing},
                                                     {State::kPausing, State::kReaching},
                                                     {State::kIdle, State::kStopped},
                                                     {State::kReaching, State::kStopped},
                                                     {State::kAsking, State::kStopped},
                                                     {State::kResting, State::kStopped},
                                                     {State::kPausing, State::kStopped},
                                                     {State::kStopped, State::kStopped}});
  enum Tag : uint64_t { kShards, kSlots };

  void on_ready(Connection& connection) override;
  void on_down(Connection& connection, const Error& why, unsigned attempt) override;
  void on_reply(uint64_t tag, const Answer& answer);
  void on_timer();
  void reach();
  void ask();
  void take(SlotMap map);
  void try_next(const Error& why);
  void pause(Duration wait);
  void begin_round();
  Node next_node();
  Duration patience() const;
  bool knows(const Node& node) const;

  uv_loop_t* const loop_;
  const ClusterOptions& options_;
  TopologyListener& listener_;
  StateMachine<State> state_{State::kIdle, kMoves};
  SlotMap map_;
  std::map<unsigned, Correction> corrections_;  // by slot
  std::vector<Node> candidates_;                // of this round that were not asked yet, the next one last
  std::set<Node> failing_;
  Node asked_;
  bool doubted_ = false;  // since the question that is under way
  MonoTime mapped_at_{};
  Backoff backoff_;
  Timer timer_;
  std::unique_ptr<Connection> scout_;
};

}  // namespace mas::redis
