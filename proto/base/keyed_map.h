// Hash tables for texts from untrusted sources. The hash has a random key per process, so that no peer can choose texts
// that share a slot. Looked up by string_view.
// Threading: the hash may be used from any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "proto/base/random.h"
#include "proto/base/siphash.h"

namespace mas {

/// SipHash-1-3 under the key of this process.
inline uint64_t keyed_hash(std::string_view text) {
  static const SipKey key{random_u64(), random_u64()};
  return siphash13(key, text);
}

struct KeyedHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return keyed_hash(text); }
};

template <typename Value>
using KeyedMap = std::unordered_map<std::string, Value, KeyedHash, std::equal_to<>>;
using KeyedSet = std::unordered_set<std::string, KeyedHash, std::equal_to<>>;

}  // namespace mas
