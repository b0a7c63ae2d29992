// RESP by hand.
#include "tests/sdk/raw_redis.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace mas::test {
namespace {
constexpr int kPatienceMs = 5'000;
}

RawRedis::RawRedis(const std::string &path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (connect(fd_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to " + path);
}

RawRedis::~RawRedis() { close(fd_); }

std::string RawRedis::command(const std::vector<std::string> &args) {
  return send_command(args) ? read_reply() : "-connection lost";
}

std::vector<std::string> RawRedis::array(const std::vector<std::string> &args) {
  return send_command(args) ? read_array() : std::vector<std::string>();
}

bool RawRedis::send_command(const std::vector<std::string> &args) {
  std::string out = "*" + std::to_string(args.size()) + "\r\n";
  for (const auto &arg : args) out.append("$" + std::to_string(arg.size()) + "\r\n").append(arg).append("\r\n");
  for (size_t sent = 0; sent < out.size();) {
    ssize_t n = send(fd_, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

bool RawRedis::fill() {
  pollfd wanted{fd_, POLLIN, 0};
  char chunk[65536];
  if (poll(&wanted, 1, kPatienceMs) != 1) return false;
  ssize_t n = read(fd_, chunk, sizeof chunk);
  if (n <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(n));
  return true;
}

std::string RawRedis::read_line() {
  size_t end;
  while ((end = buffer_.find("\r\n")) == std::string::npos)
    if (!fill()) return "-no reply";
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::string RawRedis::read_bytes(size_t size) {
  while (buffer_.size() < size + 2)
    if (!fill()) return "-no reply";
  std::string bytes = buffer_.substr(0, size);
  buffer_.erase(0, size + 2);
  return bytes;
}

std::string RawRedis::read_reply() {
  std::string line = read_line();
  if (line == "$-1" || line == "*-1") return "(nil)";
  if (line[0] == '-') return line;
  if (line[0] == '$') return read_bytes(std::stoul(line.substr(1)));
  if (line[0] != '*') return line.substr(1);
  std::string all;
  for (auto count = std::stoul(line.substr(1)); count > 0; --count) all += read_reply() + "\n";
  return all;
}

std::vector<std::string> RawRedis::read_array() {
  std::vector<std::string> elements;
  std::string line = read_line();
  if (line[0] != '*' || line == "*-1") return elements;
  for (auto count = std::stoul(line.substr(1)); count > 0; --count) elements.push_back(read_reply());
  return elements;
}

}  // namespace mas::test
