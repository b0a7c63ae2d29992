// The hub of a cluster: a connection for commands and one for subscriptions to each primary that is needed.
//
// Happy path: a member joins; its home, the primary of its channel's slot, is connected and the channel heard there.
// Messages of all members go to the primaries of their targets.
// Failure: a member hears of the loss of its home, and of its channel; not of other nodes. When its slot moves, its
// channel is lost for a moment (on_link_down, then on_hearing at the new home). While no node has told a map, everybody
// hears why.
// Threading, ownership: see Hub.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "proto/redis/cluster/cluster_subscriber.h"
#include "sdk/src/loop/hub.h"

namespace mas::sdk {

class ClusterHub final : public Hub, redis::ClusterListener, redis::ChannelListener {
 public:
  ClusterHub(Runtime& runtime, const redis::Endpoint& endpoint, const std::string& client_name);

  void start() override { commands().start(); }
  bool reaches(std::string_view channel) const override;
  bool serves(std::string_view channel) const override;

 private:
  void hear(const std::string& channel, size_t max_payload) override;
  void stop_hearing(std::string_view channel) override;

  void on_map(const redis::SlotMap& map) override;
  void on_node_ready(const redis::Node& node, bool again) override;
  void on_node_down(const redis::Node& node, const Error& why, unsigned attempt) override;
  void on_map_trouble(const Error& why) override;
  void on_message(std::string_view channel, std::string_view payload) override { deliver(channel, payload); }
  void on_oversized(std::string_view channel, uint64_t bytes) override { leave_out(channel, bytes); }
  void on_channel_heard(std::string_view channel) override;
  void on_channel_lost(std::string_view channel, const Error& why) override;
  void on_channel_refused(std::string_view channel, const Error& why) override;
  void on_subscriber_error(const Error& why) override;

  Members at_home_at(const redis::Node& node) const;
  const redis::Node* home_of(std::string_view channel) const;

  redis::ClusterLink& cluster_;  // for commands
  redis::ClusterSubscriber subscriber_;
  std::map<std::string, redis::Node, std::less<>> homes_;  // by channel, where they are known
  std::set<redis::Node> older_;  // whose link for subscriptions was there when that for commands was lost
};

}  // namespace mas::sdk
