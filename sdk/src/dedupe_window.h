// Remembers the last messages by sender and message id, to drop what comes a second time. Optional: nothing is remembered
// with a window of 0, or of a message without an id.
//
// Threading: none. Memory: the texts of `size` messages.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "sdk/src/ring.h"

namespace mas::sdk {

class DedupeWindow {
 public:
  explicit DedupeWindow(size_t size) : size_(size) {}

  /// @return whether the message is among the last `size`; remembers it if not.
  bool seen(std::string_view sender, std::string_view message_id) {
    if (size_ == 0 || message_id.empty()) return false;
    std::string key;
    key.reserve(sender.size() + 1 + message_id.size());
    key.append(sender).push_back('\0');  // no id has a zero
    key.append(message_id);
    auto [it, added] = known_.insert(std::move(key));
    if (!added) return true;
    order_.push(&*it);  // stays where it is, also when the table grows
    if (order_.size() > size_) known_.erase(known_.find(*order_.pop()));
    return false;
  }

 private:
  const size_t size_;
  std::unordered_set<std::string> known_;
  Ring<const std::string*> order_;
};

}  // namespace mas::sdk
