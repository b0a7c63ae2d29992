// Texts that stay where they are put until all of them go. They lie in chunks of one size, so that growing moves
// nothing and never asks for twice of what is there; and what one store gives back, another one takes.
//
// Failure: std::bad_alloc. Threading: none. Ownership: the pool must outlive its stores, also those that were lent;
// views live until clear().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace mas::gateway {

class ChunkPool {
 public:
  using Chunk = std::unique_ptr<char[]>;

  explicit ChunkPool(size_t chunk_bytes) : chunk_bytes_(chunk_bytes) {}

  size_t chunk_bytes() const { return chunk_bytes_; }
  size_t spare() const { return spare_.size(); }
  Chunk take() {
    if (spare_.empty()) return Chunk(new char[chunk_bytes_]);
    Chunk chunk = std::move(spare_.back());
    spare_.pop_back();
    return chunk;
  }
  void give(Chunk chunk) { spare_.push_back(std::move(chunk)); }
  /// Frees a spare chunk if there are more than that, so that after a peak memory goes back little by little.
  void shrink(size_t enough) {
    if (spare_.size() > enough) spare_.pop_back();
  }

 private:
  const size_t chunk_bytes_;
  std::vector<Chunk> spare_;
};

class TextStore {
 public:
  explicit TextStore(ChunkPool& pool) : pool_(&pool) {}

  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    char* place = room(text.size());
    std::memcpy(place, text.data(), text.size());
    return {place, text.size()};
  }
  void clear() {
    for (auto& chunk : chunks_) pool_->give(std::move(chunk));
    chunks_.clear();
    large_.clear();
    used_ = 0;
  }
  size_t chunks() const { return chunks_.size(); }
  /// The memory that texts lie in, by rising address.
  std::vector<std::string_view> places() const {
    std::vector<std::string_view> places;
    for (const auto& chunk : chunks_) places.emplace_back(chunk.get(), pool_->chunk_bytes());
    for (const auto& [text, bytes] : large_) places.emplace_back(text.get(), bytes);
    std::sort(places.begin(), places.end(),
              [](std::string_view a, std::string_view b) { return std::less<>()(a.data(), b.data()); });
    return places;
  }

 private:
  char* room(size_t bytes) {
    const size_t chunk_bytes = pool_->chunk_bytes();
    if (bytes > chunk_bytes / 4)  // little of a chunk is left unused
      return large_.emplace_back(ChunkPool::Chunk(new char[bytes]), bytes).first.get();
    if (chunks_.empty() || used_ + bytes > chunk_bytes) {
      chunks_.push_back(pool_->take());
      used_ = 0;
    }
    return chunks_.back().get() + std::exchange(used_, used_ + bytes);
  }

  ChunkPool* pool_;  // a pointer, so that stores can be swapped
  std::vector<ChunkPool::Chunk> chunks_;
  std::vector<std::pair<ChunkPool::Chunk, size_t>> large_;
  size_t used_ = 0;  // of the last chunk
};

}  // namespace mas::gateway
