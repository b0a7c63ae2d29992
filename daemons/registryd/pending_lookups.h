// Ids whose entries should be read because an event on mas.system named them: each once, in a bounded number.
//
// An id that does not fit is not remembered; the caller then reads all entries instead. Pure; threading: none.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/keyed_map.h"

namespace mas::registry {

class PendingLookups {
 public:
  explicit PendingLookups(size_t bound) : bound_(bound) {}

  /// @return false when the id is new and there is no room for it.
  bool add(std::string_view id) {
    std::string text(id);
    if (waiting_.contains(text)) return true;
    if (order_.size() >= bound_) return false;
    waiting_.insert(text);
    order_.push_back(std::move(text));
    return true;
  }

  /// @return up to `max` ids, those that came first, and forgets them.
  std::vector<std::string> take(size_t max) {
    std::vector<std::string> taken;
    while (!order_.empty() && taken.size() < max) {
      waiting_.erase(order_.front());
      taken.push_back(std::move(order_.front()));
      order_.pop_front();
    }
    return taken;
  }

  size_t size() const { return order_.size(); }
  bool empty() const { return order_.empty(); }

 private:
  size_t bound_;
  KeyedSet waiting_;
  std::deque<std::string> order_;
};

}  // namespace mas::registry
