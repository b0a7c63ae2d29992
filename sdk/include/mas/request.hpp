// Requests under way: how they end, and the handle that cancels one.
//
//     waiting ──reply, time-out, refusal, stop──▶ ended: a future has its value or error, a callback runs
//        └──────cancel()──▶ cancelled: a future has MAS_CANCELLED, a callback does not run and is destroyed
//
// A Pending belongs to the C library until one of these happens. Futures end on whatever thread ends the request, so
// they need no poll, may be waited for in a handler, and outlive their agent. Callbacks run in poll().
#ifndef MAS_REQUEST_HPP
#define MAS_REQUEST_HPP

#include <mas/callbacks.hpp>
#include <mas/message.hpp>

#include <exception>
#include <future>
#include <memory>
#include <utility>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {
namespace detail {

class Pending {
 public:
  virtual ~Pending() = default;
  /// @param reply null unless the status is MAS_OK.
  virtual void end(mas_status status, const mas_message *reply) = 0;
  virtual void cancel() {}

  /// The mas_reply_fn of every request.
  static void ended(mas_agent *, mas_status status, const mas_message *reply, void *user) {
    const std::unique_ptr<Pending> pending(static_cast<Pending *>(user));
    static_cast<void>(guarded([&] {
      pending->end(status, reply);
      return Result<void>();
    }));
  }
};

template <typename T>
struct IsMessage : std::false_type {};
template <typename Face>
struct IsMessage<BasicMessage<Face>> : std::true_type {};

/// What a request asked for: the reply's struct, or the message itself.
template <typename Reply>
Result<Reply> reply_of(mas_status status, const mas_message *reply) {
  if (status != MAS_OK) return Error(status);
  if constexpr (IsMessage<Reply>::value) {
    return Reply(reply);
  } else {
    size_t size = 0;
    const char *json = mas_message_data(reply, &size);
    return from_json<Reply>({json, size});
  }
}

template <typename Reply, typename Face>
class PendingFuture final : public Pending {
 public:
  std::future<typename Face::template Of<Reply>> future() { return promise_.get_future(); }
  void end(mas_status status, const mas_message *reply) override {
#ifdef __cpp_exceptions
    try {
      set(reply_of<Reply>(status, reply));
    } catch (...) {  // no memory for the struct
      promise_.set_exception(std::current_exception());
    }
#else
    set(reply_of<Reply>(status, reply));
#endif
  }
  void cancel() override { set(Error(MAS_CANCELLED, "the request was cancelled")); }
  void set(Result<Reply> result) {
    if constexpr (Face::kThrows) {
      if (!result) return promise_.set_exception(std::make_exception_ptr(result.error()));
      promise_.set_value(*std::move(result));
    } else {
      promise_.set_value(std::move(result));
    }
  }

 private:
  std::promise<typename Face::template Of<Reply>> promise_;
};

/// @param Call takes the status and the reply as the C library has them.
template <typename Call>
class PendingCall final : public Pending {
 public:
  PendingCall(std::shared_ptr<Core> core, Call call) : core_(std::move(core)), call_(std::move(call)) {}
  void end(mas_status status, const mas_message *reply) override {
    const Running running(*core_);
    call_(status, reply);
  }

 private:
  std::shared_ptr<Core> core_;
  Call call_;
};

}  // namespace detail

/// An asynchronous request. Destroying the handle does not cancel it.
class Request {
 public:
  Request() = default;
  /// For the library: what mas_agent_request_async made, and what it belongs to.
  Request(mas_request *request, detail::Pending *pending) : request_(request), pending_(pending) {}

  /// @return whether it had not ended: its callback does not run, its future has MAS_CANCELLED.
  bool cancel() {
    if (request_ == nullptr || mas_request_cancel(request_.get()) != MAS_OK) return false;
    const std::unique_ptr<detail::Pending> pending(std::exchange(pending_, nullptr));
    pending->cancel();
    return true;
  }

 private:
  struct Free {
    void operator()(mas_request *request) const { mas_request_free(request); }
  };
  std::unique_ptr<mas_request, Free> request_;
  detail::Pending *pending_ = nullptr;  // ours after a cancel that returned MAS_OK, else perhaps gone
};

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_REQUEST_HPP
