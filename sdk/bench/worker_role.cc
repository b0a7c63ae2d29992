// What all roles need: pacing, counting, flow control.
#include "sdk/bench/worker_role.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <thread>

#include "proto/wire/limits.h"

namespace mas::ctl {

std::string RoundOrder::to_line() const {
  return "round " + std::to_string(round) + " " + std::to_string(time.count()) + " " + std::to_string(count) + " " +
         std::to_string(rate);
}

Result<RoundOrder> RoundOrder::from_line(std::string_view line) {
  RoundOrder order;
  int64_t time = 0;
  int read = std::sscanf(std::string(line).c_str(), "round %" SCNu32 " %" SCNd64 " %" SCNu64 " %" SCNu64, &order.round,
                         &time, &order.count, &order.rate);
  if (read != 4) return Error{Errc::kInternal, "not a command of a benchmark"};
  order.time = Duration(time);
  return order;
}

Result<std::string> WorkerRole::obey(const std::string& line) {
  constexpr std::string_view kEnvelope = "envelope ";
  if (line == "sample") return sample();
  if (line.starts_with(kEnvelope)) {
    Status used = use_envelope(line.substr(kEnvelope.size()));
    if (!used.ok()) return used.error();
    return std::string("ok");
  }
  auto order = RoundOrder::from_line(line);
  if (!order.ok()) return order.error();
  auto round = run(*order);
  if (!round.ok()) return round.error();
  return round->to_line();
}

bool Pace::next(uint64_t n, uint64_t& ret_nanos) const {
  MonoTime due = mono_now();
  if (order_.rate > 0) due = begin_ + Duration(static_cast<int64_t>(n * 1'000'000'000 / order_.rate));
  if (n >= order_.count || due - begin_ >= order_.time) return false;
  if (order_.rate > 0) std::this_thread::sleep_until(due);
  // A message that goes out late counts from when it was due: a stall is not to hide itself.
  ret_nanos = static_cast<uint64_t>(due.time_since_epoch().count());
  return true;
}

bool Arrivals::take(std::string_view payload) {
  bool ok = false;
  Stamp stamp = read_stamp(payload, ok);
  if (!ok || stamp.round != round_) return false;
  if (stamp.number == kEndOfRound) {
    expected_ = stamp.time;
    return true;
  }
  last_ = static_cast<uint64_t>(mono_now().time_since_epoch().count());
  if (first_ == 0) first_ = last_;
  latency_.record(last_ - std::min(last_, stamp.time));
  sequence_.arrived(stamp.number);
  return false;
}

Round Arrivals::result() {
  sequence_.finish(expected_);
  Round round;
  round.count = sequence_.arrivals();
  round.elapsed = last_ - first_;
  round.lost = sequence_.lost();
  round.doubled = sequence_.doubled();
  round.reordered = sequence_.reordered();
  round.take_percentiles(latency_);
  return round;
}

uint64_t process_cpu_nanos() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto nanos = [](const timeval& t) {
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_usec) * 1000;
  };
  return nanos(usage.ru_utime) + nanos(usage.ru_stime);
}

size_t window_messages(size_t payload_bytes) {
  constexpr size_t kEnvelopeOverhead = 400;
  constexpr size_t kWindowBytes = 4 * 1024 * 1024;
  return std::clamp<size_t>(kWindowBytes / (payload_bytes + kEnvelopeOverhead), 2, 8192);
}

Status SendWindow::acquire() {
  while (sent_ - acked_ >= messages_) {
    Status read = read_acks();
    if (!read.ok()) return read;
  }
  ++sent_;
  return {};
}

Status SendWindow::read_acks() {
  pollfd wait{fd_, POLLIN, 0};
  if (poll(&wait, 1, 10'000) <= 0) return Error{Errc::kTimeout, "the receiver read nothing for 10 s"};
  uint64_t counts[64];
  ssize_t got = ::read(fd_, counts, sizeof counts);
  if (got < static_cast<ssize_t>(sizeof counts[0])) return Error{Errc::kConnectionLost, "the receiver ended"};
  acked_ = counts[static_cast<size_t>(got) / sizeof counts[0] - 1];
  return {};
}

void AckWriter::arrived() {
  ++total_;
  if (total_ % step_ != 0) return;
  // The sender cannot have more acknowledgements open than its window has steps, which a pipe holds.
  [[maybe_unused]] ssize_t written = ::write(fd_, &total_, sizeof total_);
}

}  // namespace mas::ctl
