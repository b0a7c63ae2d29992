// How many elements of a long list may be read at once, from what Redis tells without touching what is in it.
//
// Redis keeps a list as a chain of nodes: small elements share one, up to about kNodeBytes; a larger one has its own.
// So the first k elements lie in the first k nodes or fewer. `MEMORY USAGE list SAMPLES k` is the mean size of the
// first k nodes times how many nodes there are. The size of the head element bounds the first node, and the first of
// these answers then tells about how many nodes there are, and with it every other answer what k elements have at most.
// A list with larger nodes (list-max-listpack-size other than its default) is underrated by as much.
// Pure. Threading: none.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace mas::gateway {

class ListWeight {
 public:
  static constexpr std::array<size_t, 10> kSamples = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
  static constexpr size_t kMaxElements = kSamples.back();

  void set_head(size_t bytes) { head_ = bytes; }
  /// The answer for the next of kSamples; 0: there is no list.
  void add(int64_t usage) {
    if (answers_ < usage_.size()) usage_[answers_++] = static_cast<uint64_t>(std::max<int64_t>(usage, 0));
  }
  bool known() const { return answers_ == usage_.size(); }
  /// About the bytes of the whole list.
  uint64_t total() const { return known() ? usage_.back() : 0; }
  /// @return how many elements have no more than `bytes`, one of kSamples; at least one.
  size_t fitting(uint64_t bytes) const {
    size_t fits = 1;
    for (size_t samples : kSamples)
      if (bytes_of(samples) <= bytes) fits = samples;
    return fits;
  }
  /// @param samples one of kSamples. @return what so many elements have at most.
  uint64_t bytes_of(size_t samples) const {
    if (samples == 1) return head_;
    const double first_node = kSlack * static_cast<double>(std::max<uint64_t>(head_, kNodeBytes));
    const double nodes = std::max(static_cast<double>(usage_[0]) / first_node, 1.0);
    auto at = static_cast<size_t>(std::lower_bound(kSamples.begin(), kSamples.end(), samples) - kSamples.begin());
    return static_cast<uint64_t>(static_cast<double>(usage_[at]) * static_cast<double>(samples) / nodes);
  }

 private:
  static constexpr uint64_t kNodeBytes = 8192;
  static constexpr double kSlack = 1.25;  // of the allocator's size classes
  std::array<uint64_t, kSamples.size()> usage_{};
  size_t answers_ = 0;
  uint64_t head_ = 0;
};

}  // namespace mas::gateway
