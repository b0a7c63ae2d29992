// Messages as the application's threads queue them for the gateway: written once, read by the I/O thread for each
// frame.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sdk/src/gateway/frame_window.h"

namespace mas::sdk {

struct SendBatch {
  std::string records;  ///< as on the wire
  std::string targets;
  std::vector<SendSlot> slots;
  size_t live = 0;  ///< slots without an outcome; I/O thread

  std::string_view record(const SendSlot& slot) const {
    return std::string_view(records).substr(slot.record_at, slot.record_size);
  }
  std::string_view target(const SendSlot& slot) const {
    return std::string_view(targets).substr(slot.target_at, slot.target_size);
  }
};

}  // namespace mas::sdk
