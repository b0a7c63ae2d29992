// Lanes served by weight: which of an agent's waiting messages is next.
//
// Start-time fair queueing (P. Goyal, H. Vin, H. Cheng, SIGCOMM 1996) with every message of the same cost, which is
// stride scheduling (C. Waldspurger, W. Weihl, MIT/LCS/TM-528, 1995): each lane has a tag, the busy lane with the least
// tag is served, and its tag moves on by its stride, which is inverse to its weight. A lane that was empty takes the
// tag of the one served last, so it claims nothing for the time when it had nothing. Deficit round robin (M. Shreedhar,
// G. Varghese, 1996) shares alike, but in runs: a low message would wait for fifty critical ones at a time; here lanes
// interleave.
//
//     lane        critical  high  normal  low  bulk
//     weight            50    25      15    7     3   of 100, where all are busy; what a lane leaves, the others share
//     waits for          4     6       8   16    35   messages of other lanes at most, then one of its own is next
//
// So no lane starves: between two messages of a busy lane another one is served for its whole part of that stride and
// once more, and a message whose lane has been empty for longer waits for one message of each other lane at most.
// Within a lane first in is first out. With one busy lane it is a plain queue.
// Threading: none. It allocates as its rings grow, and picks in a time that depends on nothing but the five lanes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "proto/wire/lane.h"
#include "sdk/src/core/ring.h"

namespace mas::sdk {

/// How much each lane gets where all are busy.
inline constexpr std::array<unsigned, kLanes.size()> kLaneWeights = {50, 25, 15, 7, 3};
/// What a lane's tag moves on by: a common multiple of the weights over the weight.
inline constexpr std::array<uint64_t, kLanes.size()> kLaneStrides = {21, 42, 70, 150, 350};

/// For how many messages of other lanes the next one of a busy lane waits at most.
constexpr uint64_t longest_wait(Lane lane) {
  uint64_t wait = 0;
  for (Lane other : kLanes)
    if (other != lane) wait += kLaneStrides[static_cast<size_t>(lane)] / kLaneStrides[static_cast<size_t>(other)] + 1;
  return wait;
}

template <typename T>
class FairQueue {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  /// Whether messages wait in more than one lane.
  bool mixed() const {
    return std::count_if(lanes_.begin(), lanes_.end(), [](const Queue& lane) { return !lane.ring.empty(); }) > 1;
  }

  void push(Lane lane, T value) {
    Queue& queue = lanes_[static_cast<size_t>(lane)];
    if (queue.ring.empty()) queue.tag = std::max(queue.tag, now_);
    queue.ring.push(std::move(value));
    ++size_;
  }

  /// The one that pop() takes next. Not when empty.
  const T& front() const { return lanes_[next()].ring.front(); }

  T pop() {
    Queue& queue = lanes_[next()];
    now_ = queue.tag;
    queue.tag += kLaneStrides[static_cast<size_t>(&queue - lanes_.data())];
    --size_;
    return queue.ring.pop();
  }

  /// Takes the oldest of the least urgent lane that is busy: what a queue that is too long can do without first.
  T pop_least() {
    auto last = std::find_if(lanes_.rbegin(), lanes_.rend(), [](const Queue& lane) { return !lane.ring.empty(); });
    --size_;
    return last->ring.pop();
  }

  /// The fronts of the lanes that are busy.
  template <typename Visit>
  void each_front(Visit&& visit) const {
    for (const Queue& lane : lanes_)
      if (!lane.ring.empty()) visit(lane.ring.front());
  }

 private:
  struct Queue {
    Ring<T> ring;
    uint64_t tag = 0;
  };

  /// The busy lane with the least tag; of several the most urgent.
  size_t next() const {
    size_t least = lanes_.size();
    for (size_t i = 0; i < lanes_.size(); ++i)
      if (!lanes_[i].ring.empty() && (least == lanes_.size() || lanes_[i].tag < lanes_[least].tag)) least = i;
    return least;
  }

  std::array<Queue, kLanes.size()> lanes_;
  uint64_t now_ = 0;  // the tag of the lane that was served last
  size_t size_ = 0;
};

}  // namespace mas::sdk
