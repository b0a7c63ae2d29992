// A GET over a blocking socket.
#include "sdk/bench/gateway_counters.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace mas::ctl {

namespace {

constexpr std::string_view kRequest = "GET /metrics HTTP/1.0\r\nHost: gateway\r\nConnection: close\r\n\r\n";
constexpr size_t kMaxBytes = 4 * 1024 * 1024;

int connect_to(const std::string& address) {
  size_t colon = address.rfind(':');
  if (colon == std::string::npos) return -1;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.substr(0, colon).c_str(), address.c_str() + colon + 1, &hints, &found) != 0) return -1;
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  timeval limit{2, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd, found->ai_addr, found->ai_addrlen) == 0) return fd;
  close(fd);
  return -1;
}

/// @return the answer, head and body; empty when there is none.
std::string get_metrics(const std::string& address) {
  int fd = connect_to(address);
  if (fd < 0) return {};
  std::string answer;
  char chunk[16384];
  if (send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(kRequest.size())) {
    for (ssize_t got = 1; got > 0 && answer.size() < kMaxBytes;) {
      got = read(fd, chunk, sizeof chunk);
      if (got > 0) answer.append(chunk, static_cast<size_t>(got));
    }
  }
  close(fd);
  return answer.find(" 200 ") < 16 ? answer : std::string();
}

}  // namespace

uint64_t metric_value(std::string_view text, std::string_view name) {
  std::string line("\n");
  line.append(name).append(" ");
  size_t at = text.find(line);
  if (at == std::string_view::npos) return 0;
  return static_cast<uint64_t>(std::strtod(std::string(text.substr(at + line.size(), 32)).c_str(), nullptr));
}

std::optional<GatewayCounters> read_counters(const std::vector<std::string>& addresses) {
  GatewayCounters sum;
  for (const auto& address : addresses) {
    std::string text = get_metrics(address);
    if (text.empty()) return std::nullopt;
    sum += {metric_value(text, "mas_gatewayd_messages_total"), metric_value(text, "mas_gatewayd_turns_total"),
            metric_value(text, "mas_gatewayd_redis_round_trips_total"),
            metric_value(text, "mas_gatewayd_stream_entries_total"),
            metric_value(text, "mas_gatewayd_audit_blocks_total")};
  }
  return sum;
}

}  // namespace mas::ctl
