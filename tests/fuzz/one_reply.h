// The reply that an input is, for fuzzers of what reads replies.
#pragma once

#include "proto/redis/reply.h"
#include "tests/fuzz/fuzz.h"

namespace mas::fuzz {

class OneReply {
 public:
  OneReply(const uint8_t* data, size_t size) {
    if (!reader_.feed(text_of(data, size)).ok()) return;
    if (auto reply = reader_.next()) reply_ = *reply;
  }
  /// @return null: the input is none. Valid as long as this object.
  const redis::Reply* get() const { return reply_; }

 private:
  redis::ReplyReader reader_{{.reply_bytes = 256 * 1024}};
  const redis::Reply* reply_ = nullptr;
};

}  // namespace mas::fuzz
