// Remembers the last messages by sender and message id, to drop what comes a second time, unless its handler failed
// meanwhile.
// Optional: nothing is remembered with a window of 0, or of a message without an id.
//
// Threading: none. Memory: the texts of `size` messages.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "sdk/src/core/ring.h"

namespace mas::sdk {

class DedupeWindow {
 public:
  explicit DedupeWindow(size_t size) : size_(size) {}

  /// @return whether the message is among the last `size`; remembers it if not.
  bool seen(std::string_view sender, std::string_view message_id) {
    std::string key = key_of(sender, message_id);
    if (key.empty()) return false;
    auto [it, added] = known_.try_emplace(std::move(key), true);
    if (!added) return std::exchange(it->second, true);
    order_.push(&it->first);  // stays where it is, also when the table grows
    if (order_.size() > size_) known_.erase(known_.find(*order_.pop()));
    return false;
  }
  /// @return what a message is known by here; empty: it is not remembered.
  std::string key_of(std::string_view sender, std::string_view message_id) const {
    std::string key;
    if (size_ == 0 || message_id.empty()) return key;
    key.reserve(sender.size() + 1 + message_id.size());
    key.append(sender).push_back('\0');  // no id has a zero
    key.append(message_id);
    return key;
  }
  void clear() {
    order_ = {};
    known_.clear();
  }
  /// The message of that key is welcome again.
  void forget(const std::string& key) {
    if (auto it = known_.find(key); it != known_.end()) it->second = false;
  }

 private:
  const size_t size_;
  std::unordered_map<std::string, bool> known_;  // whether it is dropped when it comes again
  Ring<const std::string*> order_;
};

}  // namespace mas::sdk
