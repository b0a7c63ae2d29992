// The application's local copy of an agent's state: what Redis was last known to hold.
// Threading: safe from any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mas::sdk {

/// Field → new value; none removes the field.
using StateChange = std::pair<std::string, std::optional<std::string>>;
using StateMap = std::map<std::string, std::string, std::less<>>;

class StateCache {
 public:
  void replace(StateMap state) {
    std::lock_guard lock(mutex_);
    state_ = std::move(state);
  }

  void apply(const std::vector<StateChange>& changes) {
    std::lock_guard lock(mutex_);
    for (const auto& [field, value] : changes) {
      if (value)
        state_[field] = *value;
      else
        state_.erase(field);
    }
  }

  std::optional<std::string> get(std::string_view field) const {
    std::lock_guard lock(mutex_);
    auto it = state_.find(field);
    if (it == state_.end()) return std::nullopt;
    return it->second;
  }

  StateMap all() const {
    std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  mutable std::mutex mutex_;
  StateMap state_;
};

}  // namespace mas::sdk
