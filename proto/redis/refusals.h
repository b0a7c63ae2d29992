// Refusals of Redis that concern every client, not only the one that got them. Pure; threading: none.
#pragma once

#include <string_view>

#include "proto/redis/reply.h"

namespace mas::redis {

/// @return whether an error reply says that Redis takes no writes for now, from anybody: it cannot save (MISCONF), or
/// has too few replicas (NOREPLICAS). Also in what a script reports, where Redis before 7 puts the code behind a
/// preface.
inline bool refuses_all_writes(const Reply& reply) {
  if (!reply.is_error()) return false;
  return reply.text.find("MISCONF ") != std::string_view::npos ||
         reply.text.find("NOREPLICAS ") != std::string_view::npos;
}

}  // namespace mas::redis
