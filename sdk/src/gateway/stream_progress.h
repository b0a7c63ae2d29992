// How far the streams of an agent were delivered, as Redis said: ids that only rise, unless Redis lost data.
//
// Redis keeps the id of the last entry that it delivered to a group. A Redis that comes back empty, from an older
// snapshot, or as a replica that had not all of it has an older one.
// Pure. Threading: none.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mas::sdk {

class StreamProgress {
 public:
  /// An entry came.
  void took(size_t stream, std::string_view id) {
    Id& newest = newest_[stream];
    newest = std::max(newest, parse(id));
  }
  /// @param id of the last entry that was delivered to anybody, as Redis says it now. @return what it was, where that
  /// was more; empty: it is as it should be. What is there now is what counts from now on.
  std::string compare(size_t stream, std::string_view id) {
    Id& newest = newest_[stream];
    const Id before = std::exchange(newest, parse(id));
    if (newest >= before) return {};
    return std::to_string(before.first) + "-" + std::to_string(before.second);
  }
  /// The streams are new ones.
  void forget() { newest_.clear(); }
  /// This stream is.
  void forget(size_t stream) { newest_.erase(stream); }

 private:
  using Id = std::pair<uint64_t, uint64_t>;

  /// @return 0-0 for what is no id.
  static Id parse(std::string_view text) {
    Id id{0, 0};
    const char* end = text.data() + text.size();
    auto [dash, failed] = std::from_chars(text.data(), end, id.first);
    if (failed == std::errc() && dash != end && *dash == '-') std::from_chars(dash + 1, end, id.second);
    return id;
  }

  std::unordered_map<size_t, Id> newest_;  // by the number of the stream
};

}  // namespace mas::sdk
