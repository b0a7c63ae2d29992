// getrandom(2), buffered per thread.
#include "proto/base/random.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "proto/base/base64.h"

namespace mas {
namespace {

void fill_from_kernel(unsigned char* out, size_t size) {
  while (size > 0) {
    ssize_t got = getrandom(out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) std::abort();
    out += got;
    size -= static_cast<size_t>(got);
  }
}

/// Counts forks on the way to this process: a child must not go on with its parent's bytes. Not getpid(), which is a
/// system call per identifier.
std::atomic<unsigned> forks{1};
[[maybe_unused]] const int watching_forks = pthread_atfork(nullptr, nullptr, [] { ++forks; });

struct Pool {
  std::array<unsigned char, 2048> bytes;
  size_t used = sizeof(bytes);
  unsigned filled_after = 0;  // value of `forks`
};

thread_local Pool pool;

}  // namespace

void random_bytes(std::span<unsigned char> out) {
  if (out.size() > pool.bytes.size() / 4) return fill_from_kernel(out.data(), out.size());
  if (pool.used + out.size() > pool.bytes.size() || pool.filled_after != forks.load(std::memory_order_relaxed)) {
    fill_from_kernel(pool.bytes.data(), pool.bytes.size());
    pool.used = 0;
    pool.filled_after = forks.load(std::memory_order_relaxed);
  }
  std::memcpy(out.data(), pool.bytes.data() + pool.used, out.size());
  std::memset(pool.bytes.data() + pool.used, 0, out.size());
  pool.used += out.size();
}

uint64_t random_u64() {
  uint64_t value;
  random_bytes({reinterpret_cast<unsigned char*>(&value), sizeof value});
  return value;
}

std::string random_token(size_t bytes) {
  std::string raw(bytes, '\0');
  random_bytes({reinterpret_cast<unsigned char*>(raw.data()), raw.size()});
  std::string text = base64url(raw);
  explicit_bzero(raw.data(), raw.size());
  return text;
}

}  // namespace mas
