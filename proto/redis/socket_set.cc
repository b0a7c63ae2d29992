// Sockets in an epoll.
#include "proto/redis/socket_set.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <string>

namespace mas::redis {

SocketSet::~SocketSet() {
  if (fd_ >= 0) close(fd_);
}

Status SocketSet::open() {
  fd_ = epoll_create1(EPOLL_CLOEXEC);
  if (fd_ >= 0) return {};
  return Error{Errc::kNoMemory, std::string("cannot create a descriptor: ") + strerror(errno)};
}

void SocketSet::add(int socket) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = socket;
  epoll_ctl(fd_, EPOLL_CTL_ADD, socket, &event);
}

void SocketSet::remove(int socket) {
  epoll_event ignored{};
  epoll_ctl(fd_, EPOLL_CTL_DEL, socket, &ignored);
}

}  // namespace mas::redis
