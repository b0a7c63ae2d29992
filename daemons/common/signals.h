// The signals a daemon answers: TERM and INT stop it, HUP reloads it. SIGPIPE is ignored for good.
// Threading: handlers run on the loop. Ownership: owns its handles.
#pragma once

#include <uv.h>

#include "daemons/common/uv_handle.h"

namespace mas::common {

class SignalListener {
 public:
  virtual ~SignalListener() = default;
  virtual void on_stop_signal(int number) = 0;
  virtual void on_reload_signal() = 0;
};

class Signals {
 public:
  Signals(uv_loop_t* loop, SignalListener& listener);

 private:
  static void on_signal(uv_signal_t* handle, int number);

  UvHandle<uv_signal_t> term_, interrupt_, hangup_;
};

}  // namespace mas::common
