// Elements that grow at their end: what the text, nodes and containers of a document are written to.
//
// A string or vector asks for room at every append and cannot be written to behind its end. Here whoever has reserved
// room writes there, and then says how much of it counts.
// Threading: none. Ownership: the buffer's; views and references end with the next append.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

namespace mas::dlp {

template <typename T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const T> view() const { return {elements_.get(), size_}; }
  T& operator[](size_t i) { return elements_[i]; }
  const T& operator[](size_t i) const { return elements_[i]; }
  T& back() { return elements_[size_ - 1]; }

  /// Keeps the memory for what comes next, unless it is much.
  void clear() {
    size_ = 0;
    if (capacity_ * sizeof(T) <= kKeptBytes) return;
    elements_.reset();
    capacity_ = 0;
  }
  /// Makes room for `more` elements behind the end.
  void reserve(size_t more) {
    if (capacity_ - size_ < more) grow(size_ + more);
  }
  void append(std::span<const T> piece) {
    reserve(piece.size());
    std::copy_n(piece.data(), piece.size(), end());
    size_ += piece.size();
  }
  /// @return a new last element, which is for the caller to write: it holds anything.
  T& add() {
    if (size_ == capacity_) grow(size_ + 1);
    return elements_[size_++];
  }

  /// Where the next element goes, with as much room as was reserved.
  T* end() { return elements_.get() + size_; }
  /// Takes over elements that were written at the end.
  void advance(size_t count) { size_ += count; }

 private:
  static constexpr size_t kKeptBytes = 1024 * 1024;

  [[gnu::noinline]] void grow(size_t least) {
    size_t capacity = std::max(least, capacity_ * 2);
    auto elements = std::make_unique_for_overwrite<T[]>(capacity);
    std::copy_n(elements_.get(), size_, elements.get());
    elements_ = std::move(elements);
    capacity_ = capacity;
  }

  std::unique_ptr<T[]> elements_;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace mas::dlp
