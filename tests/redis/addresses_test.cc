// Names with several addresses, and a resolver that hangs. getaddrinfo(3) and freeaddrinfo(3) are this program's own
// for the names of .test, and the C library's for all others.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <latch>
#include <map>
#include <mutex>
#include <utility>

#include "proto/redis/connection.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

std::mutex names_mutex;
std::latch answers(1);                                  // slow.test is not answered before
std::map<std::string, std::vector<std::string>> names;  // .test names: their addresses, all of them of IPv4

/// An entry with its address, in one block of memory.
struct Entry {
  addrinfo info{};
  sockaddr_in address{};
};

addrinfo* entries_of(const std::vector<std::string>& addresses, const char* service) {
  addrinfo* first = nullptr;
  for (size_t i = addresses.size(); i-- > 0;) {
    auto* entry = new Entry;
    entry->address.sin_family = AF_INET;
    entry->address.sin_port = htons(static_cast<uint16_t>(std::atoi(service)));
    inet_pton(AF_INET, addresses[i].c_str(), &entry->address.sin_addr);
    entry->info.ai_family = AF_INET;
    entry->info.ai_socktype = SOCK_STREAM;
    entry->info.ai_addrlen = sizeof entry->address;
    entry->info.ai_addr = reinterpret_cast<sockaddr*>(&entry->address);
    entry->info.ai_canonname = const_cast<char*>("test");  // marks it as ours
    entry->info.ai_next = first;
    first = &entry->info;
  }
  return first;
}

/// An address and port whose connections are neither taken nor refused: its queue is full.
class Swallower {
 public:
  explicit Swallower(const char* address) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    at_.sin_family = AF_INET;
    inet_pton(AF_INET, address, &at_.sin_addr);
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&at_), sizeof at_) == 0);
    REQUIRE(listen(listener_, 0) == 0);
    socklen_t size = sizeof at_;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at_), &size);
    for (int& fd : waiting_) {
      fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      (void)connect(fd, reinterpret_cast<sockaddr*>(&at_), sizeof at_);
    }
  }
  ~Swallower() {
    for (int fd : waiting_) close(fd);
    close(listener_);
  }
  int port() const { return ntohs(at_.sin_port); }

 private:
  sockaddr_in at_{};
  int listener_;
  std::array<int, 4> waiting_{};
};

std::string url_of(const std::string& name, int port) { return "redis://" + name + ":" + std::to_string(port); }

void set_addresses(const std::string& name, std::vector<std::string> addresses) {
  std::lock_guard lock(names_mutex);
  names[name] = std::move(addresses);
}

}  // namespace

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** ret) {
  static auto* real =
      reinterpret_cast<int (*)(const char*, const char*, const addrinfo*, addrinfo**)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const bool literal = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (literal || name == nullptr || !std::string_view(name).ends_with(".test")) return real(name, service, hints, ret);
  if (std::string_view(name) == "slow.test") {
    answers.wait();
    return EAI_AGAIN;
  }
  std::lock_guard lock(names_mutex);
  *ret = entries_of(names[name], service);
  return *ret == nullptr ? EAI_NONAME : 0;
}

extern "C" void freeaddrinfo(addrinfo* list) noexcept {
  static auto* real = reinterpret_cast<void (*)(addrinfo*)>(dlsym(RTLD_NEXT, "freeaddrinfo"));
  if (list == nullptr || list->ai_canonname == nullptr || std::string_view(list->ai_canonname) != "test")
    return real(list);
  while (list != nullptr) delete reinterpret_cast<Entry*>(std::exchange(list, list->ai_next));
}

TEST_CASE("a name whose first address swallows connections is reached by the next one") {
  Swallower swallower("127.0.0.2");
  RedisServer redis({"--port", std::to_string(swallower.port()), "--bind", "127.0.0.1"});
  LoopFixture loop;
  for (const std::vector<std::string>& addresses :
       {std::vector<std::string>{"127.0.0.2", "127.0.0.1"}, {"127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.1"}}) {
    set_addresses("two.test", addresses);
    RecordingListener listener;
    Connection connection(loop.loop(), quick_options(url_of("two.test", swallower.port())), &listener);
    connection.start();
    const auto began = std::chrono::steady_clock::now();
    REQUIRE(loop.run_until([&] { return listener.ready == 1; }));
    CHECK(listener.downs.empty());
    CHECK(std::chrono::steady_clock::now() - began > 200ms);  // the first was given its time
    Receiver receiver;
    REQUIRE(connection.send(Command("SET", "k", "v").add("GET", "k"), receiver.to()).ok());
    REQUIRE(loop.run_until([&] { return receiver.answers.size() == 2; }));
    CHECK(receiver.answers[1] == "v");
    connection.stop();
  }
}

TEST_CASE("an address that answers late is still taken when the others refuse") {
  int port = unused_port();
  set_addresses("late.test", {"127.0.0.2", "127.0.0.3"});
  LoopFixture loop;
  RecordingListener listener;
  Connection connection(loop.loop(), quick_options(url_of("late.test", port)), &listener);
  connection.start();
  REQUIRE(loop.run_until([&] { return !listener.downs.empty(); }));  // all refuse: told once for all
  CHECK(listener.downs[0].message.find("cannot connect") != std::string::npos);
  RedisServer redis({"--port", std::to_string(port), "--bind", "127.0.0.3"});
  REQUIRE(loop.run_until([&] { return listener.ready == 1; }));
  connection.stop();
}

TEST_CASE("all addresses swallow connections: the attempt ends with its time, and nothing is left") {
  Swallower swallower("127.0.0.2");
  set_addresses("none.test", {"127.0.0.2", "127.0.0.2", "127.0.0.2"});
  LoopFixture loop;
  RecordingListener listener;
  auto options = quick_options(url_of("none.test", swallower.port()));
  options.connect_timeout = 900ms;
  Connection connection(loop.loop(), options, &listener);
  connection.start();
  REQUIRE(loop.run_until([&] { return listener.downs.size() == 2; }));
  CHECK(listener.downs[0].message.find("redis://none.test") != std::string::npos);
  connection.stop();
}

TEST_CASE("a resolver that hangs holds nobody up: neither a stop nor the end of the loop") {
  const auto began = std::chrono::steady_clock::now();
  {
    LoopFixture loop;
    RecordingListener listener;
    auto options = quick_options(url_of("slow.test", 6379));
    options.connect_timeout = 300ms;
    Connection connection(loop.loop(), options, &listener);
    connection.start();
    REQUIRE(loop.run_until([&] { return !listener.downs.empty(); }));
    connection.stop();
  }
  CHECK(std::chrono::steady_clock::now() - began < 2s);
  answers.count_down();
}
