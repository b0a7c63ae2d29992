// Messages that were accepted and may be lost, since Redis lost data.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/ids.h"

namespace mas::sdk {

struct InDoubt {
  std::vector<Id128> ids;  ///< in the order of sending
  uint64_t forgotten = 0;  ///< further ones, at most, whose ids are not known any more
  bool any() const { return !ids.empty() || forgotten > 0; }
};

}  // namespace mas::sdk
