// Which receivers are woken after a commit on a cluster, each once for each of its streams that something went into.
//
// Pure. Threading: none. Ownership: views the streams until take().
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/gatewayd/facts/facts.h"
#include "proto/wire/wake_up.h"

namespace mas::gateway {

class WakeUps {
 public:
  void add(const TargetStream& inbox) {
    if (inbox.wake == nullptr) return;
    auto& texts = texts_[{inbox.partition, inbox.wake->channel}];
    if (std::find(texts.begin(), texts.end(), inbox.wake->text) == texts.end()) texts.push_back(inbox.wake->text);
  }
  /// @param publish called with a partition, a channel and a text of at most kMaxWakeUps pairs.
  template <typename Fn>
  void take(Fn publish) {
    for (const auto& [at, texts] : std::exchange(texts_, {})) {
      std::string text;
      size_t pairs = 0;
      for (std::string_view one : texts) {
        text.append(text.empty() ? "" : " ").append(one);
        if (++pairs % kMaxWakeUps == 0) publish(at.first, at.second, std::exchange(text, {}));
      }
      if (!text.empty()) publish(at.first, at.second, text);
    }
  }

 private:
  std::map<std::pair<unsigned, std::string_view>, std::vector<std::string_view>> texts_;
};

}  // namespace mas::gateway
