// What a daemon lends to its service, for a test of one part of a service: a Redis connection, and nothing that runs by
// itself. Threading: the loop's thread.
#pragma once

#include <string>
#include <utility>

#include "daemons/common/service.h"
#include "tests/redis/client.h"

namespace mas::test {

class BareFrame final : public common::Frame {
 public:
  BareFrame(uv_loop_t* loop, const std::string& url, std::string instance)
      : loop_(loop), instance_(std::move(instance)), redis_(loop, quick_options(url), nullptr, nullptr) {
    redis_.start();
  }
  uv_loop_t* loop() override { return loop_; }
  common::Log& log() override { return log_; }
  common::Metrics& metrics() override { return metrics_; }
  const Keys& keys() const override { return keys_; }
  const std::string& instance() const override { return instance_; }
  redis::Client& redis() override { return redis_; }
  bool redis_up() const override { return redis_.ready(); }
  redis::ConnectionOptions redis_options(std::string_view) const override { return redis_.connection()->options(); }
  void drained() override { ++drains; }
  void beat() override { ++beats; }

  uint64_t count(std::string_view name) { return metrics_.counter(name, "").value(); }

  int drains = 0, beats = 0;  ///< calls so far

 private:
  uv_loop_t* loop_;
  std::string instance_;
  common::Log log_{"test", common::LogLevel::kError, common::LogFormat::kJson};
  common::Metrics metrics_{"test"};
  Keys keys_;
  redis::Client redis_;
};

}  // namespace mas::test
