// A rope on its way to a cluster.
#include "proto/redis/command_sink.h"

#include <cstdint>
#include <string>

namespace mas::redis {

/// In one piece: its commands go to different nodes.
Status ClusterSink::send(Rope rope, ReplyTo to) {
  const size_t count = rope.count();
  std::string bytes;
  if (rope.copied_all())
    bytes = rope.take_bytes();
  else
    rope.move_to(bytes, SIZE_MAX);
  return cluster_.scatter(bytes, count, to, patience_);
}

}  // namespace mas::redis
