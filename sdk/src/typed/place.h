// Where a value stands in a struct, as a chain of names and indexes that is written out only for an error.
// Ownership: each link is on the stack of who reads or writes the value, and points to the one outside of it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mas::sdk {

class Place {
 public:
  /// A member. @param outside the struct that it is in; nullptr: the outermost one.
  Place(const Place* outside, std::string_view name) : outside_(outside), name_(name) {}
  /// An element. @param array must outlive it.
  Place(const Place& array, size_t index) : outside_(&array), index_(index) {}

  /// @return such as "orders[2].count".
  std::string text() const {
    std::string text = outside_ == nullptr ? std::string() : outside_->text();
    if (name_.empty()) return text.append("[").append(std::to_string(index_)).append("]");
    if (outside_ != nullptr) text += '.';
    return text.append(name_);
  }

 private:
  const Place* outside_;
  std::string_view name_;  // empty: an element
  size_t index_ = 0;
};

}  // namespace mas::sdk
