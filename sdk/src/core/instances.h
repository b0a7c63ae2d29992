// The names an agent has had: one for each start, and one more whenever it has to begin anew.
//
// Threading: current() from any thread; renew() by one at a time. Ownership: a name stays valid as long as the object,
// so that the application may keep the text it was given.
#pragma once

#include <atomic>
#include <list>
#include <string>

#include "proto/base/ids.h"

namespace mas::sdk {

class Instances {
 public:
  struct Name {
    Id128 id;
    std::string hex;  ///< 32 digits; empty before the first start
  };

  const Name& current() const { return *current_.load(std::memory_order_acquire); }

  const Name& renew() {
    Id128 id = new_instance_id();
    names_.push_back({id, id.hex()});
    current_.store(&names_.back(), std::memory_order_release);
    return names_.back();
  }

 private:
  std::list<Name> names_{1};
  std::atomic<const Name*> current_{&names_.front()};
};

}  // namespace mas::sdk
