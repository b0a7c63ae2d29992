// Which complaints about entries are worth a line of the log: each once an hour, and no more than an operator can read.
// Pure; threading: none.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "proto/base/clock.h"
#include "proto/wire/keys.h"

namespace mas::common {

class Complaints {
 public:
  bool worth_a_line(std::string_view id, std::string_view why, MonoTime now) {
    if (now - since_ > kPeriod) {
      since_ = now;
      made_.clear();
    }
    if (made_.size() >= kMax) return false;
    std::string text(id);
    text.append(1, '\n').append(why);
    return made_.insert(fnv1a64(text)).second;
  }

 private:
  static constexpr Duration kPeriod = std::chrono::hours(1);
  static constexpr size_t kMax = 200;

  MonoTime since_{};
  std::unordered_set<uint64_t> made_;
};

}  // namespace mas::common
