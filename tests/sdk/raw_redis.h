// A blocking connection to a redis-server with replies as text: a foreign program, as far as the library knows.
#pragma once

#include <string>
#include <vector>

namespace mas::test {

/// Whatever runs commands: one server, or a cluster (raw_cluster.h).
class RawCommands {
 public:
  virtual ~RawCommands() = default;
  virtual std::string command(const std::vector<std::string> &args) = 0;
};

class RawRedis final : public RawCommands {
 public:
  /// Throws std::runtime_error when it cannot connect.
  explicit RawRedis(const std::string &socket);
  ~RawRedis() override;
  RawRedis(const RawRedis &) = delete;
  RawRedis &operator=(const RawRedis &) = delete;

  std::string command(const std::vector<std::string> &args) override;
  /// A command that is answered by an array of texts. @return its elements; none for nil and errors.
  std::vector<std::string> array(const std::vector<std::string> &args);
  /// @return the elements of the next array from the server; none after five seconds.
  std::vector<std::string> read_array();

 private:
  bool send_command(const std::vector<std::string> &args);
  std::string read_line();
  std::string read_bytes(size_t size);
  std::string read_reply();
  bool fill();

  int fd_;
  std::string buffer_;
};

}  // namespace mas::test
