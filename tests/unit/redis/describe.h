// A reply as a text: each value with a semicolon, arrays in brackets.
#pragma once

#include <string>

#include "proto/redis/reply.h"

namespace mas::test {

inline std::string describe(const redis::Reply& reply) {
  if (reply.is_nil()) return "nil;";
  if (reply.is_integer()) return std::to_string(reply.integer) + ";";
  if (!reply.is_array()) return std::string(reply.text) + ";";
  std::string out = "[";
  for (const redis::Reply& element : reply) out += describe(element);
  return out + "];";
}

}  // namespace mas::test
