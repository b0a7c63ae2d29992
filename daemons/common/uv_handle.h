// A libuv handle that is closed with its owner and freed in its close callback.
//
// Ownership: the owner may go at any time on the loop's thread, also inside the handle's callback; the callback must
// find its object through `data`, which is null after that. The loop must run once more before it is closed.
#pragma once

#include <uv.h>

namespace mas::common {

template <typename Handle>
class UvHandle {
 public:
  UvHandle() : handle_(new Handle{}) {}
  ~UvHandle() { close(); }
  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;

  Handle* get() { return handle_; }
  Handle* operator->() { return handle_; }
  uv_handle_t* base() { return reinterpret_cast<uv_handle_t*>(handle_); }

  /// Idempotent. A handle whose init failed or was never called is only freed.
  void close() {
    if (handle_ == nullptr) return;
    handle_->data = nullptr;
    if (handle_->loop != nullptr)
      uv_close(base(), [](uv_handle_t* handle) { delete reinterpret_cast<Handle*>(handle); });
    else
      delete handle_;
    handle_ = nullptr;
  }

 private:
  Handle* handle_;
};

}  // namespace mas::common
