// What the tests of the connection share: a listener and a receiver that remember, and options with short
// times.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "proto/redis/connection.h"

namespace mas::test {

using namespace std::chrono_literals;

struct RecordingListener final : redis::ConnectionListener {
  int ready = 0;
  std::vector<Error> downs;
  std::vector<unsigned> attempts;

  void on_ready(redis::Connection&) override { ++ready; }
  void on_down(redis::Connection&, const Error& why, unsigned attempt) override {
    downs.push_back(why);
    attempts.push_back(attempt);
  }
  bool saw(std::string_view text) const {
    for (const auto& down : downs)
      if (down.message.find(text) != std::string::npos) return true;
    return false;
  }
};

/// Remembers answers in order: the text, the integer, "nil", "[n]", "-error", or "!code" for a transport
/// failure.
struct Receiver {
  std::vector<std::string> answers;
  std::vector<uint64_t> tags;

  void on_reply(uint64_t tag, const redis::Answer& answer) {
    tags.push_back(tag);
    answers.push_back(describe(answer));
  }
  redis::ReplyTo to(uint64_t tag = 0) { return redis::reply_to<&Receiver::on_reply>(this, tag); }

  static std::string describe(const redis::Answer& answer) {
    if (!answer) return "!" + std::string(errc_text(answer.error().code));
    const redis::Reply& reply = **answer;
    if (reply.is_nil()) return "nil";
    if (reply.is_integer()) return std::to_string(reply.integer);
    if (reply.is_error()) return "-" + std::string(reply.text);
    if (reply.is_array()) return "[" + std::to_string(reply.count) + "]";
    return std::string(reply.text);
  }
};

inline redis::ConnectionOptions quick_options(const std::string& url) {
  redis::ConnectionOptions options;
  options.endpoint = *redis::parse_url(url);
  options.connect_timeout = 2s;
  options.command_timeout = 2s;
  options.backoff_base = 10ms;
  options.backoff_cap = 100ms;
  return options;
}

}  // namespace mas::test
