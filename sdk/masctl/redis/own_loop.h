// The event loop of one command, made so that a process without descriptors hears of that and is not aborted by libuv.
//
// Failure: make() says that there are none.
// Threading: one thread. Ownership: the first member of whoever uses it, so that it goes last: it runs until every
// handle is closed.
#pragma once

#include <uv.h>

#include <memory>

#include "proto/redis/loop.h"

namespace mas::ctl {

class OwnLoop {
 public:
  static Result<std::unique_ptr<OwnLoop>> make() {
    std::unique_ptr<OwnLoop> loop(new OwnLoop);
    if (auto status = redis::init_loop(loop->loop_); !status.ok()) return status.error();
    loop->made_ = true;
    return loop;
  }
  ~OwnLoop() {
    if (!made_) return;
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  OwnLoop(const OwnLoop&) = delete;
  OwnLoop& operator=(const OwnLoop&) = delete;

  uv_loop_t* get() { return &loop_; }

 private:
  OwnLoop() = default;

  uv_loop_t loop_;
  bool made_ = false;
};

}  // namespace mas::ctl
