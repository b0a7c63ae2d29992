// The runs of a connection, from send() to the last reply: which bytes are still to be written, who gets the next
// reply, and who is told what when a link is lost. Pure: no socket and no clock.
//
//     add ──▶ unsent ──next_write()──▶ sent ──take()──▶ … ──▶ answered
//                │ expire_unsent(),       │ fail_sent()
//                │ fail_all()             ▼
//                └───────────────────▶ failing ──▶ each of its commands is answered with the error
//
// Replies come in the order of the wire, so the oldest sent run gets the next one. A run counts as sent as soon as a
// byte of it was taken: nobody knows then what became of it.
// Failure modes:
// - a queue that is full: check_room() says which bound; the caller does not add then;
// - a link that is lost: fail_sent(); then the caller keeps what is unsent, but for transactions, or fails it. What was
//   read before a transaction was read on its own link. Beside a rope, a transaction cannot be cut out: all runs fail;
// - a run that waits in vain for a link: expire_unsent().
// Receivers are called inside of the fail_… and expire_… functions, one command at a time. They may add, forget, and
// fail other runs; a receiver that is forgotten hears no more.
// Threading: none. Ownership: as Outgoing's for what was lent.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "proto/redis/connection.h"
#include "proto/redis/outgoing.h"

namespace mas::redis {

/// Commands of one call that are waiting for their replies.
struct Run {
  ReplyTo to;
  size_t remaining;  ///< replies still to come
  size_t bytes;      ///< on the wire
  MonoTime deadline;
  bool transaction = false;  ///< only the last reply, or the first error, is handed on
  bool graced = false;       ///< its deadline was put off once, since the loop had been busy
};

class RunQueue {
 public:
  /// @param secret as Outgoing's.
  RunQueue(size_t max_bytes, size_t max_commands, bool secret)
      : max_bytes_(max_bytes), max_commands_(max_commands), outgoing_(secret) {}

  /// From now on nothing that is added gets a reply. Before anything is added.
  void expect_no_replies() { replies_expected_ = false; }

  /// @return kWouldBlock, with the bound, where `count` commands of so many bytes are too many.
  Status check_room(size_t bytes, size_t count) const {
    if (outgoing_.size() + bytes > max_bytes_ || commands_ + count > max_commands_) return full(bytes);
    return {};
  }
  void add(const Run& run, std::string_view bytes) {
    outgoing_.append(bytes, counted());
    push(run);
  }
  /// As Outgoing::append_from().
  void add_from(const Run& run, std::string& bytes) {
    outgoing_.append_from(bytes, counted());
    push(run);
  }
  void add(const Run& run, Rope rope) {
    outgoing_.append(std::move(rope), counted());
    push(run);
  }
  static constexpr std::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n", kExec = "*1\r\n$4\r\nEXEC\r\n";
  /// Puts kMulti before `body`, and kExec behind it. @param run as it is with both.
  void add_transaction(const Run& run, std::string_view body);

  /// Runs that wait for replies, oldest first.
  bool empty() const { return pending_.empty(); }
  Run& oldest() { return pending_.front(); }
  size_t commands() const { return commands_; }
  /// Whether the next reply has a run.
  bool reply_due() const { return pending_.size() > outgoing_.runs(); }
  /// Of a text in the next reply; 0: none.
  size_t text_bound() const { return reply_due() ? pending_.front().to.text_bytes : 0; }
  /// Counts the next reply; only when reply_due().
  /// @return who gets it; with fn null, nobody. @param ret_last whether it was the last one of its run.
  ReplyTo take(bool is_error, bool& ret_last);

  /// As Outgoing's.
  bool all_sent() const { return outgoing_.empty(); }
  size_t unsent_bytes() const { return outgoing_.size(); }
  size_t begun_bytes() const { return outgoing_.begun_bytes(); }
  std::string& next_write() { return outgoing_.next(); }
  void trim() { outgoing_.trim(); }

  /// The link is lost: the rest of what was begun goes, too.
  /// @param first what the oldest run is told, and `rest` the others.
  void fail_sent(const Error& first, const Error& rest);
  /// Every run, sent or not; nothing is left to be written.
  void fail_all(const Error& why);
  /// Only when none is sent: the transactions; all runs, where they cannot be told apart.
  void fail_unsent_transactions(const Error& why);
  /// Only when none is sent: the runs whose deadline has passed. @return how many those were.
  size_t expire_unsent(MonoTime now, const Error& why);
  /// As Connection::forget().
  void forget(const void* self);

 private:
  /// That one call adds to the pending ones.
  size_t counted() const { return replies_expected_ ? 1 : 0; }
  void push(const Run& run) {
    if (!replies_expected_) return;
    pending_.push_back(run);
    commands_ += run.remaining;
  }
  Status full(size_t bytes) const;
  bool cut_out_transactions();
  void answer_failing(const Error& first, const Error& rest);

  const size_t max_bytes_, max_commands_;
  bool replies_expected_ = true;
  std::deque<Run> pending_;  // the last outgoing_.runs() of it are unsent
  size_t commands_ = 0;      // without a reply
  Outgoing outgoing_;
  std::deque<Run> failing_;  // being answered
};

}  // namespace mas::redis
