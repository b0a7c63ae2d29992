// A cluster link from inside: what sending (cluster_link.cc) and answering (cluster_answers.cc) share.
#pragma once

#include "proto/redis/cluster/cluster_link.h"

namespace mas::redis {

/// A node and the connection to it.
struct ClusterLink::Primary final : ConnectionListener {
  Primary(ClusterLink& its_owner, Node its_address, unsigned its_number, ConnectionOptions options)
      : owner(its_owner),
        address(std::move(its_address)),
        number(its_number),
        connection(its_owner.loop_, std::move(options), this) {}

  void on_ready(Connection& ready) override;
  void on_down(Connection& lost, const Error& why, unsigned attempt) override;

  ClusterLink& owner;
  const Node address;
  const unsigned number;
  size_t in_flight = 0;   // runs
  bool asked_for = true;  // since the last tidy(): a run goes to it, or waits for it
  MonoTime used_at{};     // when tidy() last saw it asked for
  Connection connection;
};

/// A call, or one of its commands that is sent again alone.
struct ClusterLink::Run {
  std::string bytes;
  size_t count = 0;  // 0: not in use
  bool transaction = false;
  unsigned slot = 0;
  ReplyTo to;
  MonoTime deadline{};
  uint64_t sequence = 0;
  unsigned redirects = 0;
  std::optional<Node> pinned{};    // the only node that it may go to
  std::optional<Node> ask{};       // where it goes this time, after ASKING
  std::optional<Error> held_by{};  // what a node said why it cannot run it now
  Primary* node = nullptr;         // that has it; null: it waits
  size_t failed = 0;               // commands that were answered since no node will have it
  bool unsent = false;             // the node's link was lost before it was written
};

}  // namespace mas::redis
