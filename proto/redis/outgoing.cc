// The queue, and how ropes become writes.
#include "proto/redis/outgoing.h"

#include <algorithm>
#include <span>

namespace mas::redis {
namespace {

constexpr size_t kKeptBufferBytes = 1024 * 1024;

}  // namespace

void Outgoing::append_from(std::string& bytes, size_t runs) {
  if (!bytes_.empty()) return append(bytes, runs);
  bytes_.swap(bytes);
  runs_ += runs;
}

void Outgoing::append(Rope rope, size_t runs) {
  if (rope.copied_all()) {
    std::string bytes = rope.take_bytes();
    return append_from(bytes, runs);
  }
  auto push = [this](Rope&& next, size_t its_runs) {
    rope_bytes_ += next.size();
    rope_runs_ += its_runs;
    ropes_.push_back({std::move(next), its_runs});
  };
  if (!bytes_.empty()) push(Rope(std::exchange(bytes_, {}), 0), std::exchange(runs_, 0));
  push(std::move(rope), runs);
}

std::string& Outgoing::next() {
  if (ropes_.empty()) {
    runs_ = 0;
    return bytes_;
  }
  part_.clear();
  part_.reserve(kPartBytes);
  while (!ropes_.empty() && part_.size() < kPartBytes) {
    Item& first = ropes_.front();
    rope_runs_ -= std::exchange(first.runs, 0);
    rope_bytes_ -= first.rope.move_to(part_, kPartBytes - part_.size());
    begun_ = first.rope.size() > 0;
    if (!begun_) ropes_.pop_front();
  }
  if (ropes_.empty() && bytes_.size() <= kPartBytes - part_.size()) {
    part_ += bytes_;
    bytes_.clear();
    runs_ = 0;
  }
  return part_;
}

void Outgoing::trim() {
  if (bytes_.empty() && bytes_.capacity() > kKeptBufferBytes) give_back(bytes_);
}

void Outgoing::give_back(std::string& buffer) const {
  if (secret_) wipe(buffer);
  buffer = std::string();
}

void Outgoing::drop_begun() {
  if (!std::exchange(begun_, false)) return;
  rope_bytes_ -= ropes_.front().rope.size();
  ropes_.pop_front();
}

void Outgoing::drop_runs(size_t runs, size_t bytes) {
  while (bytes > 0 && !ropes_.empty()) {
    Item& first = ropes_.front();
    const size_t its_runs = std::min(runs, first.runs);
    const size_t its_bytes = first.rope.skip(bytes);
    first.runs -= its_runs;
    rope_runs_ -= its_runs;
    rope_bytes_ -= its_bytes;
    runs -= its_runs;
    bytes -= its_bytes;
    if (first.rope.size() == 0) ropes_.pop_front();
  }
  bytes_.erase(0, bytes);
  runs_ -= runs;
}

bool Outgoing::erase_run(size_t at, size_t bytes) {
  if (!ropes_.empty()) return false;
  if (secret_) wipe(std::span(bytes_.data() + at, bytes));
  bytes_.erase(at, bytes);
  --runs_;
  return true;
}

void Outgoing::clear() {
  ropes_.clear();
  bytes_.clear();
  rope_bytes_ = rope_runs_ = runs_ = 0;
  begun_ = false;
}

}  // namespace mas::redis
