// An agent's requests that wait for their answer, blocking and asynchronous, by correlation id.
//
// A blocking request waits on the caller's stack; whoever ends it (reply, failure to send, time-out, stop) takes it out
// of the table under the lock, so it ends once. An asynchronous one ends as a notice in the inbox, from which the
// poller runs its callback, unless it is cancelled before. The callback of a direct one runs at once, in the thread
// that ends it, after the lock was released.
//
// A request knows whom it asked: a reply of anybody else ends nothing, since a request's id is no secret.
//
//     waiting ──end()──▶ ended ──poller──▶ finished        cancel() from waiting or ended ──▶ cancelled
//
// Threading: any thread; on_new_deadline is called by add(). Ownership: shared with request handles, which may outlive
// the agent.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "sdk/include/mas.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/message.h"
#include "sdk/src/core/tracer.h"
#include "sdk/src/core/wait.h"

namespace mas::sdk {

class Inbox;
class Requests;

class AsyncRequest {
 public:
  /// @param direct the callback does not wait for a poll.
  AsyncRequest(const Id128& id, std::string_view asked, mas_reply_fn fn, void* user, bool direct)
      : id_(id), asked_(asked), fn_(fn), user_(user), direct_(direct) {}

  /// Runs the callback unless cancelled. @param agent null for a direct request. @return whether it ran.
  bool finish(mas_agent* agent);
  /// @return whether the callback will now never start.
  bool cancel();
  const Id128& id() const { return id_; }

 private:
  friend class Requests;
  enum class State : uint8_t { kWaiting, kEnded, kFinished, kCancelled };
  const Id128 id_;
  const std::string asked_;
  const mas_reply_fn fn_;
  void* const user_;
  const bool direct_;
  std::atomic<State> state_{State::kWaiting};
  mas_status outcome_ = MAS_CANCELLED;  // written before kEnded
  std::string detail_;
  ReceiptNote note_;
  ErrorReplyNote error_reply_;
  MessagePtr reply_;
};

class Requests {
 public:
  /// @param limit of asynchronous requests that wait or have ended and not been polled.
  Requests(Inbox& inbox, std::shared_ptr<Tracer> its_tracer, size_t limit)
      : tracer(std::move(its_tracer)), inbox_(&inbox), limit_(limit) {}

  const std::shared_ptr<Tracer> tracer;  ///< told of the end of each request that was sent

  /// A blocking request, on its caller's stack.
  class Waiter {
   public:
    /// @param asked whose reply ends it; must outlive the waiter. Empty: nobody's, it waits for a receipt.
    Waiter(Requests& requests, const Id128& id, std::string_view asked);
    ~Waiter();
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    /// @return the reply; null for a message that was only to be handed over.
    Result<MessagePtr> wait(const Deadline& deadline);
    bool ended();

   private:
    friend class Requests;
    Requests& requests_;
    const Id128 id_;
    const std::string_view asked_;
    std::condition_variable ended_;
    // Guarded by Requests::mutex_.
    std::optional<Result<MessagePtr>> result_;
    ReceiptNote note_;
    ErrorReplyNote error_reply_;
  };

  /// @param deadline none: for ever. @return kWouldBlock at the limit; whether the deadline is the next one.
  Result<bool> add(const std::shared_ptr<AsyncRequest>& request, std::optional<MonoTime> deadline);
  /// Takes a request back that could not be sent, or was cancelled.
  void remove(const Id128& id);

  enum class Answered : uint8_t { kTaken, kNobodyWaits, kNotAsked };
  /// A reply has come: ends the request whose correlation id it is, if its sender was asked. An error reply does so
  /// only where nobody else may still reply.
  /// @param reply taken when it does, else left. @param sole whether one instance alone has the request.
  Answered answer(const Id128& id, MessagePtr& reply, bool sole);
  /// A request was handed over. @param receivers how many subscribers got it.
  void handed_over(const Id128& id, uint32_t receivers);
  /// Ends the request whose correlation id it is. @return false when none waits.
  /// @param note of the receipt that ended it, if one did.
  bool end(const Id128& id, Result<MessagePtr> result, ReceiptNote note = {});
  bool any_waits() {
    std::lock_guard lock(mutex_);
    return !table_.empty();
  }
  /// Ends every request.
  void end_all(const Error& why);
  /// Ends asynchronous requests that are over time. @return the next deadline.
  std::optional<MonoTime> expire(MonoTime now, const Error& late);
  /// @return nothing while it waits.
  std::optional<mas_status> outcome_of(const AsyncRequest& request);
  /// The poller has taken an ended request from the inbox.
  void polled() { --unpolled_; }

 private:
  struct PendingRequest {
    Waiter* waiter = nullptr;  // or
    std::shared_ptr<AsyncRequest> request;
    std::optional<MonoTime> deadline;
    uint32_t receivers = 0;  // 0: not known
    uint32_t error_replies = 0;
    std::unique_ptr<ErrorReplyNote> error;  // the first of them

    std::string_view asked() const { return waiter != nullptr ? waiter->asked_ : std::string_view(request->asked_); }
    bool refused_by_all() const { return error != nullptr && receivers > 0 && error_replies >= receivers; }
  };
  struct Hash {
    size_t operator()(const Id128& id) const;
  };
  using Table = std::unordered_map<Id128, PendingRequest, Hash>;
  /// Holds the lock; then runs the callbacks of the direct requests that ended meanwhile.
  class Ending;

  // Under the lock.
  void settle(PendingRequest entry, Result<MessagePtr> result, ReceiptNote note = {}, ErrorReplyNote error = {});
  void settle_late(PendingRequest entry, const Error& late);
  PendingRequest extract(Table::iterator it);
  void trace_end(const PendingRequest& entry, const Result<MessagePtr>& result);

  Inbox* const inbox_;
  const size_t limit_;
  std::mutex mutex_;
  Table table_;
  std::set<std::pair<MonoTime, Id128>> deadlines_;
  std::vector<std::shared_ptr<AsyncRequest>> direct_ended_;
  std::atomic<size_t> unpolled_{0};  // asynchronous: waiting or ended
};

/// @return whether the calling thread runs the callback of a direct request: what waits there may wait for itself.
bool in_direct_callback();

/// @return the id that a correlation id's text stands for; nothing when it is not one of this library's.
std::optional<Id128> parse_uuid(std::string_view text);

}  // namespace mas::sdk

/// The C handle: a share of the request.
struct mas_request {
  std::shared_ptr<mas::sdk::AsyncRequest> request;
  std::weak_ptr<mas::sdk::Requests> owner;
};
