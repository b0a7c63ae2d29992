// Rewrites the headers of RESP3 so that the reader of RESP2 can read what a client that listens gets. Such a client may
// send no commands in RESP2; in RESP3 it may ask for the server's role.
//
//     push, set    an array                         null             a nil text
//     map          an array: key, value, key, …     verbatim text    a text, with its format in front
//     boolean, double, big number    a status, as it stands
//     blob error                     a text; Redis sends none
//
// Replies of RESP2 pass unchanged. Only headers are looked at; texts are skipped by their length.
// Failure: kProtocol for a map whose size is not a number; attributes are refused by the reader.
// Source: the RESP3 specification, https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md.
// Threading: none. Ownership: nothing is kept of what is handed in.
#pragma once

#include <cstdint>
#include <span>

#include "proto/redis/reply.h"

namespace mas::redis {

class Resp3Headers {
 public:
  /// Feeds the reader with what stands for the bytes, wherever they are cut. @param bytes are changed.
  Status feed(std::span<char> bytes, ReplyReader& into);

 private:
  enum class State : uint8_t { kType, kLine, kTextLength, kText, kMapSize };

  State begin_value(char& type);
  State count(char digit);
  size_t end_of_line(std::span<const char> bytes, size_t at);

  State state_ = State::kType;
  uint64_t number_ = 0;    // a text's length or a map's size, as far as it has come
  uint64_t left_ = 0;      // bytes of a text, with its line end
  bool returned_ = false;  // the last byte of a line was a carriage return
};

}  // namespace mas::redis
