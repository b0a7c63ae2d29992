// Wiping that the compiler keeps.
#include "proto/base/secret.h"

#include <string.h>  // explicit_bzero

#include <algorithm>

namespace mas {

void wipe(std::string& buffer) {
  buffer.resize(buffer.capacity());
  explicit_bzero(buffer.data(), buffer.size());
  buffer.clear();
}

void wipe(std::span<unsigned char> bytes) { explicit_bzero(bytes.data(), bytes.size()); }
void wipe(std::span<char> bytes) { explicit_bzero(bytes.data(), bytes.size()); }

void reserve_wiping(std::string& buffer, size_t size) {
  if (size <= buffer.capacity()) return;
  std::string larger;
  larger.reserve(std::max(size, buffer.capacity() + buffer.capacity() / 2));
  larger = buffer;
  buffer.swap(larger);
  wipe(larger);
}

}  // namespace mas
