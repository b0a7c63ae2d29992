// What was asked for in one call, by the tags of the replies, and how many replies are still to come: on a cluster
// those of different slots come in any order.
//
// Pure. Threading: none.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace mas::redis {

template <typename Asked>
class Questions {
 public:
  /// The next command's; its tag is size() before.
  void push_back(Asked asked) {
    asked_.push_back(std::move(asked));
    ++left_;
  }
  void clear() {
    asked_.clear();
    left_ = 0;
  }
  size_t size() const { return asked_.size(); }
  bool empty() const { return asked_.empty(); }
  const Asked& operator[](size_t tag) const { return asked_[tag]; }
  bool none_answered() const { return left_ == asked_.size(); }
  bool done() const { return left_ == 0; }
  /// A reply has come. @return whether it was the last.
  bool take_reply() { return --left_ == 0; }

 private:
  std::vector<Asked> asked_;
  size_t left_ = 0;
};

}  // namespace mas::redis
