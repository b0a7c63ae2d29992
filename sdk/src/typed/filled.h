// A struct that was filled from JSON, and the memory of everything that it points to.
// Ownership: one block of chunks that ends with this object. Threading: one thread fills it; then it is immutable.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory_resource>
#include <string_view>

namespace mas::sdk {

class Filled {
 public:
  /// What a struct may need beyond 16 bytes for each byte of its JSON.
  static constexpr size_t kFreeBytes = size_t{1} << 20;

  /// @param struct_bytes the size of the struct, which may be large without counting against the bound.
  Filled(size_t struct_bytes, size_t json_bytes) : left_(kOwnerBytes + struct_bytes + kFreeBytes + 16 * json_bytes) {
    std::byte* block = allocate(kOwnerBytes + struct_bytes);
    Filled* self = this;
    std::memcpy(block, &self, sizeof self);
    root_ = block + kOwnerBytes;
  }
  Filled(const Filled&) = delete;
  Filled& operator=(const Filled&) = delete;

  /// The struct. Whoever has only its address finds its memory by of().
  std::byte* root() const { return root_; }
  static Filled* of(void* root) {
    Filled* self = nullptr;
    std::memcpy(&self, static_cast<std::byte*>(root) - kOwnerBytes, sizeof self);
    return self;
  }

  /// @return zeroed memory for any type; nullptr past the bound. Throws std::bad_alloc without memory.
  std::byte* allocate(size_t size) {
    if (size > left_) return nullptr;
    left_ -= size;
    auto* memory = static_cast<std::byte*>(memory_.allocate(std::max<size_t>(size, 1), alignof(std::max_align_t)));
    std::memset(memory, 0, size);
    return memory;
  }

  /// @return a zero-terminated copy; nullptr past the bound.
  char* copy(std::string_view text) {
    auto* memory = reinterpret_cast<char*>(allocate(text.size() + 1));
    if (memory != nullptr) std::memcpy(memory, text.data(), text.size());
    return memory;
  }

 private:
  static constexpr size_t kOwnerBytes = alignof(std::max_align_t);  // before the struct: who owns it

  std::pmr::monotonic_buffer_resource memory_;
  size_t left_;
  std::byte* root_ = nullptr;
};

}  // namespace mas::sdk
