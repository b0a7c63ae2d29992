// A relay: forwards messages for agents of another region there. Each region has a Redis and gateways of its own; see
// docs/REGIONS.md, and README.md beside this file.
//
//     alice ─▶ near gateway ─▶ stand-in "bob", sender "relay.east" ─▶ far gateway ─▶ bob
//                                   ◀─ settle ─┘  ◀─── receipt ───────────┘
//
// Happy path: for each forwarded agent a stand-in, an agent of the near region under that agent's id, takes its
// messages and defers them. One agent of the far region sends them on, under their message ids. A message is settled,
// and only then acknowledged, by the receipt of the far gateway. A request is asked in the far region, and its answer
// given back.
//
// Failure modes:
// - The far region cannot be reached: messages stay deferred. When a stand-in's window is full, it reads no more; the
//   rest waits in the near Redis, up to the near gateway's delivery.max_backlog.
// - The far gateway refuses a message: it has failed. The near gateway delivers it again, and makes it a dead letter in
//   the end. A stand-in rests after a refusal that passes by itself. A refused request gets an error reply.
// - A sender restarts and sends again what is under way here: the second copy is not sent on. The receipt of the first
//   one settles or fails both.
// - The far region loses messages that its gateway had accepted: they are named (doubt ID). They were acknowledged in
//   the near region, so only their senders can send them again.
// - This program dies: what it had not settled is delivered to the next one, which sends it again. Receivers with a
//   dedupe window see it once.
// Threading: one thread polls all agents.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mas.hpp>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using mas::results::Agent;
using mas::results::Message;
using mas::results::Settling;

// A stand-in reads no more while so much is deferred, but for one stream entry of each lane.
constexpr size_t kWindowMessages = 1024;
constexpr size_t kWindowBytes = size_t{4} << 20;
constexpr size_t kLanes = 5;
constexpr size_t kEntryMessages = 1024;
constexpr size_t kEntryBytes = size_t{1} << 20;

constexpr auto kStartTimeout = 5s;
constexpr int kStartAgainMs = 1000;
constexpr auto kFlushTimeout = 5s;
constexpr int kLongestWaitMs = 500;  // until TERM is looked at
constexpr auto kRest = 1s;           // of a stand-in, where the far gateway does not say how long

volatile std::sig_atomic_t stopping = 0;

struct Region {
  std::string url, name_space;
  std::string credentials;  ///< near: a folder with a file ID.toml for each stand-in; far: a file
};

struct Route {
  std::string near, far;  ///< ids of the same agent
};

struct Setup {
  std::string id;  ///< of the sender in the far region
  Region near, far;
  std::chrono::milliseconds request_timeout = 60s;
  std::vector<Route> routes;
};

mas::results::Options options_of(const Region &region) {
  mas::results::Options options;
  options.mode(MAS_MODE_GATEWAY).redis_url(region.url);
  if (!region.name_space.empty()) options.name_space(region.name_space);
  return options;
}

struct StandIn {
  Route route;
  Agent agent;
  Clock::time_point rests_until{};

  bool rests() const { return Clock::now() < rests_until; }
};

Agent made(mas::Result<Agent> agent) {
  if (agent) return *std::move(agent);
  std::fprintf(stderr, "relay: %s\n", agent.error().what());
  std::exit(78);
}

/// A message that has been sent on once and has no receipt yet.
struct UnderWay {
  StandIn *from;
  std::vector<Settling> copies;  ///< all that arrived of it; at least one
};

class Relay {
 public:
  explicit Relay(const Setup &setup) : setup_(setup), far_(made(Agent::create(setup.id, far_options(setup)))) {
    far_.on_receipt(MAS_RECEIPTS_ALL, [this](std::string_view id, std::string_view, mas_status outcome) {
      on_receipt(std::string(id), outcome);
    });
    far_.on_doubt(print_doubt);
    for (const Route &route : setup.routes) add(route);
  }

  /// @return the exit code.
  int run() {
    // Stand-ins first: where the far region cannot be reached, they are there, and take what fits into their windows.
    for (const auto &each : stand_ins_)
      if (!start(each->agent)) return stopping ? 0 : 1;
    if (!start(far_)) return stopping ? stop() : 1;
    std::puts("ready");
    while (!stopping) turn();
    return stop();
  }

 private:
  static mas::results::Options far_options(const Setup &setup) {
    auto options = options_of(setup.far);
    if (!setup.far.credentials.empty()) options.credentials(setup.far.credentials);
    // Room for everything that stand-ins may have deferred, and for what sending on adds to it.
    const size_t count = setup.routes.size();
    options.outbound_queue(count * (kWindowMessages + kLanes * kEntryMessages),
                           2 * count * (kWindowBytes + kLanes * kEntryBytes));
    return options;
  }

  void add(const Route &route) {
    auto options = options_of(setup_.near);
    options.inbound_queue(kWindowMessages, kWindowBytes).metadata(R"({"relay":true})");
    if (!setup_.near.credentials.empty()) options.credentials(setup_.near.credentials + "/" + route.near + ".toml");
    stand_ins_.push_back(std::make_unique<StandIn>(StandIn{route, made(Agent::create(route.near, options))}));
    StandIn *from = stand_ins_.back().get();
    auto handled =
        from->agent.on_other_message([this, from](const Message &message) { return forward(*from, message); });
    if (!handled) std::exit(70);
  }

  /// Tries until its Redis is there. @return false: asked to stop, or it never will start.
  static bool start(Agent &agent) {
    while (!stopping) {
      auto started = agent.start(kStartTimeout);
      if (started) return true;
      std::fprintf(stderr, "relay: %s: %s\n", std::string(agent.id()).c_str(), started.error().what());
      if (!mas_status_retriable(started.status())) return false;
      ::poll(nullptr, 0, kStartAgainMs);
    }
    return false;
  }

  /// Waits for something to do, and does it.
  void turn() {
    std::vector<pollfd> ready{{far_.fd(), POLLIN, 0}};
    for (const auto &each : stand_ins_)
      if (!each->rests()) ready.push_back({each->agent.fd(), POLLIN, 0});
    ::poll(ready.data(), ready.size(), kLongestWaitMs);
    static_cast<void>(far_.poll(0ms));
    for (const auto &each : stand_ins_)
      if (!each->rests()) static_cast<void>(each->agent.poll(0ms));
  }

  // ---- One message

  /// The handler of every message: what is sent in it carries hops and chain, by which gateways stop loops.
  mas::Result<void> forward(StandIn &from, const Message &message) {
    auto settling = message.defer();
    if (!settling) return settling.error();
    if (message.expects_reply()) return ask(from, message, *std::move(settling));
    const std::string id(message.id());
    if (const auto found = under_way_.find(id); found != under_way_.end())
      return add_copy(found->second, from, *std::move(settling));
    auto sent = far_.send_again(id, from.route.far, std::string(message.type()), message.data());
    if (!sent) return settling->fail(std::string("relay: ") + sent.error().what());
    UnderWay &first = under_way_.emplace(id, UnderWay{&from, {}}).first->second;
    first.copies.push_back(*std::move(settling));
    return {};
  }

  /// Far receivers know a message by the relay and its id, so another message with this id has to wait.
  static mas::Result<void> add_copy(UnderWay &first, const StandIn &from, Settling copy) {
    const bool same = first.from == &from && first.copies[0].message().sender() == copy.message().sender();
    if (!same) return copy.fail("another message with this id is under way");
    first.copies.push_back(std::move(copy));
    return {};
  }

  void on_receipt(const std::string &id, mas_status outcome) {
    const auto found = under_way_.find(id);
    if (found == under_way_.end()) return;
    if (outcome == MAS_TIMEOUT || outcome == MAS_CANCELLED) return;  // at a stop: it stays deferred
    if (outcome != MAS_OK) {
      if (mas_status_retriable(outcome)) rest(*found->second.from);
      std::fprintf(stderr, "refused %s %s\n", id.c_str(), mas_receipt_decision());
    }
    for (Settling &copy : found->second.copies)
      static_cast<void>(outcome == MAS_OK ? copy.settle() : copy.fail(reason(outcome)));
    under_way_.erase(found);
  }

  static void print_doubt(const mas::Doubt &doubt) {
    for (const std::string &id : doubt.message_ids) std::fprintf(stderr, "doubt %s\n", id.c_str());
    if (doubt.forgotten == 0) return;
    std::fprintf(stderr, "relay: at most %llu more messages are in doubt, whose ids are forgotten\n",
                 static_cast<unsigned long long>(doubt.forgotten));
  }

  static void rest(StandIn &from) {
    const std::chrono::milliseconds asked(mas_receipt_retry_after());
    from.rests_until = Clock::now() + std::max<Clock::duration>(asked, kRest);
  }

  static std::string reason(mas_status status) {
    const std::string decision = mas_receipt_decision();
    if (decision.empty()) return std::string("far region: ") + mas_status_text(status);
    return "far region: " + decision + ": " + mas_receipt_detail();
  }

  // ---- One request

  mas::Result<void> ask(StandIn &from, const Message &request, Settling settling) {
    auto kept = std::make_shared<Settling>(std::move(settling));
    auto asked = far_.request_async(from.route.far, std::string(request.type()), request.data(), setup_.request_timeout,
                                    [kept](mas_status status, const Message *reply) { answer(*kept, status, reply); });
    if (!asked) return kept->fail(std::string("relay: ") + asked.error().what());
    return {};
  }

  /// @param reply null unless the status is MAS_OK.
  static void answer(Settling &settling, mas_status status, const Message *reply) {
    if (status == MAS_CANCELLED) return;  // at a stop: it stays deferred
    const Message request = settling.message();
    const auto answered = reply != nullptr ? request.reply(std::string(reply->type()), reply->data())
                                           : request.reply_error(error_of(status), error_text(status));
    if (!answered) return static_cast<void>(settling.fail(std::string("relay: ") + answered.error().what()));
    static_cast<void>(settling.settle());
  }

  static mas_status error_of(mas_status status) {
    const bool of_target = status == MAS_NO_HANDLER || status == MAS_INVALID_PAYLOAD || status == MAS_HANDLER_FAILED;
    return of_target ? status : MAS_UNAVAILABLE;
  }

  static std::string error_text(mas_status status) {
    const std::string text = mas_error_reply_text();
    return text.empty() ? std::string("far region: ") + mas::Error(status).what() : text;
  }

  /// Stand-ins end before the sender does, so that what has no receipt yet stays deferred: the next start gets it.
  int stop() {
    static_cast<void>(far_.flush(kFlushTimeout));
    static_cast<void>(far_.poll(0ms));  // the receipts
    for (const auto &each : stand_ins_) static_cast<void>(each->agent.stop());
    return far_.stop() ? 0 : 1;
  }

  const Setup setup_;
  std::unordered_map<std::string, UnderWay> under_way_;  // by message id; outlives the agents
  Agent far_;
  std::vector<std::unique_ptr<StandIn>> stand_ins_;
};

constexpr const char *kUsage =
    "usage: example_relay --id ID --near URL --far URL [OPTION]... AGENT[=FAR_AGENT]...\n"
    "  --id ID                   agent id of the relay in the far region\n"
    "  --near URL, --far URL     Redis of the two regions\n"
    "  --near-namespace NS, --far-namespace NS\n"
    "  --near-credentials DIR    DIR/AGENT.toml is the credentials file of a stand-in\n"
    "  --far-credentials FILE\n"
    "  --request-timeout MS      60000 by default\n";

/// @return whether the command line is complete.
bool read(int argc, char **argv, Setup &setup) {
  const std::unordered_map<std::string, std::string *> texts{{"--id", &setup.id},
                                                             {"--near", &setup.near.url},
                                                             {"--far", &setup.far.url},
                                                             {"--near-namespace", &setup.near.name_space},
                                                             {"--far-namespace", &setup.far.name_space},
                                                             {"--near-credentials", &setup.near.credentials},
                                                             {"--far-credentials", &setup.far.credentials}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (const auto text = texts.find(word); text != texts.end() && i + 1 < argc) {
      *text->second = argv[++i];
    } else if (word == "--request-timeout" && i + 1 < argc) {
      setup.request_timeout = std::chrono::milliseconds(std::atol(argv[++i]));
    } else if (word.substr(0, 1) == "-") {
      return false;
    } else {
      const size_t equals = word.find('=');
      setup.routes.push_back({word.substr(0, equals), word.substr(equals == std::string::npos ? 0 : equals + 1)});
    }
  }
  return !setup.id.empty() && !setup.near.url.empty() && !setup.far.url.empty() && !setup.routes.empty();
}

}  // namespace

int main(int argc, char **argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  Setup setup;
  if (!read(argc, argv, setup)) {
    std::fputs(kUsage, stderr);
    return 64;
  }
  std::signal(SIGTERM, [](int) { stopping = 1; });
  std::signal(SIGINT, [](int) { stopping = 1; });
  return Relay(setup).run();
}
