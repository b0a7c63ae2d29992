// Contexts by their files.
#include "proto/redis/usable_tls.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace mas::redis {
namespace {

constexpr size_t kMostKept = 16;
constexpr size_t kMostServers = 64;

struct Kept {
  TlsFiles files;
  std::shared_ptr<TlsContext> context;
};

struct Memory {
  std::mutex mutex;
  std::vector<Kept> kept;                  // the oldest first
  std::vector<ServerCertificate> servers;  // likewise
};

/// Never destroyed: threads may still use it while the process ends.
Memory& memory() {
  static auto* const all = new Memory;
  return *all;
}

auto entry_of(Memory& all, const TlsFiles& files) {
  return std::find_if(all.kept.begin(), all.kept.end(), [&files](const Kept& kept) {
    return kept.files.ca == files.ca && kept.files.cert == files.cert && kept.files.key == files.key;
  });
}

void keep(const TlsFiles& files, const std::shared_ptr<TlsContext>& context) {
  Memory& all = memory();
  Kept gone;  // freed after the lock
  std::lock_guard lock(all.mutex);
  auto entry = entry_of(all, files);
  if (entry != all.kept.end()) {
    gone.context = std::exchange(entry->context, context);
    return;
  }
  all.kept.push_back({files, context});
  if (all.kept.size() <= kMostKept) return;
  gone = std::move(all.kept.front());
  all.kept.erase(all.kept.begin());
}

std::shared_ptr<TlsContext> last_of(const TlsFiles& files) {
  Memory& all = memory();
  std::lock_guard lock(all.mutex);
  auto entry = entry_of(all, files);
  return entry == all.kept.end() ? nullptr : entry->context;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> usable_context(const TlsFiles& files, Status* ret_now) {
  auto now = TlsContext::create(files);
  if (ret_now != nullptr) *ret_now = now.ok() ? Status() : Status(now.error());
  if (now.ok()) {
    keep(files, *now);
    return now;
  }
  auto last = last_of(files);
  if (last == nullptr) return now.error();
  return last;
}

std::vector<ServerCertificate> seen_servers() {
  Memory& all = memory();
  std::lock_guard lock(all.mutex);
  return all.servers;
}

void remember_server(const std::string& name, int64_t ends) {
  Memory& all = memory();
  std::lock_guard lock(all.mutex);
  std::erase_if(all.servers, [&name](const ServerCertificate& server) { return server.name == name; });
  all.servers.push_back({name, ends});
  if (all.servers.size() > kMostServers) all.servers.erase(all.servers.begin());
}

}  // namespace mas::redis
