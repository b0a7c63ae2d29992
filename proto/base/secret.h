// Secrets in memory: overwritten before their memory is given back, so that no core dump, swap file or stray read of
// freed memory has them (CWE-244).
//
// A std::string that grows, is assigned or is destroyed returns its old block without overwriting it. So keep a secret
// in a Secret, or in a buffer that grows by reserve_wiping() and ends with wipe().
// Threading, ownership: as for any std::string.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mas {

/// Overwrites the buffer, including what longer contents left behind in it, in a way that the compiler keeps. The
/// buffer is empty afterwards and keeps its block.
void wipe(std::string& buffer);
void wipe(std::span<unsigned char> bytes);
void wipe(std::span<char> bytes);

/// As std::string::reserve(), growing at least by half; an old block is wiped before it is given back.
/// @param size in bytes, what is there included.
void reserve_wiping(std::string& buffer, size_t size);

/// A text that is wiped when it goes away or is moved from.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept { *this = std::move(other); }
  Secret& operator=(const Secret& other) { return *this = Secret(other); }
  Secret& operator=(Secret&& other) noexcept {
    text_.swap(other.text_);
    wipe(other.text_);
    return *this;
  }
  ~Secret() { wipe(text_); }

  std::string_view text() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace mas
