// Commands to a Redis Cluster: a connection to each primary that is needed, and every run sent to the one that serves
// its slot. What Connection is for one server.
//
//   run        commands of one call, all of one slot, whose replies go to one receiver; refused where their keys are in
//              several slots
//   scatter    commands of one call that do not depend on each other: each is a run of its own
//   in flight  of a slot: runs that a node has and has not answered
//   waiting    of a slot: runs that cannot be sent now, in the order of their calls
//
// Happy path: send() reads the run's slot from its keys, and hands it to the connection of the slot's primary; replies
// go straight to the receiver. Connections are made when something is first sent to a node, or by connect().
//
//     send() ──▶ waiting ──map, link ready, slot free, backoff over──▶ in flight ──▶ answered
//                   ▲                                                      │
//                   └── not sent (link lost), MOVED, ASK, TRYAGAIN, … ─────┘
//
// Order: the runs of one slot are executed in the order of their calls. So a slot has runs in flight at one node only:
// when it moves, what the old node refuses waits until the old node has answered everything, and then goes to the new
// one in the old order. A run without a key goes to any primary. Within a run, the replies of redirected commands come
// after those of the others.
// Failure: as Connection, by run. A run that was handed to a socket and not answered is never sent again:
// kConnectionLost or kTimeout. What no node has executed is sent again, by the rules of redirect.h, until its own
// deadline has passed: then it answers kUnreachable, or the reason that a node gave. A node that fails makes the map be
// asked for; its own connection goes on trying until it is let go (node_pool.h).
// Threading: one loop, its thread. Ownership: may be destroyed at any time but from inside its own callbacks; what is
// pending is then dropped without an answer.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/redis/cluster/node_pool.h"
#include "proto/redis/cluster/redirect.h"
#include "proto/redis/cluster/slot_queue.h"
#include "proto/redis/cluster/topology_watch.h"

namespace mas::redis {

class ClusterListener {
 public:
  virtual ~ClusterListener() = default;
  /// Slots have other primaries.
  virtual void on_map(const SlotMap& map) = 0;
  /// As Connection's, for one node.
  virtual void on_node_ready(const Node& node, bool again) = 0;
  virtual void on_node_down(const Node& node, const Error& why, unsigned attempt) = 0;
  /// No node has told a map lately.
  virtual void on_map_trouble(const Error& why) = 0;
};

class ClusterLink final : TopologyListener, NodeListener {
 public:
  /// @param listener may be null; must outlive the link.
  ClusterLink(uv_loop_t* loop, ClusterOptions options, ClusterListener* listener);
  ~ClusterLink() override;
  ClusterLink(const ClusterLink&) = delete;
  ClusterLink& operator=(const ClusterLink&) = delete;

  void start();
  /// Pending runs are answered with kCancelled before this returns.
  void stop();

  /// As Connection::send(). @return also kInvalidArgument, see command_keys.h.
  Status send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout = {});
  Status send(const Command& command, ReplyTo to, Duration timeout = {}) {
    return send(command.bytes(), command.count(), to, timeout);
  }
  /// Each command is sent by itself; the reply to the i-th has `tag + i`, and they come in any order.
  Status scatter(std::string_view bytes, size_t count, ReplyTo to, Duration timeout = {});
  Status scatter(const Command& command, ReplyTo to, Duration timeout = {}) {
    return scatter(command.bytes(), command.count(), to, timeout);
  }
  /// As send(), to that node and no other, whatever the keys are: for a walk over all primaries.
  Status send_to(const Node& node, const Command& command, ReplyTo to, Duration timeout = {});
  /// As Connection::transaction(), of one slot. It is sent again only where Redis has discarded it.
  Status transaction(const Command& body, ReplyTo to, Duration timeout = {});
  /// As Connection's.
  void forget(const void* self);
  /// As forget(); what no node has yet of the receiver's runs is never sent.
  void abandon(const void* self);
  void flush() { nodes_.flush(); }
  /// While a reply is handed on, as Connection's.
  void wipe_received();
  const OversizedText& oversized() const;
  /// While a reply is handed on: the node that gave it.
  Node answering() const;

  /// Makes the connection to the slot's primary, as soon as it is known, and keeps it.
  void connect(unsigned slot) { nodes_.want(slot); }
  void release(unsigned slot) { nodes_.release(slot); }
  /// Connects to every primary, as soon as it is known, and stays connected.
  void connect_all() { nodes_.want_all(); }
  /// Drops the connections to all nodes, as Connection::drop_link().
  void drop_links(const Error& why) { nodes_.drop_links(why); }
  /// @return whether a run for the slot would be sent at once.
  bool ready(unsigned slot) const;
  /// @return whether the link to that node is ready.
  bool connected(const Node& node) const { return nodes_.connected(node); }
  const SlotMap& map() const { return topology_.map(); }
  /// The map may be out of date.
  void refresh() { topology_.refresh(); }
  /// A node said so, where it was asked otherwise. Unless nodes contradict each other, the map follows.
  void moved(unsigned slot, const Node& node) { topology_.moved(slot, node); }
  /// Asks the slot's primary for its role, as Connection::ask_role().
  void ask_role(const Node& node);
  size_t pending_commands() const { return pending_commands_; }
  /// Of all nodes since construction.
  Connection::Counters counters() const { return nodes_.counters(); }
  const ClusterOptions& options() const { return options_; }

 private:
  static constexpr unsigned kAnySlot = kHashSlots;     // of a run without a key
  static constexpr unsigned kPinned = kHashSlots + 1;  // of a run to one node: this, and the node's number
  struct Run;
  using RunId = uint32_t;
  struct Failing {
    RunId id;
    Error why;
  };

  // TopologyListener
  void on_map() override;
  void on_map_trouble(const Error& why) override;
  // NodeListener
  void on_node_ready(NodeLink& node) override;
  void on_node_down(NodeLink& node, const Error& why, unsigned attempt) override;

  Status submit(std::string_view bytes, size_t count, bool transaction, ReplyTo to, Duration timeout);
  void begin_run(std::string_view bytes, size_t count, unsigned slot, bool transaction, ReplyTo to, Duration timeout,
                 const Node* pinned = nullptr);
  Status check_room(size_t bytes, size_t count) const;
  RunId add_run(Run run);
  void drop_run(RunId id);
  void place(RunId id);
  void wait(RunId id);
  void pump(unsigned slot);
  void pump_all();
  NodeLink* target(const Run& run);
  bool hand_over(RunId id, NodeLink& node);
  void on_reply(uint64_t tag, const Answer& answer);
  /// What becomes of a command that has come back.
  enum class Fate : uint8_t {
    kAnswered,  // it was executed, or nobody knows
    kParked,    // its run waits to be sent again
    kDetached,  // it waits to be sent again, as a run of its own
  };
  Fate fate_of(RunId id, size_t index, const Answer& got);
  Fate not_sent(RunId id, size_t index);
  Fate redirected(RunId id, size_t index, const Redirect& redirect, const Reply& reply);
  void fail(RunId id, Error why);
  void answer_failing();
  RunId single_command(const Run& run, size_t index);
  void on_tick();
  void expire(unsigned slot, MonoTime now);
  void let_go(unsigned slot);
  void tidy_soon();

  const ClusterOptions options_;
  ClusterListener* const listener_;
  bool stopped_ = false;
  bool tidy_wanted_ = false;
  TopologyWatch topology_;
  NodePool nodes_;
  std::unordered_map<unsigned, SlotQueue> queues_;  // by slot
  std::set<unsigned> waiting_;                      // slots with waiting runs
  std::deque<Run> runs_;
  std::vector<RunId> unused_;
  std::deque<Failing> failing_;  // being answered; in no queue
  uint64_t sequence_ = 0;
  size_t pending_commands_ = 0, pending_bytes_ = 0;
  Error trouble_;                  // what a run that waits in vain is told
  NodeLink* answering_ = nullptr;  // while a reply is handed on
  Timer tick_;                     // while runs wait, or nodes are to go
};

}  // namespace mas::redis
