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

struct StateSize {
  size_t fields = 0;
  size_t bytes = 0;  ///< of names and values
};

class StateCache {
 public:
  void replace(StateMap state) {
    std::lock_guard lock(mutex_);
    state_ = std::move(state);
    bytes_ = 0;
    for (const auto& [field, value] : state_) bytes_ += field.size() + value.size();
  }

  void apply(const std::vector<StateChange>& changes) {
    std::lock_guard lock(mutex_);
    for (const auto& [field, value] : changes) {
      bytes_ -= bytes_of(field);
      if (value)
        state_[field] = *value;
      else
        state_.erase(field);
      bytes_ += bytes_of(field);
    }
  }

  /// @return how large the state would be after these changes. A field that is named twice counts with its last value.
  StateSize size_after(const std::vector<StateChange>& changes) const {
    std::lock_guard lock(mutex_);
    StateSize size{state_.size(), bytes_};
    std::map<std::string_view, size_t> changed;  // field → bytes it then has with its name; 0: it is gone
    for (const auto& [field, value] : changes) changed[field] = value ? field.size() + value->size() : 0;
    for (const auto& [field, bytes] : changed) {
      const size_t before = bytes_of(field);
      size.fields = size.fields - (before > 0 ? 1 : 0) + (bytes > 0 ? 1 : 0);
      size.bytes = size.bytes - before + bytes;
    }
    return size;
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
  /// Of a field with its name, which is never empty; 0: there is none.
  size_t bytes_of(std::string_view field) const {
    auto it = state_.find(field);
    return it == state_.end() ? 0 : it->first.size() + it->second.size();
  }

  mutable std::mutex mutex_;
  StateMap state_;
  size_t bytes_ = 0;
};

}  // namespace mas::sdk
