// The I/O thread's start, loop and end.
#include "sdk/src/loop/runtime.h"

#include <algorithm>
#include <utility>

#include "proto/base/thread.h"
#include "sdk/src/loop/hub.h"
#include "sdk/src/loop/presence.h"

namespace mas::sdk {
namespace {

/// The process's runtime, if it has one; never destroyed.
struct Process {
  std::mutex mutex;
  std::weak_ptr<Runtime> runtime;
};
Process& process() {
  static auto& shared = *new Process;
  return shared;
}

}  // namespace

Result<std::shared_ptr<Runtime>> Runtime::acquire() {
  std::lock_guard lock(process().mutex);
  if (auto runtime = process().runtime.lock()) return runtime;
  std::shared_ptr<Runtime> runtime(new Runtime());
  if (auto status = runtime->start(); !status) return status.error();
  process().runtime = runtime;
  return runtime;
}

Status Runtime::start() {
  if (auto status = redis::init_loop(loop_); !status) return status;
  wakeup_ = std::make_unique<redis::Wakeup>(&loop_, [this] { run_tasks(); });
  quieten_at_exit();
  auto thread = start_thread("mas-io", [this] { run(); });
  if (thread) {
    thread_ = std::move(*thread);
    return {};
  }
  close();
  return thread.error();
}

Runtime::~Runtime() {
  if (!thread_.joinable()) return;  // start() failed
  post([this] { stopping_ = true; });
  Absence joining;
  thread_.join();
}

void Runtime::post(std::function<void()> task) {
  std::lock_guard lock(mutex_);
  bool asleep = tasks_.empty();
  tasks_.push_back(std::move(task));
  if (asleep) interrupt();  // under the lock: the last task ends the wake-up's life
}

void Runtime::interrupt() {
  wakeup_->signal();
  turns_.resume();
}

void Runtime::run() {
  turns_.serve(stopping_);
  std::lock_guard lock(mutex_);
  close();
}

void Runtime::close() {
  wakeup_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);  // until the last handle is closed
  uv_loop_close(&loop_);
}

void Runtime::run_tasks() {
  {
    std::lock_guard lock(mutex_);
    running_.swap(tasks_);
  }
  for (auto& task : running_) task();
  running_.clear();
}

std::shared_ptr<Hub> Runtime::hub(const redis::Endpoint& endpoint, const std::string& client_name) {
  std::erase_if(hubs_, [](const auto& hub) { return hub.expired(); });
  for (auto& known : hubs_)
    if (auto hub = known.lock(); hub != nullptr && hub->endpoint() == endpoint) return hub;
  auto hub = Hub::make(*this, endpoint, client_name);
  hubs_.push_back(hub);
  hub->start();
  return hub;
}

}  // namespace mas::sdk
