// The I/O thread's start, loop and end.
#include "sdk/src/runtime.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "sdk/src/hub.h"

namespace mas::sdk {
namespace {

std::mutex process_mutex;
std::weak_ptr<Runtime> process_runtime;  // guarded by process_mutex

/// Blocks every signal of the calling thread while it lives; a thread that is made meanwhile inherits that.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Result<std::shared_ptr<Runtime>> Runtime::acquire() {
  std::lock_guard lock(process_mutex);
  if (auto runtime = process_runtime.lock()) return runtime;
  std::shared_ptr<Runtime> runtime(new Runtime());
  if (auto status = runtime->start(); !status) return status.error();
  process_runtime = runtime;
  return runtime;
}

Status Runtime::start() {
  if (int error = uv_loop_init(&loop_); error != 0)
    return Error{Errc::kNoMemory, std::string("cannot make an event loop: ") + uv_strerror(error)};
  wakeup_ = std::make_unique<redis::Wakeup>(&loop_, [this] { run_tasks(); });
  SignalsBlocked blocked;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    wakeup_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
    return Error{Errc::kNoMemory, std::string("cannot start the I/O thread: ") + error.what()};
  }
  return {};
}

Runtime::~Runtime() {
  if (!thread_.joinable()) return;  // start() failed
  post([this] { stopping_ = true; });
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
  pthread_setname_np(pthread_self(), "mas-io");
  turns_.serve(stopping_);
  {
    std::lock_guard lock(mutex_);
    wakeup_.reset();
  }
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
  auto hub = std::make_shared<Hub>(*this, endpoint, client_name);
  hubs_.push_back(hub);
  hub->start();
  return hub;
}

}  // namespace mas::sdk
