// The handles behind Timer, BeforePoll and Wakeup. Each lives on the heap with its callback, so that both
// outlive the object until libuv's close callback.
#include "proto/redis/loop.h"

#include <algorithm>
#include <utility>

namespace mas::redis {
namespace {

uint64_t to_uv_millis(Duration d) {
  if (d <= Duration::zero()) return 0;
  return static_cast<uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(d).count());
}

/// Closes a handle whose memory is freed when libuv lets go of it.
template <typename Handle>
void close_and_free(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle->uv), [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

/// libuv's callback for all three: runs the stored function unless the handle is on its way out.
template <typename Handle, typename Uv>
void run(Uv* uv) {
  if (!uv_is_closing(reinterpret_cast<uv_handle_t*>(uv))) static_cast<Handle*>(uv->data)->fn();
}

}  // namespace

struct Timer::Handle {
  uv_timer_t uv;
  std::function<void()> fn;
};

Timer::Timer(uv_loop_t* loop, std::function<void()> fn) : handle_(new Handle{{}, std::move(fn)}) {
  uv_timer_init(loop, &handle_->uv);
  handle_->uv.data = handle_;
}

Timer::~Timer() { close_and_free(handle_); }

void Timer::once(Duration delay) {
  uv_update_time(handle_->uv.loop);
  uv_timer_start(&handle_->uv, run<Handle, uv_timer_t>, to_uv_millis(delay), 0);
}

void Timer::every(Duration period) {
  uv_update_time(handle_->uv.loop);
  uv_timer_start(&handle_->uv, run<Handle, uv_timer_t>, to_uv_millis(period),
                 std::max<uint64_t>(to_uv_millis(period), 1));
}

void Timer::stop() { uv_timer_stop(&handle_->uv); }
bool Timer::armed() const { return uv_is_active(reinterpret_cast<const uv_handle_t*>(&handle_->uv)) != 0; }
void Timer::unref() { uv_unref(reinterpret_cast<uv_handle_t*>(&handle_->uv)); }

struct BeforePoll::Handle {
  uv_prepare_t uv;
  std::function<void()> fn;
};

BeforePoll::BeforePoll(uv_loop_t* loop, std::function<void()> fn) : handle_(new Handle{{}, std::move(fn)}) {
  uv_prepare_init(loop, &handle_->uv);
  handle_->uv.data = handle_;
}

BeforePoll::~BeforePoll() { close_and_free(handle_); }

void BeforePoll::request() {
  uv_prepare_start(&handle_->uv, [](uv_prepare_t* uv) {
    uv_prepare_stop(uv);
    run<Handle>(uv);
  });
}

struct Wakeup::Handle {
  uv_async_t uv;
  std::function<void()> fn;
};

Wakeup::Wakeup(uv_loop_t* loop, std::function<void()> fn) : handle_(new Handle{{}, std::move(fn)}) {
  uv_async_init(loop, &handle_->uv, run<Handle, uv_async_t>);
  handle_->uv.data = handle_;
}

Wakeup::~Wakeup() { close_and_free(handle_); }
void Wakeup::signal() { uv_async_send(&handle_->uv); }
void Wakeup::unref() { uv_unref(reinterpret_cast<uv_handle_t*>(&handle_->uv)); }

}  // namespace mas::redis
