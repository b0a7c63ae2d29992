// Moves held messages about which something was said, or whose time is over, into the list of their partition, as
// frames that only gateways can make (replay_frame.h). The partition's owner decides them, and audits them, there.
//
//     mas.approvals ──request──▶ gateway: message out of mas.held, frame into mas.ingress:{p}, request out: one script
//     time is over  ───────────▶ the same, without a request
//
//     idle ──look()──▶ looking ──requests, ids──▶ reading ──messages──▶ moving ──▶ looking, at the next place, or idle
//
// A message is in the stream, in a list, or decided. Whichever script takes it out of the stream first counts; all
// others find nothing: two operators, two gateways, a grant and the end of its time.
// Happy path: look() once a second, by one gateway. On a cluster each partition has a stream and requests of its own.
// Failure modes:
// - The message is gone: its request is removed, and that is logged.
// - A message cannot be read: a grant leaves it there; it goes when it is denied or its time is over, and is logged.
// - The list takes nothing: the request goes to the end, and waits.
// - On a cluster, a message held before the number of partitions was changed: its frame goes into the list of its own
//   slot, whose owner makes a dead letter of it when it is granted.
// - Redis does not answer: this look ends. What was moved is moved; the next look asks again.
// Threading: loop thread. Ownership: may be destroyed at any time.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/service.h"
#include "daemons/gatewayd/replay/verdict_request.h"
#include "proto/base/state_machine.h"
#include "proto/wire/digest.h"
#include "proto/wire/keys.h"

namespace mas::gateway {

class VerdictMover {
 public:
  /// @param ns the namespace, as the MAC has it. @param mac must outlive the mover. @param max_envelope bytes of one.
  VerdictMover(common::Frame& frame, std::string ns, const HmacKey& mac, size_t max_envelope);
  ~VerdictMover() { redis_.forget(this); }
  VerdictMover(const VerdictMover&) = delete;
  VerdictMover& operator=(const VerdictMover&) = delete;

  /// No effect while one is under way. @param partitions how many there are. @param expires how long a message is held.
  void look(size_t partitions, Duration expires);
  void cancel();

  enum class State : uint8_t { kIdle, kLooking, kReading, kMoving };

 private:
  /// One message, and what becomes of it.
  struct Job {
    std::string request;  // empty: its time is over
    VerdictRequest asked;
  };

  void ask();
  void read(const redis::Reply& found);
  void add_request(const redis::Reply& request);
  void take_message(size_t number, const redis::Reply& entries);
  Result<std::string> frame_of(const Job& job, const redis::Reply& fields, unsigned& ret_partition) const;
  void move();
  void moved(const Job& job, const redis::Reply& reply);
  void next_place();
  void send(State state, const redis::Command& command);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void waits(const std::string& why);
  void finish();

  common::Frame& frame_;
  redis::Client& redis_;
  const Keys& keys_;
  const std::string ns_;
  const HmacKey& mac_;
  const size_t message_bytes_;
  StateMachine<State> state_;
  size_t partitions_ = 1;
  Duration expires_{};
  unsigned place_ = 0;
  std::vector<Job> jobs_;
  redis::Command moves_;
  std::vector<size_t> moving_;  // for each of the moves, which job it is of
  size_t replies_due_ = 0;
  bool more_ = false;    // there may be others at this place
  bool waited_ = false;  // something of this place waits
  common::RepeatFilter repeat_;
  std::array<common::Counter*, std::size(kVerdictKeys)> ended_{};
};

}  // namespace mas::gateway
