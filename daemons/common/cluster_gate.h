// The gate to a cluster: a daemon needs all of it, since any agent may be anywhere.
//
//     down ──every slot has a primary; each is reached, and its HELLO is fine──▶ up
//      ▲                                                                         │
//      └── a primary is lost or refused; a slot has none; there are other primaries
//
// Other primaries make it go down for a moment even if all of them will do: what a daemon had asked of the former ones,
// it asks again. A slot that moves from one primary to another changes nothing here.
// Failure modes: a primary that is too old is asked again every two seconds. A replica does not come so far.
// Threading, ownership: as RedisGate.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemons/common/redis_gate.h"
#include "proto/redis/loop.h"

namespace mas::common {

class ClusterGate final : public RedisGate, redis::ClusterListener {
 public:
  ClusterGate(uv_loop_t* loop, redis::ConnectionOptions options, Log& log, RedisGateListener& listener);
  ~ClusterGate() override { client().forget(this); }

  void stop() override;
  bool up() const override { return up_; }
  std::string address() const override { return address_; }

 private:
  void on_map(const redis::SlotMap& map) override;
  void on_node_ready(const redis::Node& node, bool again) override;
  void on_node_down(const redis::Node& node, const Error& why, unsigned attempt) override;
  void on_map_trouble(const Error& why) override;

  void ask(const redis::Node& node);
  void ask_refused();
  void on_hello(uint64_t tag, const redis::Answer& answer);
  /// Whether the cluster will do now. @return why not.
  Status check() const;
  void look();
  void close(const Error& why);

  const std::string address_;
  redis::ClusterLink& cluster_;
  // Of each node that is connected: its version, or why it will not do.
  std::map<redis::Node, Result<std::string>> checked_;
  std::map<uint64_t, redis::Node> asked_;  // by tag
  uint64_t last_tag_ = 0;
  std::vector<redis::Node> served_by_;  // the primaries when it came up
  redis::Timer again_;
  bool up_ = false;
};

}  // namespace mas::common
