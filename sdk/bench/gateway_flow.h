// What the processes of `bench gateway` count for each other while a round runs: a page of shared memory.
//
// Every process has a slot of its own and adds to it; senders look at all of them to keep the number of messages under
// way below a bound (a receiver that is slower than the gateway must not be drowned by the benchmark), the coordinator
// to show progress and to see the end.
// Threading: relaxed atomics across processes; sums are a moment old. Ownership: the page lives while one maps it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "proto/base/result.h"

namespace mas::ctl {

class FlowPage {
 public:
  static constexpr size_t kSlots = 128;

  /// Makes a page. Its descriptor, fd(), is handed to workers as kAckFd.
  static Result<std::unique_ptr<FlowPage>> create();
  /// Maps the page of an inherited descriptor.
  static Result<std::unique_ptr<FlowPage>> open(int fd);
  ~FlowPage();
  FlowPage(const FlowPage&) = delete;
  FlowPage& operator=(const FlowPage&) = delete;

  int fd() const { return fd_; }
  /// @param slot below kSlots, one per process.
  void sent(size_t slot, uint64_t count) { slots_[slot].sent.fetch_add(count, std::memory_order_relaxed); }
  void settled(size_t slot, uint64_t count) { slots_[slot].settled.fetch_add(count, std::memory_order_relaxed); }
  uint64_t total_sent() const;
  /// Messages that are over: received, or refused.
  uint64_t total_settled() const;

 private:
  struct alignas(64) Slot {
    std::atomic<uint64_t> sent, settled;
  };
  FlowPage(int fd, void* memory) : fd_(fd), slots_(static_cast<Slot*>(memory)) {}

  int fd_;
  Slot* slots_;
};

}  // namespace mas::ctl
