// Which failures were reported already: the last few thousand of a partition.
//
// A failure is named by the record that failed, and a record fails once: what is delivered again is another record. So
// a report that comes again, after its retry has left for the stream even, says nothing new. (It comes again when an
// instance dies between its report and its acknowledgement, and another claims the entry.)
// Failure: a partition that is read anew begins with none, and the oldest gives way; such a report is taken for a new
// one, and the message is delivered once more.
// Threading: none. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "proto/base/keyed_map.h"
#include "proto/wire/failure_report.h"

namespace mas::gateway {

class ReportMemory {
 public:
  static constexpr size_t kMax = 4096;

  bool contains(std::string_view agent, const FailureReport& report) const {
    return known_.find(key_of(agent, report)) != known_.end();
  }
  void add(std::string_view agent, const FailureReport& report) {
    auto [added, fresh] = known_.insert(key_of(agent, report));
    if (!fresh) return;
    order_.push_back(&*added);
    if (order_.size() <= kMax) return;
    known_.erase(known_.find(*order_.front()));
    order_.pop_front();
  }
  void clear() {
    order_.clear();
    known_.clear();
  }

 private:
  static std::string key_of(std::string_view agent, const FailureReport& report) {
    std::string key(agent);
    key.append("/").append(lane_name(report.lane)).append("/").append(report.entry);
    if (report.partition) key.append("@").append(std::to_string(*report.partition));
    return key.append("/").append(std::to_string(report.index));
  }

  KeyedSet known_;                        // its elements stay where they are
  std::deque<const std::string*> order_;  // oldest first
};

}  // namespace mas::gateway
