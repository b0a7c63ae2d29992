// The handles behind Timer, NextRound, BeforePoll and Wakeup. Each lives on the heap with its callback, so that both
// outlive the object until libuv's close callback.
#include "proto/redis/loop.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace mas::redis {
namespace {

/// What a loop and its first connections need, and some that another thread may take meanwhile.
constexpr size_t kSpareDescriptors = 16;

/// @return errno, or 0 if there are descriptors to be had.
int find_descriptors() {
  std::array<int, kSpareDescriptors> spare;
  size_t count = 0;
  int error = 0;
  while (count < spare.size() && error == 0) {
    spare[count] = eventfd(0, EFD_CLOEXEC);
    error = spare[count] < 0 ? errno : (++count, 0);
  }
  while (count > 0) close(spare[--count]);
  return error;
}

uint64_t to_uv_millis(Duration d) {
  if (d <= Duration::zero()) return 0;
  return static_cast<uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(d).count());
}

/// Closes a handle whose memory is freed when libuv lets go of it.
template <typename Handle>
void close_and_free(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle->uv), [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

/// libuv's callback for all of them: runs the stored function unless the handle is on its way out.
template <typename Handle, typename Uv>
void run(Uv* uv) {
  if (!uv_is_closing(reinterpret_cast<uv_handle_t*>(uv))) static_cast<Handle*>(uv->data)->fn();
}

}  // namespace

Status init_loop(uv_loop_t& loop) {
  int error = -find_descriptors();
  if (error == 0) error = uv_loop_init(&loop);
  if (error == 0) return {};
  std::string why = std::string("cannot make an event loop: ") + uv_strerror(error);
  if (error == UV_EMFILE) why += "; raise the limit of open files (ulimit -n, LimitNOFILE= of a unit)";
  return Error{Errc::kNoMemory, std::move(why)};
}

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

struct NextRound::Handle {
  uv_idle_t uv;
  std::function<void()> fn;
};

NextRound::NextRound(uv_loop_t* loop, std::function<void()> fn) : handle_(new Handle{{}, std::move(fn)}) {
  uv_idle_init(loop, &handle_->uv);
  handle_->uv.data = handle_;
}

NextRound::~NextRound() { close_and_free(handle_); }

void NextRound::request() {
  uv_idle_start(&handle_->uv, [](uv_idle_t* uv) {
    uv_idle_stop(uv);
    run<Handle>(uv);
  });
}

void NextRound::cancel() { uv_idle_stop(&handle_->uv); }

/// The last of the three to be closed frees the memory: libuv closes them in any order, but all in one go.
struct BeforePoll::Handle {
  uv_prepare_t before;
  uv_check_t after;
  uv_idle_t awake;
  std::function<void()> fn;
  int open = 3;

  void stop() {
    uv_prepare_stop(&before);
    uv_check_stop(&after);
    uv_idle_stop(&awake);
  }
  template <typename Uv>
  static void due(Uv* uv) {
    static_cast<Handle*>(uv->data)->stop();
    run<Handle>(uv);
  }
  template <typename Uv>
  static void close(Uv* uv) {
    uv_close(reinterpret_cast<uv_handle_t*>(uv), [](uv_handle_t* closed) {
      auto* handle = static_cast<Handle*>(closed->data);
      if (--handle->open == 0) delete handle;
    });
  }
};

BeforePoll::BeforePoll(uv_loop_t* loop, std::function<void()> fn) : handle_(new Handle{{}, {}, {}, std::move(fn)}) {
  uv_prepare_init(loop, &handle_->before);
  uv_check_init(loop, &handle_->after);
  uv_idle_init(loop, &handle_->awake);
  handle_->before.data = handle_->after.data = handle_->awake.data = handle_;
}

BeforePoll::~BeforePoll() {
  Handle::close(&handle_->before);
  Handle::close(&handle_->after);
  Handle::close(&handle_->awake);
}

void BeforePoll::request() {
  uv_prepare_start(&handle_->before, Handle::due<uv_prepare_t>);
  uv_check_start(&handle_->after, Handle::due<uv_check_t>);
  uv_idle_start(&handle_->awake, [](uv_idle_t*) {});
}

void BeforePoll::cancel() { handle_->stop(); }

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
