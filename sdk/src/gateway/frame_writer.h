// Writes the frames of one RPUSH: header with proof, then the records, straight from the batches that they wait in.
//
// A frame that is not signed has the token in it: its bytes are wiped before their memory is given back.
// Threading: the I/O thread; use() while the agent is stopped. Ownership: the outbox's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/secret.h"
#include "proto/wire/credentials.h"
#include "proto/wire/frame.h"
#include "proto/wire/keys.h"
#include "sdk/src/core/config.h"
#include "sdk/src/core/instances.h"
#include "sdk/src/core/redis_clock.h"
#include "sdk/src/gateway/frame_window.h"

namespace mas::sdk {

class FrameWriter {
 public:
  /// @param instances, clock outlive the writer's use.
  FrameWriter(const AgentConfig& config, const Keys& keys, const Instances& instances, const RedisClock& clock);
  ~FrameWriter();
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  /// What frames prove themselves with; without, the registry's token.
  void use(std::optional<Credentials> credentials);
  void use_token(const Secret& token) { token_ = token; }
  /// @return whether frames are signed: the slots' digests are needed then. Any thread.
  bool signs() const { return key_.has_value(); }
  /// Their number was changed: frames go to the sender's new one.
  void set_partitions(unsigned partitions);

  void clear() { frames_.clear(); }
  size_t bytes() const { return frames_.size(); }
  /// @param range of `window`; empty: a probe, which asks for the gateway's answer and holds no message.
  /// @return the new frame's id.
  Id128 append(const FrameWindow& window, FrameWindow::Range range);
  /// @param count how many frames were appended. @return their RPUSH; the caller may take its bytes.
  std::string& command(size_t count);
  /// The command was sent: gives back buffers that have grown past `most` bytes.
  void trim(size_t most);

 private:
  std::optional<Digest> sign(const FrameHeader& header);

  const Keys keys_;  // a copy: the outbox may outlive its agent
  const Instances& instances_;
  const RedisClock& clock_;
  const std::string sender_;
  const std::string ns_;
  std::optional<Credentials> credentials_;
  std::optional<HmacKey> key_;
  Secret token_;
  unsigned partition_ = 0;
  std::string ingress_;
  std::string header_, frames_, command_;
  // Scratch of append(), for the frame's records.
  std::vector<std::string_view> bodies_;
  std::vector<Digest> digests_;
  std::vector<Record> heads_;
  std::string mac_input_;
};

}  // namespace mas::sdk
