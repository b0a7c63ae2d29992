// A cluster link from inside: what sending (cluster_link.cc) and answering (cluster_answers.cc) share.
#pragma once

#include "proto/redis/cluster/cluster_link.h"

namespace mas::redis {

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
  NodeLink* node = nullptr;        // that has it; null: it waits
  size_t failed = 0;               // commands that were answered since no node will have it
  bool unsent = false;             // the node's link was lost before it was written
};

}  // namespace mas::redis
