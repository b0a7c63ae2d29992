// The roles of `bench gateway`: processes that play one or many agents, as an application with libmas would.
//
//   round …   sender: sends for the time of the order, waits for the receipts, answers a SentTally
//   begin N   receiver: counts messages of round N from now on, answers "ok"; it handles them between the lines
//   report    receiver: answers a ReceivedTally of the round
#include <sys/epoll.h>
#include <unistd.h>

#include "sdk/bench/gateway_flow.h"
#include "sdk/bench/gateway_tally.h"
#include "sdk/bench/worker_process.h"
#include "sdk/bench/worker_role.h"
#include "sdk/masctl/agent/agent_handle.h"

namespace mas::ctl {

namespace {

constexpr int kStartMs = 15'000;
constexpr int kFlushMs = 20'000;
constexpr const char* kType = "bench.message";
constexpr auto kPatience = std::chrono::seconds(10);  // a sender whose queue stays full gives up after this
constexpr uint64_t kGlance = 64;                      // messages between two looks at receipts and flow

uint64_t nanos_now() { return static_cast<uint64_t>(mono_now().time_since_epoch().count()); }

/// The agents of one process, and waiting for what they have to say.
class Agents {
 public:
  explicit Agents(const RoleOptions& options) : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~Agents() { close(epoll_); }
  Agents(const Agents&) = delete;
  Agents& operator=(const Agents&) = delete;

  /// Makes agent number i; start() connects and registers it.
  Result<mas_agent*> make(const Settings& settings, size_t i) {
    std::string id = options_.self + std::to_string(options_.first + i);
    AgentOptions options;
    Status status = options.connect_as(settings);
    if (status.ok()) status = configure(options, id);
    if (!status.ok()) return status.error();
    auto agent = AgentHandle::make(id, options);
    if (!agent.ok()) return agent.error();
    handles_.push_back(std::make_unique<AgentHandle>(std::move(*agent)));
    return handles_.back()->get();
  }

  Status start(size_t i) {
    Status status = as_status(mas_agent_start(at(i), kStartMs));
    if (status.ok()) watch(mas_agent_fd(at(i)), i);
    return status;
  }

  size_t size() const { return handles_.size(); }
  mas_agent* at(size_t i) const { return handles_[i]->get(); }

  /// Another descriptor to wake up for.
  void watch(int fd, size_t mark) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = mark;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  /// Waits up to `timeout_ms` for anybody and runs the callbacks of all that have some.
  /// @return whether a descriptor that is no agent's was readable.
  bool poll(int timeout_ms) {
    epoll_event events[64];
    int ready = epoll_wait(epoll_, events, 64, timeout_ms);
    bool other = false;
    for (int i = 0; i < ready; ++i) {
      size_t mark = events[i].data.u64;
      if (mark >= handles_.size()) {
        other = true;
      } else {
        (void)mas_agent_poll(at(mark), 0, nullptr);
      }
    }
    return other;
  }

 private:
  Status configure(AgentOptions& options, const std::string& id) {
    Status status = as_status(mas_options_set_mode(options.get(), MAS_MODE_GATEWAY));
    if (!status.ok()) return status;
    std::string file = options_.credentials + "/" + id + ".toml";
    return as_status(mas_options_set_credentials(options.get(), file.c_str()));
  }

  const RoleOptions& options_;
  int epoll_;
  std::vector<std::unique_ptr<AgentHandle>> handles_;
};

class GatewaySender final : public Worker {
 public:
  GatewaySender(const RoleOptions& options, std::unique_ptr<FlowPage> flow)
      : options_(options),
        flow_(std::move(flow)),
        payload_(stamped_payload(options.payload_bytes)),
        sent_(options.agents),
        agents_(options_) {
    for (size_t i = 0; i < options.peers; ++i) peers_.push_back(options.peer + std::to_string(i));
  }

  Status start(const Settings& settings) {
    for (size_t i = 0; i < options_.agents; ++i) {
      auto agent = agents_.make(settings, i);
      if (!agent.ok()) return agent.error();
      mas_agent_on_receipt(*agent, MAS_RECEIPTS_ALL, &GatewaySender::on_receipt, this);
      Status started = agents_.start(i);
      if (!started.ok()) return started;
    }
    return {};
  }

  Result<std::string> obey(const std::string& line) override {
    auto order = RoundOrder::from_line(line);
    if (!order.ok()) return order.error();
    Status ran = run(*order);
    if (!ran.ok()) return ran.error();
    return tally_.to_line();
  }

 private:
  static void on_receipt(mas_agent*, const char* message_id, const char*, mas_status outcome, void* user) {
    static_cast<GatewaySender*>(user)->settle(message_id, outcome);
  }

  void settle(const char* message_id, mas_status outcome) {
    if (outcome == MAS_OK) {
      ++tally_.accepted;
      tally_.ids += id_weight(message_id);
    } else if (auto decision = parse_decision(mas_receipt_decision())) {
      ++tally_.refused[*decision];
      flow_->settled(options_.slot, 1);
    }
  }

  Status run(const RoundOrder& order) {
    tally_ = {};
    std::fill(sent_.begin(), sent_.end(), 0);
    uint64_t cpu = process_cpu_nanos();
    Pace pace(order);
    uint64_t n = 0;
    for (uint64_t due = 0; pace.next(n, due); ++n) {
      Status status = send(n % agents_.size(), order.round, due);
      if (status.ok() && (order.rate > 0 || n % kGlance == 0)) status = glance(order.rate == 0);
      if (!status.ok()) return status;
    }
    flow_->sent(options_.slot, n % kGlance);
    Status ended = settle_all();
    tally_.sent = n;
    tally_.unknown = n - tally_.accepted - tally_.refusals();
    tally_.cpu = process_cpu_nanos() - cpu;
    return ended;
  }

  /// Sends the next message of agent `i` to the next of its receivers.
  Status send(size_t i, uint32_t round, uint64_t due) {
    uint64_t k = sent_[i]++;
    size_t index = options_.first + i;
    const std::string& peer = peers_[(index + k % options_.fan_out) % peers_.size()];
    write_stamp(payload_.data(), {round, stamp_number(index, k / options_.fan_out), due});
    MonoTime limit{};
    for (;;) {
      mas_status sent = mas_agent_send(agents_.at(i), peer.c_str(), kType, payload_.data(), payload_.size(), nullptr);
      if (sent != MAS_WOULD_BLOCK) return as_status(sent);
      if (limit == MonoTime{}) limit = mono_now() + kPatience;
      if (mono_now() > limit) return Error{Errc::kTimeout, "the queue of a sender stayed full for 10 s"};
      agents_.poll(1);
    }
  }

  /// Takes the receipts that are here, and waits while too much is under way.
  Status glance(bool bounded) {
    flow_->sent(options_.slot, bounded ? kGlance : 1);
    agents_.poll(0);
    if (!bounded) return {};
    MonoTime limit{};
    while (flow_->total_sent() > flow_->total_settled() + options_.in_flight) {
      if (limit == MonoTime{}) limit = mono_now() + kPatience;
      if (mono_now() > limit)
        return Error{Errc::kTimeout, "nothing arrived and nothing was refused for 10 s; is a gateway running?"};
      agents_.poll(1);
    }
    return {};
  }

  Status settle_all() {
    for (size_t i = 0; i < agents_.size(); ++i) {
      mas_status flushed = mas_agent_flush(agents_.at(i), kFlushMs);
      if (flushed != MAS_OK && flushed != MAS_TIMEOUT) return as_status(flushed);
      size_t handled = 1;
      while (handled > 0 && mas_agent_poll(agents_.at(i), 0, &handled) == MAS_OK) continue;
    }
    return {};
  }

  RoleOptions options_;
  std::unique_ptr<FlowPage> flow_;
  std::string payload_;
  std::vector<std::string> peers_;
  std::vector<uint64_t> sent_;  // by agent, in this round
  SentTally tally_;
  Agents agents_;  // last: its end runs callbacks
};

class GatewayReceiver final : public Worker {
 public:
  GatewayReceiver(const RoleOptions& options, std::unique_ptr<FlowPage> flow)
      : options_(options), flow_(std::move(flow)), players_(options.agents), agents_(options_) {
    for (auto& player : players_) player.owner = this;
    agents_.watch(kControlFd, kControlMark);
  }

  Status start(const Settings& settings) {
    for (size_t i = 0; i < options_.agents; ++i) {
      auto agent = agents_.make(settings, i);
      if (!agent.ok()) return agent.error();
      Status status = as_status(mas_agent_on_message(*agent, kType, &GatewayReceiver::on_message, &players_[i]));
      if (status.ok()) status = agents_.start(i);
      if (!status.ok()) return status;
    }
    return {};
  }

  Result<std::string> obey(const std::string& line) override {
    constexpr std::string_view kBegin = "begin ";
    if (line == "report") return report();
    if (!line.starts_with(kBegin)) return Error{Errc::kInternal, "not a command of a benchmark"};
    round_ = static_cast<uint32_t>(std::strtoul(line.c_str() + kBegin.size(), nullptr, 10));
    tally_ = {};
    for (auto& player : players_) player.check = {};
    shared_ = 0;
    cpu_ = process_cpu_nanos();
    return std::string("ok");
  }

  void wait(int) override {
    while (!agents_.poll(-1)) share();
    share();
  }

 private:
  static constexpr size_t kControlMark = SIZE_MAX;

  struct Player {
    GatewayReceiver* owner = nullptr;
    PairCheck check;
  };

  static mas_status on_message(mas_agent*, const mas_message* message, void* user) {
    auto* player = static_cast<Player*>(user);
    player->owner->take(*player, message);
    return MAS_OK;
  }

  void take(Player& player, const mas_message* message) {
    size_t size = 0;
    const char* data = mas_message_data(message, &size);
    bool ok = false;
    Stamp stamp = read_stamp({data, size}, ok);
    if (!ok || stamp.round != round_) return;
    uint64_t now = nanos_now();
    if (tally_.first == 0) tally_.first = now;
    tally_.last = now;
    ++tally_.arrivals;
    tally_.latency.record(now - std::min(now, stamp.time));
    if (player.check.arrived(stamp.number)) tally_.ids += id_weight(mas_message_id(message));
  }

  /// Tells the senders how far it is.
  void share() {
    if (tally_.arrivals > shared_) flow_->settled(options_.slot, tally_.arrivals - shared_);
    shared_ = tally_.arrivals;
  }

  std::string report() {
    tally_.cpu = process_cpu_nanos() - cpu_;
    for (const auto& player : players_) {
      tally_.doubled += player.check.doubled();
      tally_.reordered += player.check.reordered();
    }
    return tally_.to_line();
  }

  RoleOptions options_;
  std::unique_ptr<FlowPage> flow_;
  std::vector<Player> players_;
  uint32_t round_ = 0;
  uint64_t cpu_ = 0, shared_ = 0;
  ReceivedTally tally_;
  Agents agents_;
};

template <typename Role>
Result<std::unique_ptr<Worker>> started(const Settings& settings, const RoleOptions& options) {
  auto flow = FlowPage::open(kAckFd);
  if (!flow.ok()) return flow.error();
  auto role = std::make_unique<Role>(options, std::move(*flow));
  Status status = role->start(settings);
  if (!status.ok()) return status.error();
  return std::unique_ptr<Worker>(std::move(role));
}

}  // namespace

Result<std::unique_ptr<Worker>> make_gateway_role(const Settings& settings, const RoleOptions& options) {
  if (options.role == "gateway-sender") return started<GatewaySender>(settings, options);
  if (options.role == "gateway-receiver") return started<GatewayReceiver>(settings, options);
  return Error{Errc::kInvalidArgument, "no such role: " + options.role};
}

}  // namespace mas::ctl
