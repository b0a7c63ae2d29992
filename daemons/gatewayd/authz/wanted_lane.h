// The lane that a message asks for: by its `meta.priority`, or, where the gateway is told so, by the text `priority` in
// its data, as in the Python framework. Pure. An unknown name means the normal lane.
#pragma once

#include "proto/wire/envelope.h"
#include "proto/wire/lane.h"

namespace mas::gateway {

/// @param in_data whether data is asked where `meta.priority` is absent.
Lane wanted_lane(const Envelope& envelope, bool in_data);

}  // namespace mas::gateway
