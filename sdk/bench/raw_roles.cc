// The same roles by plain blocking sockets: the ceiling.
//
// The payloads are whole envelopes, byte for byte as libmas sends them, so that Redis has the same work on both sides.
#include "proto/redis/command.h"
#include "sdk/bench/raw_link.h"
#include "sdk/bench/worker_process.h"
#include "sdk/bench/worker_role.h"

namespace mas::ctl {

namespace {

/// Commands per write(2) of the sender; larger batches were not faster.
constexpr size_t kBatch = 128;

/// @return the payload of a published message; empty for anything else (a confirmation).
std::string_view published_text(const redis::Reply& reply) {
  bool message = reply.is_array() && reply.count == 3 && reply[0].text == "message";
  return message ? reply[2].text : std::string_view();
}

Result<std::unique_ptr<RawLink>> subscribe(const Settings& settings, const std::string& channel) {
  auto link = RawLink::open(settings.endpoint);
  if (!link.ok()) return link;
  auto confirmed = (*link)->call(redis::Command("SUBSCRIBE", channel).bytes());
  if (!confirmed.ok()) return confirmed.error();
  return link;
}

/// An envelope whose stamp is written anew for every message.
class StampedEnvelope {
 public:
  Status use(const std::string& envelope) {
    at_ = find_payload(envelope);
    if (at_ == std::string::npos) return Error{Errc::kInternal, "the sample has no stamp"};
    text_ = envelope;
    return {};
  }
  const std::string& stamped(const Stamp& stamp) {
    write_stamp(text_.data() + at_, stamp);
    return text_;
  }
  size_t payload_at() const { return at_; }

 private:
  std::string text_;
  size_t at_ = 0;
};

/// A role with a connection to publish on and, where it hears, one to subscribe with.
class RawRole : public WorkerRole {
 public:
  Status start(const Settings& settings, const RoleOptions& options, bool hears) {
    peer_ = options.peer;
    auto publisher = RawLink::open(settings.endpoint);
    if (!publisher.ok()) return publisher.error();
    publisher_ = std::move(*publisher);
    if (!hears) return {};
    auto subscriber = subscribe(settings, options.self);
    if (!subscriber.ok()) return subscriber.error();
    subscriber_ = std::move(*subscriber);
    return {};
  }

  Status use_envelope(const std::string& envelope) override { return envelope_.use(envelope); }

 protected:
  /// Publishes one message without waiting for the reply to it: what is waited for is the peer's answer. The reply of
  /// the message before, long there, is taken first.
  Status publish(std::string_view text) {
    Status taken = take_reply();
    if (!taken.ok()) return taken;
    out_.clear();
    redis::append_command(out_, "PUBLISH", peer_, text);
    reply_open_ = true;
    return publisher_->write(out_);
  }

  Status take_reply() {
    if (!reply_open_) return {};
    reply_open_ = false;
    auto reply = publisher_->read();
    return reply.ok() ? Status() : Status(reply.error());
  }

  Result<std::string_view> hear() {
    auto reply = subscriber_->read();
    if (!reply.ok()) return reply.error();
    return published_text(**reply);
  }

  std::string_view payload_of(std::string_view envelope) const {
    return envelope.substr(std::min(envelope_.payload_at(), envelope.size()));
  }

  std::string peer_;
  std::string out_;
  StampedEnvelope envelope_;
  std::unique_ptr<RawLink> publisher_;
  std::unique_ptr<RawLink> subscriber_;
  bool reply_open_ = false;
};

class RawSender final : public RawRole {
 public:
  static constexpr bool kHears = false;
  explicit RawSender(const RoleOptions& options) : window_(kAckFd, window_messages(options.payload_bytes)) {}

  Result<Round> run(const RoundOrder& order) override {
    uint64_t cpu = process_cpu_nanos();
    size_t batch = order.rate > 0 ? 1 : kBatch;
    Pace pace(order);
    uint64_t n = 0, open = 0;
    out_.clear();
    for (uint64_t now = 0; pace.next(n, now); ++n) {
      Status room = window_.acquire();
      if (!room.ok()) return room.error();
      redis::append_command(out_, "PUBLISH", peer_, envelope_.stamped({order.round, n, now}));
      ++open;
      if ((n + 1) % batch != 0) continue;
      Status flushed = flush(open);
      if (!flushed.ok()) return flushed.error();
    }
    Status ended = window_.acquire();
    if (ended.ok()) ended = finish(order.round, n, open);
    if (!ended.ok()) return ended.error();
    Round round;
    round.count = n;
    round.cpu = process_cpu_nanos() - cpu;
    return round;
  }

 private:
  /// Writes the batch and takes the replies that are here; never waits for one.
  Status flush(uint64_t& open) {
    Status written = publisher_->write(out_);
    out_.clear();
    if (!written.ok()) return written;
    while (open > 0) {
      auto reply = publisher_->read_available();
      if (!reply.ok()) return reply.error();
      if (*reply == nullptr) return {};
      --open;
    }
    return {};
  }

  Status finish(uint32_t round, uint64_t count, uint64_t open) {
    redis::append_command(out_, "PUBLISH", peer_, envelope_.stamped({round, kEndOfRound, count}));
    Status written = publisher_->write(out_);
    out_.clear();
    for (++open; written.ok() && open > 0; --open) {
      auto reply = publisher_->read();
      if (!reply.ok()) return reply.error();
    }
    return written;
  }

  SendWindow window_;
};

class RawReceiver final : public RawRole {
 public:
  static constexpr bool kHears = true;
  explicit RawReceiver(const RoleOptions& options) : acks_(kAckFd, window_messages(options.payload_bytes)) {}

  Result<Round> run(const RoundOrder& order) override {
    uint64_t cpu = process_cpu_nanos();
    Arrivals arrivals(order.round);
    for (bool done = false; !done;) {
      auto text = hear();
      if (!text.ok()) return text.error();
      acks_.arrived();
      done = arrivals.take(payload_of(*text));
    }
    Round round = arrivals.result();
    round.cpu = process_cpu_nanos() - cpu;
    return round;
  }

 private:
  AckWriter acks_;
};

class RawRequester final : public RawRole {
 public:
  static constexpr bool kHears = true;
  explicit RawRequester(const RoleOptions&) {}

  Result<Round> run(const RoundOrder& order) override {
    Histogram latency;
    uint64_t cpu = process_cpu_nanos();
    MonoTime begin = mono_now();
    Pace pace(order);
    Round round;
    for (uint64_t now = 0; pace.next(round.count, now); ++round.count) {
      Status sent = publish(envelope_.stamped({order.round, round.count, now}));
      auto answer = sent.ok() ? hear() : Result<std::string_view>(sent.error());
      if (!answer.ok()) return answer.error();
      latency.record(static_cast<uint64_t>(mono_now().time_since_epoch().count()) - now);
    }
    round.elapsed = static_cast<uint64_t>((mono_now() - begin).count());
    round.cpu = process_cpu_nanos() - cpu;
    round.take_percentiles(latency);
    Status ended = publish(envelope_.stamped({order.round, kEndOfRound, round.count}));
    if (!ended.ok()) return ended.error();
    return round;
  }
};

class RawResponder final : public RawRole {
 public:
  static constexpr bool kHears = true;
  explicit RawResponder(const RoleOptions&) {}

  Result<Round> run(const RoundOrder& order) override {
    uint64_t cpu = process_cpu_nanos();
    Arrivals arrivals(order.round);
    for (;;) {
      auto text = hear();
      if (!text.ok()) return text.error();
      if (arrivals.take(payload_of(*text))) break;
      Status answered = publish(*text);
      if (!answered.ok()) return answered.error();
    }
    Round round = arrivals.result();
    round.cpu = process_cpu_nanos() - cpu;
    return round;
  }
};

template <typename Role>
Result<std::unique_ptr<WorkerRole>> started(const Settings& settings, const RoleOptions& options) {
  auto role = std::make_unique<Role>(options);
  Status status = role->start(settings, options, Role::kHears);
  if (!status.ok()) return status.error();
  return std::unique_ptr<WorkerRole>(std::move(role));
}

}  // namespace

Result<std::unique_ptr<WorkerRole>> make_raw_role(const Settings& settings, const RoleOptions& options) {
  if (options.role == "raw-sender") return started<RawSender>(settings, options);
  if (options.role == "raw-receiver") return started<RawReceiver>(settings, options);
  if (options.role == "raw-requester") return started<RawRequester>(settings, options);
  if (options.role == "raw-responder") return started<RawResponder>(settings, options);
  return Error{Errc::kInvalidArgument, "no such role: " + options.role};
}

}  // namespace mas::ctl
