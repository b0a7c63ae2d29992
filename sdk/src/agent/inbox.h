// What has arrived for an agent and waits for mas_agent_poll: messages, receipts, notices.
//
// A bounded queue per kind, so that a flood of one cannot push out another; every entry carries a number from one
// sequence, so that the poller sees them in the order in which they happened. The poller takes runs of entries, so a
// busy agent locks once for many messages. Messages wait in lanes that are served by their weights (FairQueue); while
// more than one lane is busy, urgent ones overtake what came before them, whatever its kind.
//
//     I/O thread ─push─▶ messages  (full: drop the oldest of the least urgent, count, one notice) ┐
//                        receipts  (full: drop oldest)                                            ├─take()─▶ poller
//                        changes of the connection  (full: drop oldest)                           │
//                        doubts    (full: drop oldest, count it in the next)                      │
//                        notices   (ends of requests, which Requests bounds; overflow)            ┘
//
// Where the mode keeps all, no message is dropped: its stream entry would never be acknowledged. The mode bounds what
// it reads instead.
// The descriptor is readable from the first entry until the queues are found empty; it is written once in between.
// Threading: push from any thread; take, settle and the descriptor: one poller at a time.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "sdk/include/mas.h"
#include "sdk/src/agent/fair_queue.h"
#include "sdk/src/core/config.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/in_doubt.h"
#include "sdk/src/core/message.h"
#include "sdk/src/core/ring.h"

namespace mas::sdk {

class AsyncRequest;

struct Receipt {
  Id128 id;
  std::string target;
  mas_status outcome = MAS_OK;
  ReceiptNote note;
};

struct ConnectionChange {
  mas_connection state = MAS_DISCONNECTED;
  std::string detail;
};

/// Accepted messages that may be lost, and why.
struct Doubt {
  InDoubt messages;
  std::string why;
};

/// The end of an asynchronous request; or, where `request` is null, that messages were dropped.
struct Notice {
  std::shared_ptr<AsyncRequest> request;
};

class Inbox {
 public:
  /// @param keeps_all nothing is dropped past the bound (Mode::Traits).
  Inbox(const AgentConfig& config, bool keeps_all);
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Makes the descriptor; once, before anything else. @return kNoMemory with errno's words.
  Status open();
  int fd() const { return fd_; }

  /// @return whether wake() is due, by the caller: once for all the messages of a read.
  [[nodiscard]] bool push(Lane lane, MessagePtr message);
  void push(Receipt receipt);
  void push(ConnectionChange change);
  void push(Doubt doubt);
  void push(Notice notice);

  /// A run of one kind of entry, in order.
  struct Taken {
    std::vector<MessagePtr> messages;
    std::vector<Receipt> receipts;
    std::vector<ConnectionChange> changes;
    std::vector<Doubt> doubts;
    std::vector<Notice> notices;
    size_t size() const { return messages.size() + receipts.size() + changes.size() + doubts.size() + notices.size(); }
    bool empty() const { return size() == 0; }
    void clear();
  };
  /// @param end entries numbered from `end` on stay (see next_number), and what such a one overtakes.
  void take(Taken& out, uint64_t end);
  /// @return all messages, oldest first in each lane, whatever came before them. Any thread.
  std::vector<MessagePtr> take_messages();
  /// @return the number that the next entry will get.
  uint64_t next_number() const;
  /// @return messages dropped since the last call: what an overflow notice is about.
  uint64_t take_dropped();
  /// Makes the descriptor unreadable if nothing waits.
  /// @param idle the poll ran nothing: the descriptor may be readable for no entry's sake. If something waits all the
  /// same, it becomes readable anew, since who watches edges polls no more.
  void settle(bool idle);
  /// Makes the descriptor readable. Async-signal-safe.
  void wake() const;

  uint64_t messages_dropped() const { return total_dropped_.load(std::memory_order_relaxed); }

 private:
  template <typename T>
  struct Numbered {
    uint64_t number = 0;
    T value{};
  };

  void signal();
  bool past_bound() const {
    return messages_.size() > bound_.messages || (message_bytes_ > bound_.bytes && messages_.size() > 1);
  }
  bool nothing_waits() const {
    return messages_.empty() && receipts_.empty() && changes_.empty() && doubts_.empty() && notices_.empty();
  }
  template <typename T>
  static uint64_t first_number(const Ring<Numbered<T>>& queue) {
    return queue.empty() ? UINT64_MAX : queue.front().number;
  }
  static uint64_t first_number(const FairQueue<Numbered<MessagePtr>>& queue) {
    uint64_t first = UINT64_MAX;
    queue.each_front([&first](const auto& entry) { first = std::min(first, entry.number); });
    return first;
  }
  template <typename Queue, typename T>
  void take_run(Queue& from, std::vector<T>& to, uint64_t end);

  const Bound bound_;
  const bool drops_;  // messages past the bound
  const size_t receipt_bound_;
  int fd_ = -1;

  mutable std::mutex mutex_;
  uint64_t next_ = 0;
  FairQueue<Numbered<MessagePtr>> messages_;
  Ring<Numbered<Receipt>> receipts_;
  Ring<Numbered<ConnectionChange>> changes_;
  Ring<Numbered<Doubt>> doubts_;
  Ring<Numbered<Notice>> notices_;
  size_t message_bytes_ = 0;
  uint64_t dropped_ = 0;  // since the last overflow notice was taken
  bool overflow_noticed_ = false;
  bool readable_ = false;
  std::atomic<uint64_t> total_dropped_{0};
};

}  // namespace mas::sdk
