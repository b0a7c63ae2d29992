// Looking names up on threads.
#include "proto/redis/lookup.h"

#include <errno.h>
#include <string.h>

#include <mutex>
#include <string>
#include <utility>

#include "proto/base/thread.h"
#include "proto/redis/loop.h"

namespace mas::redis {
namespace {

Error cannot_resolve(const char* why) {
  return {Errc::kUnreachable, std::string("cannot resolve the host name: ") + why};
}

/// @param flags AI_NUMERICHOST: at once, and only what is an IP address. @return EAI_…
int ask(const std::string& host, const std::string& port, int flags, addrinfo** ret_found, Status& ret_status) {
  addrinfo wanted{};
  wanted.ai_flags = flags;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_family = AF_UNSPEC;
  int error = getaddrinfo(host.c_str(), port.c_str(), &wanted, ret_found);
  if (error != 0) ret_status = cannot_resolve(error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
  return error;
}

}  // namespace

struct Lookup::Job {
  std::mutex mutex;
  std::unique_ptr<Wakeup> wakeup;  // null: nobody waits any more
  Status status;
  addrinfo* found = nullptr;

  ~Job() {
    if (found != nullptr) freeaddrinfo(found);
  }
};

Lookup::Lookup(uv_loop_t* loop, std::string host, uint16_t port, std::function<void()> done)
    : host_(std::move(host)), port_(port), done_(std::move(done)), job_(std::make_shared<Job>()) {
  job_->wakeup = std::make_unique<Wakeup>(loop, [this] { answered(); });
  const std::string service = std::to_string(port_);
  if (ask(host_, service, AI_NUMERICHOST, &job_->found, job_->status) != EAI_NONAME) {
    job_->wakeup->signal();
    return;
  }
  job_->status = Status();
  auto thread = start_thread("mas-lookup", [job = job_, name = host_, service] {
    addrinfo* found = nullptr;
    Status status;
    ask(name, service, 0, &found, status);
    std::lock_guard lock(job->mutex);
    job->status = status;
    job->found = found;
    if (job->wakeup != nullptr) job->wakeup->signal();
  });
  if (thread) {
    thread->detach();
  } else {
    job_->status = cannot_resolve(thread.error().message.c_str());
    job_->wakeup->signal();
  }
}

Lookup::~Lookup() {
  if (job_ != nullptr) {
    std::lock_guard lock(job_->mutex);
    job_->wakeup.reset();
  }
  if (found_ != nullptr) freeaddrinfo(found_);
}

void Lookup::answered() {
  auto job = std::exchange(job_, nullptr);
  {
    std::lock_guard lock(job->mutex);
    job->wakeup.reset();
    status_ = job->status;
    next_ = found_ = std::exchange(job->found, nullptr);
  }
  over_ = true;
  done_();
}

const addrinfo* Lookup::next() {
  const addrinfo* address = next_;
  if (address != nullptr) next_ = address->ai_next;
  return address;
}

}  // namespace mas::redis
