// Signals by uv_signal.
#include "daemons/common/signals.h"

#include <csignal>

namespace mas::common {

Signals::Signals(uv_loop_t* loop, SignalListener& listener) {
  std::signal(SIGPIPE, SIG_IGN);
  struct {
    UvHandle<uv_signal_t>& handle;
    int number;
  } const all[] = {{term_, SIGTERM}, {interrupt_, SIGINT}, {hangup_, SIGHUP}};
  for (const auto& entry : all) {
    uv_signal_init(loop, entry.handle.get());
    entry.handle->data = &listener;
    uv_signal_start(entry.handle.get(), &Signals::on_signal, entry.number);
  }
}

void Signals::on_signal(uv_signal_t* handle, int number) {
  auto* listener = static_cast<SignalListener*>(handle->data);
  if (listener == nullptr) return;
  if (number == SIGHUP)
    listener->on_reload_signal();
  else
    listener->on_stop_signal(number);
}

}  // namespace mas::common
