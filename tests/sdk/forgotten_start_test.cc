// An agent that starts in the moment in which its streams are forgotten keeps them, and is told of no loss: the script
// of `masctl agents forget` runs all the time while an agent starts, again and again.
#include <atomic>
#include <string>
#include <thread>

#include "cluster_gateway_case.h"
#include "proto/wire/forget_agent.h"
#include "proto/wire/lane.h"
#include "raw_redis.h"

using namespace mas::test;

static constexpr int kStarts = 15;
static const std::string kAgent = "bob";

static std::string socket_of_server() { return std::string(redis_url()).substr(std::strlen("unix://")); }

/// Runs `forget` in a thread as long as it lives. @param forget returns whether it removed streams.
class Forgetting {
 public:
  explicit Forgetting(std::function<bool()> forget)
      : thread_([this, forget = std::move(forget)] {
          while (!over_) removals_ += forget() ? 1 : 0;
        }) {}
  ~Forgetting() {
    over_ = true;
    thread_.join();
    std::fprintf(stderr, "    %d removals\n", removals_.load());
  }
  Forgetting(const Forgetting &) = delete;
  Forgetting &operator=(const Forgetting &) = delete;

 private:
  std::atomic<bool> over_ = false;
  std::atomic<int> removals_ = 0;
  std::thread thread_;
};

/// @param options the agent's; freed. @param streams_there whether the agent has what others know it by.
/// @param clear removes it, once the agent has stopped.
static void start_again_and_again(const std::function<mas_options *()> &options,
                                  const std::function<bool()> &streams_there, const std::function<void()> &clear) {
  for (int n = 0; n < kStarts; ++n) {
    mas_agent *agent = nullptr;
    mas_options *own = options();
    CHECK_OK(mas_options_set_mode(own, MAS_MODE_GATEWAY));
    CHECK_OK(mas_agent_new(kAgent.c_str(), own, &agent));
    mas_options_free(own);
    CHECK_OK(mas_agent_start(agent, kPatienceMs));
    CHECK_OK(mas_agent_poll(agent, 100, nullptr));
    CHECK(streams_there());
    const mas_stats stats = stats_of(agent);
    CHECK(stats.losses == 0 && stats.restarts == 0 && stats.reconnects == 0);
    CHECK_OK(mas_agent_stop(agent, kPatienceMs));
    mas_agent_free(agent);
    clear();
  }
}

static void on_one_server() {
  const mas::Keys keys;
  RawRedis server(socket_of_server()), forgetful(socket_of_server());
  const auto words = mas::forget_agent_words(keys, kAgent, {});
  const Forgetting forgetting([&] { return forgetful.command(words).starts_with("forgotten"); });
  const auto there = [&] {
    for (mas::Lane lane : mas::kLanes)
      if (server.command({"EXISTS", keys.inbox(kAgent, lane, 0)}) != "1") return false;
    return true;
  };
  const auto clear = [&] {
    for (mas::Lane lane : mas::kLanes) server.command({"DEL", keys.inbox(kAgent, lane, 0)});
  };
  start_again_and_again(options_here, there, clear);
}

static void on_a_cluster() {
  const mas::Keys keys("", mas::KeyLayout::kCluster);
  const auto at = [](unsigned slot) { return cluster().server(cluster().primary_of(slot)).socket(); };
  RawRedis agents(at(slot_of_agent(kAgent))), streams(at(hash_slot("{0}"))), server(at(hash_slot("{0}")));
  const auto look = mas::agent_presence_words(keys, kAgent), remove = mas::forget_lanes_words(keys, kAgent, 0, {});
  const std::string normal = keys.inbox(kAgent, mas::Lane::kNormal, 0);
  const Forgetting forgetting([&] {
    const bool gone = agents.command(look).starts_with("none");
    std::this_thread::sleep_for(milliseconds(3));  // the removal comes some time after the look
    return gone && streams.command(remove).starts_with("forgotten");
  });
  const auto options = [] {
    mas_options *made = mas_options_new();
    CHECK_OK(mas_options_set_redis_url(made, cluster().url().c_str()));
    return made;
  };
  start_again_and_again(
      options,
      [&] {
        return server.command({"EXISTS", normal}) == "1";
      },
      [&] {
        server.command({"DEL", normal});
      });
}

int main(int argc, char **argv) {
  const test_case tests[] = {
      {"on one server", on_one_server},
      {"on a cluster", on_a_cluster},
  };
  return RUN_TESTS(argc, argv, tests);
}
