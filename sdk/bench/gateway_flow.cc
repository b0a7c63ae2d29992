// memfd_create and mmap; fresh pages are zero, which is what the atomics start from.
#include "sdk/bench/gateway_flow.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace mas::ctl {

namespace {
Error system_error(const char* what) { return {Errc::kInternal, std::string(what) + ": " + std::strerror(errno)}; }
}  // namespace

Result<std::unique_ptr<FlowPage>> FlowPage::create() {
  int fd = memfd_create("masctl-bench", MFD_CLOEXEC);
  if (fd < 0) return system_error("memfd_create");
  if (ftruncate(fd, sizeof(Slot) * kSlots) != 0) {
    close(fd);
    return system_error("ftruncate");
  }
  return open(fd);
}

Result<std::unique_ptr<FlowPage>> FlowPage::open(int fd) {
  void* memory = mmap(nullptr, sizeof(Slot) * kSlots, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return system_error("mmap");
  return std::unique_ptr<FlowPage>(new FlowPage(fd, memory));
}

FlowPage::~FlowPage() {
  munmap(slots_, sizeof(Slot) * kSlots);
  close(fd_);
}

uint64_t FlowPage::total_sent() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < kSlots; ++i) sum += slots_[i].sent.load(std::memory_order_relaxed);
  return sum;
}

uint64_t FlowPage::total_settled() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < kSlots; ++i) sum += slots_[i].settled.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace mas::ctl
