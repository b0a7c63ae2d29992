// Bucket arithmetic of the log-linear histogram.
//
// Values below 2·64 have a bucket each. Above, a value with its top bit at position b is shifted right by b −
// 6, which leaves 7 bits: the leading one and the 64 sub-buckets.
#include "proto/base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mas {

namespace {
constexpr size_t kBuckets = (64 - 6 + 1) * 64;  // shift 0 uses 128 slots, each further shift 64
}

Histogram::Histogram() : buckets_(kBuckets, 0) {}

size_t Histogram::index_of(uint64_t value) {
  int shift = std::max(0, static_cast<int>(std::bit_width(value)) - 1 - kSubBits);
  return (static_cast<size_t>(shift) << kSubBits) + static_cast<size_t>(value >> shift);
}

uint64_t Histogram::upper_edge(size_t index) {
  if (index < (2u << kSubBits)) return index;
  size_t shift = (index >> kSubBits) - 1;
  uint64_t base = index - (shift << kSubBits);
  return (base << shift) + ((uint64_t{1} << shift) - 1);
}

void Histogram::record_n(uint64_t value, uint64_t times) {
  if (times == 0) return;
  buckets_[index_of(value)] += times;
  count_ += times;
  sum_ += value * times;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() { *this = Histogram(); }

uint64_t Histogram::quantile(double q) const {
  if (count_ == 0) return 0;
  auto rank = static_cast<uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_)));
  rank = std::clamp<uint64_t>(rank, 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(upper_edge(i), max_);
  }
  return max_;
}

uint64_t Histogram::count_at_or_below(uint64_t value) const {
  uint64_t total = 0;
  for (size_t i = 0; i < buckets_.size() && upper_edge(i) <= value; ++i) total += buckets_[i];
  return total;
}

}  // namespace mas
