// Redis as a command line wants it: ask, wait, have the answer.
//
// Happy path: the first ask() connects; each ask() runs the loop until the last reply is there and returns deep copies.
// On a cluster each command goes to the primary of its slot; what walks all keys asks each of primaries().
// Failure: one attempt to connect, with Sentinel several within the time-out (a sentinel may be out of date). A link
// that fails, no answer within the time-out, or a text past the bound (named with its command and key) is the error of
// the call, and of every call after it. Error replies of Redis are values to ask(), errors to ask_one().
// Threading: one thread, which runs the loop inside these calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/client.h"
#include "proto/redis/command.h"
#include "proto/redis/reply.h"
#include "sdk/masctl/redis/own_loop.h"
#include "sdk/masctl/redis/settings.h"

namespace mas::ctl {

/// A reply of Redis that stays.
struct Value {
  redis::Reply::Type type = redis::Reply::Type::kNil;
  int64_t integer = 0;
  std::string text;
  std::vector<Value> elements;

  explicit Value(const redis::Reply& reply);
  bool is_nil() const { return type == redis::Reply::Type::kNil; }
  bool is_error() const { return type == redis::Reply::Type::kError; }
  bool is_text() const { return type == redis::Reply::Type::kString || type == redis::Reply::Type::kStatus; }
  bool is_array() const { return type == redis::Reply::Type::kArray; }
  /// Of an error reply: what it says.
  Error error() const;
  /// Of an answer to HMGET: nullopt for a missing field; nothing where it is no array.
  std::vector<std::optional<std::string_view>> values() const;
  /// Of an array: the text of every element.
  std::vector<std::string_view> texts() const;
};

/// @return microseconds since 1970 from the answer to TIME; nullopt: it is no time.
std::optional<WallMicros> time_of(const Value& reply);

/// The arguments of one of the commands, which are RESP, at most `most` of them.
std::vector<std::string_view> arguments_of(std::string_view commands, uint64_t index, size_t most = SIZE_MAX);

class SyncRedis final : public redis::ConnectionListener, public redis::ClusterListener {
 public:
  static constexpr size_t kTextBytes = 16u * 1024 * 1024;      ///< no block of the audit is longer
  static constexpr size_t kMessageBytes = 128u * 1024 * 1024;  ///< no entry with whole messages is longer

  /// @param settings outlive it.
  explicit SyncRedis(const Settings& settings) : settings_(settings) {}
  ~SyncRedis() override;
  SyncRedis(const SyncRedis&) = delete;
  SyncRedis& operator=(const SyncRedis&) = delete;

  /// Before the first question: one text in a reply may have kMessageBytes, not kTextBytes.
  void expect_messages() { text_bytes_ = kMessageBytes; }

  /// Connects and waits until the link is ready; does nothing when it has been called before.
  Status open();
  /// @return one value per command, in order.
  Result<std::vector<Value>> ask(const redis::Command& command);
  /// For a single command. @return its value; an error reply is the error.
  Result<Value> ask_one(const redis::Command& command);

  bool on_cluster() const { return settings_.endpoint.topology == redis::Topology::kCluster; }
  /// @return the cluster's primaries; one server is one node without an address.
  Result<std::vector<redis::Node>> primaries();
  /// Of a cluster, as it was when it was found: slots that no primary serves.
  size_t uncovered_slots() const;
  /// As ask_one(), to that node, whatever the keys are.
  Result<Value> ask_node(const redis::Node& node, const redis::Command& command);
  /// MULTI, `body`, EXEC: all keys are in one slot. @return the answer to EXEC.
  Result<Value> execute(const redis::Command& body);

 private:
  // ConnectionListener
  void on_ready(redis::Connection& connection) override;
  void on_down(redis::Connection& connection, const Error& why, unsigned attempt) override;
  // ClusterListener
  void on_map(const redis::SlotMap&) override {}
  void on_node_ready(const redis::Node&, bool) override {}
  void on_node_down(const redis::Node&, const Error&, unsigned) override {}  // what waits for it is told
  void on_map_trouble(const Error& why) override;

  bool found() const;
  Result<std::vector<Value>> wait_for(Status sent);
  void expect(const redis::Command& command, size_t replies);
  void on_reply(uint64_t index, const redis::Answer& answer);

  const Settings& settings_;
  size_t text_bytes_ = kTextBytes;
  std::unique_ptr<OwnLoop> loop_;
  std::unique_ptr<redis::Client> client_;  // none: not opened yet
  std::vector<Value> replies_;
  size_t missing_ = 0;  // of them
  const redis::Command* asked_ = nullptr;
  MonoTime give_up_{};  // of finding a primary
  std::optional<Error> failure_;
};

}  // namespace mas::ctl
