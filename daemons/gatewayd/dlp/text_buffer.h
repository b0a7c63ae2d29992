// Bytes that grow at their end: what the text of a document is written to.
//
// A string asks for room at every append and cannot be written to behind its end. Here whoever has reserved room writes
// there, and then says how much of it counts.
// Threading: none. Ownership: the buffer's; views end with the next append.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace mas::dlp {

class TextBuffer {
 public:
  size_t size() const { return size_; }
  std::string_view view() const { return {bytes_.get(), size_}; }

  void clear() { size_ = 0; }
  /// Makes room for `more` bytes behind the end.
  void reserve(size_t more) {
    if (capacity_ - size_ < more) grow(size_ + more);
  }
  void append(std::string_view piece) {
    reserve(piece.size());
    std::copy_n(piece.data(), piece.size(), end());
    size_ += piece.size();
  }
  void push_back(char c) { append({&c, 1}); }

  /// Where the next byte goes, with as much room as was reserved.
  char* end() { return bytes_.get() + size_; }
  /// Takes over bytes that were written at the end.
  void advance(size_t count) { size_ += count; }

 private:
  void grow(size_t least) {
    size_t capacity = std::max(least, capacity_ * 2);
    auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
    std::copy_n(bytes_.get(), size_, bytes.get());
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace mas::dlp
