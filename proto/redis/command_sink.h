// Where an operation sends its commands: a connection, or what stands in its place in tests.
//
// Happy path, failure modes, threading: as redis::Connection's.
// Ownership: the sink must outlive who sends through it; the connection must outlive the sink.
#pragma once

#include <utility>

#include "proto/redis/connection.h"

namespace mas::redis {

class CommandSink {
 public:
  virtual ~CommandSink() = default;
  /// As Connection::send().
  virtual Status send(Rope rope, ReplyTo to) = 0;
  Status send(Command command, ReplyTo to = {}) {
    const size_t count = command.count();
    return send(Rope(command.take_bytes(), count), to);
  }
  /// As Connection::forget().
  virtual void forget(const void* self) = 0;
  /// As Connection::oversized().
  virtual const OversizedText& oversized() const = 0;
};

class ConnectionSink final : public CommandSink {
 public:
  /// @param patience with each reply; zero: the connection's.
  explicit ConnectionSink(Connection& connection, Duration patience = {})
      : connection_(connection), patience_(patience) {}

  using CommandSink::send;
  Status send(Rope rope, ReplyTo to) override { return connection_.send(std::move(rope), to, patience_); }
  void forget(const void* self) override { connection_.forget(self); }
  const OversizedText& oversized() const override { return connection_.oversized(); }

 private:
  Connection& connection_;
  const Duration patience_;
};

}  // namespace mas::redis
