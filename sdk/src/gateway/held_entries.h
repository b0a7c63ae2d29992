// The stream entries that an instance has in hand: taken, and not yet acknowledged by Redis.
//
// Happy path: take() ─▶ messages ─▶ handlers (Deliveries) ─▶ send_acks(): XACK and XDEL, many entries in one command,
// on the session's connection ─▶ acknowledged ─▶ let go.
// An entry is let go when the reader asks for the next ones: what it had asked for before the acknowledgement may bring
// the entry once more, on another connection.
// Failure modes:
//   ack without an answer   sent again with the next send_acks(); twice does no harm
//   refused ack             likewise, and the reader is told
//   the group is gone       the entry is let go
// Threading: the I/O thread. Ownership: the reader's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "proto/redis/reply.h"
#include "sdk/src/core/mode_host.h"
#include "sdk/src/gateway/deliveries.h"

namespace mas::sdk {

class HeldEntries {
 public:
  /// @param streams their keys; empty until there is a link. Must outlive this object.
  /// @param acked told of the answer to each command: why Redis refused it, or nothing.
  HeldEntries(ModeHost& host, Deliveries& deliveries, const std::vector<std::string>& streams,
              std::function<void(const std::optional<Error>& refusal)> acked);

  /// The reader asks Redis for entries of these streams from now on, and none is under way: those that were
  /// acknowledged cannot come any more.
  void let_go(size_t first, size_t count);
  /// @return false: the entry is in hand already.
  bool take(size_t stream, std::string_view id) { return held_[stream].emplace(id).second; }
  /// @return how many entries of the stream are in hand.
  size_t count(size_t stream) const;
  /// @param pending the reply to pending_command(). @return whether one of its entries is not in hand.
  bool lacks_any(size_t stream, const redis::Reply& pending) const;
  /// Sends what acks there are, and those again that had no answer.
  void send_acks();
  /// The instance has another name: claims what is in hand for it, else others would take it for a dead instance's. The
  /// reply stream is another one.
  void keep();
  /// Sends what acks there are; hears no more answers.
  void stop();

 private:
  struct Acks {
    size_t stream;
    std::vector<std::string> ids;
    std::optional<Error> refusal{};
    bool failed = false;
    int answers_due = 2;
  };

  void on_ack(uint64_t tag, const redis::Answer& answer);

  ModeHost& host_;
  Deliveries& deliveries_;
  const std::vector<std::string>& streams_;
  const std::function<void(const std::optional<Error>&)> acked_;
  // By the number of the stream.
  std::map<size_t, std::unordered_set<std::string>> held_;
  std::map<size_t, std::vector<std::string>> acknowledged_;  // of held_
  std::map<size_t, std::vector<std::string>> due_;           // ids to be acknowledged
  std::vector<DeliveryPtr> done_;
  std::unordered_map<uint64_t, Acks> sent_;  // by the tag of the first of their two answers
  uint64_t next_tag_ = 0;
};

}  // namespace mas::sdk
