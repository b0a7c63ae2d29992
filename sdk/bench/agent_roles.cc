// The roles by libmas, written as an application would write them.
#include "proto/wire/limits.h"
#include "sdk/bench/worker_process.h"
#include "sdk/bench/worker_role.h"
#include "sdk/masctl/agent/agent_handle.h"

namespace mas::ctl {

namespace {

constexpr int kStartMs = 5000;
constexpr int kFlushMs = 10'000;
constexpr int kRequestMs = 5000;
constexpr auto kSilence = std::chrono::seconds(10);  // a passive role gives up after this
constexpr const char* kType = "bench.message";

Result<AgentHandle> start_agent(const Settings& settings, const std::string& id, mas_message_fn handler, void* user) {
  AgentOptions options;
  Status status = options.connect_as(settings);
  if (status.ok()) status = as_status(mas_options_set_max_message(options.get(), limits::kMaxEnvelopeBytes));
  if (!status.ok()) return status.error();
  auto agent = AgentHandle::make(id, options);
  if (!agent.ok()) return agent;
  if (handler != nullptr) status = as_status(mas_agent_on_message(agent->get(), kType, handler, user));
  if (status.ok()) status = as_status(mas_agent_start(agent->get(), kStartMs));
  if (!status.ok()) return status.error();
  return agent;
}

class Active : public WorkerRole {
 public:
  Active(const RoleOptions& options) : peer_(options.peer), payload_(stamped_payload(options.payload_bytes)) {}

  Status start(const Settings& settings, const std::string& id) {
    auto agent = start_agent(settings, id, nullptr, nullptr);
    if (!agent.ok()) return agent.error();
    agent_ = std::make_unique<AgentHandle>(std::move(*agent));
    return {};
  }

 protected:
  Status send(const Stamp& stamp) {
    write_stamp(payload_.data(), stamp);
    return as_status(mas_agent_send(agent_->get(), peer_.c_str(), kType, payload_.data(), payload_.size(), nullptr));
  }

  Status end_round(uint32_t round, uint64_t count) {
    Status sent = send({round, kEndOfRound, count});
    if (!sent.ok()) return sent;
    return as_status(mas_agent_flush(agent_->get(), kFlushMs));
  }

  std::string peer_;
  std::string payload_;
  std::unique_ptr<AgentHandle> agent_;
};

class Sender final : public Active {
 public:
  explicit Sender(const RoleOptions& options)
      : Active(options), window_(kAckFd, window_messages(options.payload_bytes)) {}

  Result<Round> run(const RoundOrder& order) override {
    uint64_t cpu = process_cpu_nanos();
    Pace pace(order);
    uint64_t n = 0;
    for (uint64_t now = 0; pace.next(n, now); ++n) {
      Status sent = window_.acquire();
      if (sent.ok()) sent = send({order.round, n, now});
      if (!sent.ok()) return sent.error();
    }
    Status ended = window_.acquire();
    if (ended.ok()) ended = end_round(order.round, n);
    if (!ended.ok()) return ended.error();
    Round round;
    round.count = n;
    round.cpu = process_cpu_nanos() - cpu;
    return round;
  }

 private:
  SendWindow window_;
};

class Requester final : public Active {
 public:
  using Active::Active;

  Result<Round> run(const RoundOrder& order) override {
    Histogram latency;
    uint64_t cpu = process_cpu_nanos();
    MonoTime begin = mono_now();
    Pace pace(order);
    Round round;
    for (uint64_t now = 0; pace.next(round.count, now); ++round.count) {
      write_stamp(payload_.data(), {order.round, round.count, now});
      mas_message* reply = nullptr;
      Status status = as_status(
          mas_agent_request(agent_->get(), peer_.c_str(), kType, payload_.data(), payload_.size(), kRequestMs, &reply));
      if (!status.ok()) return status.error();
      latency.record(static_cast<uint64_t>(mono_now().time_since_epoch().count()) - now);
      mas_message_unref(reply);
    }
    round.elapsed = static_cast<uint64_t>((mono_now() - begin).count());
    round.cpu = process_cpu_nanos() - cpu;
    round.take_percentiles(latency);
    Status ended = end_round(order.round, round.count);
    if (!ended.ok()) return ended.error();
    return round;
  }
};

class Passive : public WorkerRole {
 public:
  Status start(const Settings& settings, const std::string& id) {
    auto agent = start_agent(settings, id, &Passive::on_message, this);
    if (!agent.ok()) return agent.error();
    agent_ = std::make_unique<AgentHandle>(std::move(*agent));
    return {};
  }

  Result<Round> run(const RoundOrder& order) override {
    arrivals_ = std::make_unique<Arrivals>(order.round);
    done_ = false;
    uint64_t cpu = process_cpu_nanos();
    MonoTime heard = mono_now();
    while (!done_) {
      size_t handled = 0;
      Status polled = as_status(mas_agent_poll(agent_->get(), 1000, &handled));
      if (!polled.ok()) return polled.error();
      if (handled > 0) heard = mono_now();
      if (mono_now() - heard > kSilence) return Error{Errc::kTimeout, "the end of the round did not arrive"};
    }
    Round round = arrivals_->result();
    round.cpu = process_cpu_nanos() - cpu;
    return round;
  }

  std::string sample() const override { return sample_; }

 protected:
  virtual mas_status on_payload(const mas_message* message) = 0;

 private:
  static mas_status on_message(mas_agent*, const mas_message* message, void* user) {
    return static_cast<Passive*>(user)->handle(message);
  }

  mas_status handle(const mas_message* message) {
    size_t size = 0;
    const char* data = mas_message_data(message, &size);
    if (arrivals_ && arrivals_->take({data, size})) done_ = true;
    if (sample_.empty()) sample_ = mas_message_envelope(message, nullptr);
    return on_payload(message);
  }

  std::unique_ptr<Arrivals> arrivals_;
  bool done_ = false;
  std::string sample_;
  std::unique_ptr<AgentHandle> agent_;
};

class Receiver final : public Passive {
 public:
  explicit Receiver(const RoleOptions& options) : acks_(kAckFd, window_messages(options.payload_bytes)) {}

 private:
  mas_status on_payload(const mas_message*) override {
    acks_.arrived();
    return MAS_OK;
  }

  AckWriter acks_;
};

class Responder final : public Passive {
 public:
  explicit Responder(const RoleOptions&) {}

 private:
  mas_status on_payload(const mas_message* message) override {
    if (!mas_message_expects_reply(message)) return MAS_OK;
    size_t size = 0;
    const char* data = mas_message_data(message, &size);
    return mas_message_reply(message, kType, data, size);
  }
};

template <typename Role>
Result<std::unique_ptr<WorkerRole>> started(const Settings& settings, const RoleOptions& options) {
  auto role = std::make_unique<Role>(options);
  Status status = role->start(settings, options.self);
  if (!status.ok()) return status.error();
  return std::unique_ptr<WorkerRole>(std::move(role));
}

}  // namespace

Result<std::unique_ptr<WorkerRole>> make_agent_role(const Settings& settings, const RoleOptions& options) {
  if (options.role == "agent-sender") return started<Sender>(settings, options);
  if (options.role == "agent-receiver") return started<Receiver>(settings, options);
  if (options.role == "agent-requester") return started<Requester>(settings, options);
  if (options.role == "agent-responder") return started<Responder>(settings, options);
  return Error{Errc::kInvalidArgument, "no such role: " + options.role};
}

}  // namespace mas::ctl
