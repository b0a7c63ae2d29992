// Which sentinels are known, and the order in which they are asked.
//
// Those of the URL are kept for ever. Others are learned from a sentinel that is believed; what it does not list any
// longer is forgotten. The one that was last right is asked first. Pure.
#pragma once

#include <vector>

#include "proto/redis/url.h"

namespace mas::redis {

class Roster {
 public:
  explicit Roster(std::vector<Node> configured) : configured_(std::move(configured)), order_(configured_) {}

  /// `by` was right: it is asked first from now on, and those that it knows are asked too.
  void believe(const Node& by, const std::vector<Node>& others);
  /// `by` named a server that was none: it is asked last from now on.
  void doubt(const Node& by);
  const std::vector<Node>& in_order() const { return order_; }

 private:
  const std::vector<Node> configured_;
  std::vector<Node> order_;
};

}  // namespace mas::redis
