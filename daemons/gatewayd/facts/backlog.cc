// Parts added, joined and taken off.
#include "daemons/gatewayd/facts/backlog.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace mas::gateway {

/// The means follow the last few dozen entries.
void Backlog::add(uint64_t records, uint64_t bytes) {
  constexpr double kWeight = 1.0 / 32;
  mean_records_ += (static_cast<double>(records) - mean_records_) * kWeight;
  mean_bytes_ += (static_cast<double>(bytes) - mean_bytes_) * kWeight;
  entries_ += 1;
  records_ += records;
  bytes_ += bytes;
  push({1, records, bytes, true});
}

void Backlog::push(const Part& part) {
  parts_.push_back(part);
  if (parts_.size() < 2) return;
  const Part& before = parts_[parts_.size() - 2];
  if (before.known == part.known && difference(before, part) == 0) return join(parts_.size() - 2);
  if (parts_.size() <= kParts) return;
  size_t best = 0;
  double least = difference(parts_[0], parts_[1]);
  for (size_t i = 1; i + 1 < parts_.size(); ++i) {
    const double next = difference(parts_[i], parts_[i + 1]);
    if (next < least) least = next, best = i;
  }
  join(best);
}

/// What is lost when two parts become one: how unlike their entries are, and how many.
double Backlog::difference(const Part& a, const Part& b) const {
  auto mean = [](const Part& part, uint64_t sum, double unknown) {
    return part.known ? static_cast<double>(sum) / static_cast<double>(part.entries) : unknown;
  };
  const double records = std::abs(mean(a, a.records, mean_records_) - mean(b, b.records, mean_records_));
  const double bytes = std::abs(mean(a, a.bytes, mean_bytes_) - mean(b, b.bytes, mean_bytes_));
  return static_cast<double>(std::min(a.entries, b.entries)) * (records / mean_records_ + bytes / (mean_bytes_ + 1));
}

/// With the one behind it. What is not known is reckoned by now, unless neither is.
void Backlog::join(size_t left) {
  Part& a = parts_[left];
  Part& b = parts_[left + 1];
  for (Part* part : {&a, &b}) {
    if (a.known == b.known || part->known) continue;
    part->records = static_cast<uint64_t>(static_cast<double>(part->entries) * mean_records_);
    part->bytes = static_cast<uint64_t>(static_cast<double>(part->entries) * mean_bytes_);
    records_ += part->records;
    bytes_ += part->bytes;
    unknown_entries_ -= part->entries;
  }
  a.known = a.known || b.known;
  a.entries += b.entries;
  a.records += b.records;
  a.bytes += b.bytes;
  parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(left) + 1);
}

uint64_t Backlog::measured(uint64_t length) {
  const uint64_t before = records();
  const bool first = !std::exchange(measured_, true);
  if (length > entries_) {  // others added some, or it was there before
    const uint64_t more = length - entries_;
    unknown_entries_ += more;
    push({more, 0, 0, false});
  } else {
    take_off(entries_ - length);
  }
  entries_ = length;
  const uint64_t after = records();
  if (after >= before) return 0;
  shrink_senders(before, after);
  return first ? 0 : before - after;
}

/// Others may have added what left meanwhile, so it is never more than what left.
void Backlog::take_off(uint64_t entries) {
  size_t gone_parts = 0;
  for (; entries > 0 && gone_parts < parts_.size(); ++gone_parts) {
    Part& oldest = parts_[gone_parts];
    const uint64_t gone = std::min(entries, oldest.entries);
    const bool whole = gone == oldest.entries;
    const uint64_t records = whole ? oldest.records : oldest.records / oldest.entries * gone;
    const uint64_t bytes = whole ? oldest.bytes : oldest.bytes / oldest.entries * gone;
    if (!oldest.known) unknown_entries_ -= gone;
    records_ -= records;
    bytes_ -= bytes;
    entries -= gone;
    oldest.entries -= gone;
    oldest.records -= records;
    oldest.bytes -= bytes;
    if (!whole) break;
  }
  parts_.erase(parts_.begin(), parts_.begin() + static_cast<std::ptrdiff_t>(gone_parts));
}

void Backlog::clear() {
  parts_.clear();
  entries_ = unknown_entries_ = records_ = bytes_ = 0;
  measured_ = false;
  by_sender_.reset();
}

// ---- By sender

void Backlog::add_sender(std::string_view sender, uint64_t bytes) {
  auto found = by_sender_->find(sender);
  if (found == by_sender_->end()) {
    if (by_sender_->size() >= kMaxSenders) return;
    found = by_sender_->try_emplace(std::string(sender)).first;
  }
  ++found->second.records;
  found->second.bytes += bytes;
}

Backlog::Size Backlog::of_sender(std::string_view sender) const {
  if (by_sender_ == nullptr) return {};
  auto found = by_sender_->find(sender);
  return found == by_sender_->end() ? Size{} : found->second;
}

void Backlog::shrink_senders(uint64_t before, uint64_t after) {
  if (by_sender_ == nullptr || before == 0) return;
  const double part = static_cast<double>(after) / static_cast<double>(before);
  for (auto it = by_sender_->begin(); it != by_sender_->end();) {
    Size& own = it->second;
    own.records = static_cast<uint64_t>(static_cast<double>(own.records) * part);
    own.bytes = static_cast<uint64_t>(static_cast<double>(own.bytes) * part);
    it = own.records == 0 ? by_sender_->erase(it) : std::next(it);
  }
}

}  // namespace mas::gateway
