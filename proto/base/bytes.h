// Binary forms: little-endian integers and length-prefixed texts, appended to a string or read from a view.
//
// Happy path: ByteWriter appends; ByteReader hands out what was written, in the same order.
// Failure: a read past the end makes the reader fail permanently: every further read returns zeros or empty views, and
// ok() is false. So a caller reads everything and checks once. No read allocates; the caller checks sizes.
// Threading: none. Ownership: a reader's views live as long as the bytes it reads.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace mas {

static_assert(std::endian::native == std::endian::little, "the wire is little-endian; other machines must swap");

inline std::string_view view_of(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  template <std::unsigned_integral T>
  ByteWriter& integer(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    out_.append(bytes, sizeof(T));
    return *this;
  }
  ByteWriter& bytes(std::string_view raw) { return out_.append(raw), *this; }
  ByteWriter& bytes(std::span<const unsigned char> raw) { return bytes(view_of(raw)); }
  /// A text of at most 65,535 bytes with its length (16 bits) before it.
  ByteWriter& text16(std::string_view text) { return integer(static_cast<uint16_t>(text.size())).bytes(text); }
  /// A text with its length (32 bits) before it.
  ByteWriter& text32(std::string_view text) { return integer(static_cast<uint32_t>(text.size())).bytes(text); }

 private:
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }
  std::string_view rest() const { return rest_; }

  template <std::unsigned_integral T>
  T integer() {
    T value{};
    std::string_view raw = bytes(sizeof(T));
    if (!raw.empty()) std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }
  std::string_view bytes(size_t size) {
    if (!ok_ || size > rest_.size()) return fail();
    std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <size_t kSize>
  std::array<unsigned char, kSize> array() {
    std::array<unsigned char, kSize> taken{};
    std::string_view raw = bytes(kSize);
    if (!raw.empty()) std::memcpy(taken.data(), raw.data(), kSize);
    return taken;
  }
  std::string_view text16() { return bytes(integer<uint16_t>()); }
  std::string_view text32() { return bytes(integer<uint32_t>()); }

 private:
  std::string_view fail() {
    ok_ = false;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace mas
