// The audit's keeper against a real Redis: heads that verify and follow each other, files before trims, nothing
// trimmed that is not on disk.
#include "daemons/gatewayd/keeper/audit_keeper.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemons/gatewayd/audit/retired_blocks.h"
#include "tests/lib/bare_frame.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/unit/catch.h"
#include "tests/unit/gatewayd/audit_chain.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::audit::testing;
using namespace mas::test;
namespace fs = std::filesystem;

namespace {

std::atomic<bool> no_threads = false;

}  // namespace

/// Threads as the test lets the program have them.
extern "C" __attribute__((visibility("default"))) int pthread_create(pthread_t* thread,
                                                                     const pthread_attr_t* attributes,
                                                                     void* (*run)(void*), void* argument) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return no_threads ? EAGAIN : real(thread, attributes, run, argument);
}

namespace {

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A keeper with a Redis, a folder and a key of its own.
class Bench {
 public:
  explicit Bench(bool with_key = true) : folder_(fs::path(server.directory()) / "audit") {
    fs::create_directories(folder_ / "retired");
    settings.head_interval = 100ms;
    settings.heads_file = (folder_ / "heads.jsonl").string();
    settings.retired_dir = (folder_ / "retired").string();
    if (!with_key) return;
    settings.signing_key = (folder_ / "key.pem").string();
    std::ofstream(settings.signing_key) << key.pem();
    fs::permissions(settings.signing_key, fs::perms::owner_read);
    keys.push_back(std::move(*VerifyKey::from_text(key.public_text())));
    REQUIRE(loop.run_until([&] { return frame.redis_up(); }));
  }

  /// Adds a chain's blocks to partition 3, as if they were recorded at `millis`, `millis` + 1, ….
  void add(const std::vector<Link>& chain, int64_t millis) {
    for (const Link& link : chain)
      ask(redis::Command("XADD", frame.keys().audit(3), std::to_string(millis++) + "-1", "b", link.bytes));
  }

  std::string ask(const redis::Command& command) {
    Receiver receiver;
    REQUIRE(frame.redis().send(command, receiver.to()).ok());
    REQUIRE(loop.run_until([&] { return !receiver.answers.empty(); }));
    return receiver.answers[0];
  }

  /// Ticks until `condition` holds.
  bool keep_until(AuditKeeper& keeper, const std::function<bool()>& condition) {
    return loop.run_until([&] {
      keeper.tick(mono_now());
      return condition();
    });
  }

  std::vector<std::string> head_lines() const {
    std::vector<std::string> lines;
    std::ifstream file(settings.heads_file);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_ / "retired")) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }

  /// Numbers of the retired blocks, file after file.
  std::vector<uint64_t> retired() const {
    std::vector<uint64_t> numbers;
    for (const auto& path : files()) {
      std::string content = read_file(path);
      audit::RetiredBlockReader reader(content);
      audit::RetiredBlockFrame frame_read;
      while (reader.next(frame_read)) numbers.push_back(audit::block_head(frame_read.block)->number);
      CHECK(reader.status().ok());
    }
    return numbers;
  }

  RedisServer server;
  LoopFixture loop;
  BareFrame frame{loop.loop(), server.url(), std::string(32, 'a')};
  SigningKey key = SigningKey::generate();
  std::vector<VerifyKey> keys;
  audit::ChainMemory chains;
  AuditSettings settings;

 private:
  fs::path folder_;
};

std::vector<uint64_t> numbers_to(uint64_t last) {
  std::vector<uint64_t> numbers;
  for (uint64_t n = 1; n <= last; ++n) numbers.push_back(n);
  return numbers;
}

int64_t now_millis() { return wall_now() / 1000; }

}  // namespace

TEST_CASE("heads are written when something is new, follow each other, and verify") {
  Bench bench;
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  auto chain = make_chain(1, 5);
  bench.add({chain.begin(), chain.begin() + 2}, 1000);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 1; }));
  for (int i = 0; i < 3; ++i) bench.add({chain[2 + static_cast<size_t>(i)]}, 2000 + i);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() >= 2 && keeper.idle(); }));

  audit::HeadLedger ledger(bench.keys);
  for (const auto& line : bench.head_lines()) ledger.add_in_order(line, "file");
  CHECK(ledger.complaints().empty());
  CHECK(ledger.trusted() == bench.head_lines().size());
  const auto& heads = ledger.of(3).heads;
  REQUIRE(heads.size() >= 2);
  CHECK(heads.front().number == 2);
  CHECK(heads.back().number == 5);
  CHECK(heads.back().hash == chain[4].hash);
  CHECK(bench.ask(redis::Command("XLEN", "mas.audit.heads")) == std::to_string(bench.head_lines().size()));

  // Nothing new: nothing is written, however often it looks.
  auto before = bench.head_lines().size();
  auto until = mono_now() + 500ms;
  REQUIRE(bench.keep_until(keeper, [&] { return mono_now() > until; }));
  CHECK(bench.head_lines().size() == before);
}

TEST_CASE("a chain that ends before what was signed is told, and signed as it is") {
  Bench bench;
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  auto chain = make_chain(1, 3);
  bench.add(chain, 1000);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 1 && keeper.idle(); }));
  CHECK(bench.frame.count("audit_keeping_failures_total") == 0);
  bench.ask(redis::Command("DEL", "mas.audit:{3}"));
  bench.add({chain.begin(), chain.begin() + 2}, 1000);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 2 && keeper.idle(); }));
  CHECK(bench.frame.count("audit_keeping_failures_total") == 1);
  bench.add({chain[2]}, 3000);  // what it had is there again: no loss against the head before
  REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 3 && keeper.idle(); }));
  CHECK(bench.frame.count("audit_keeping_failures_total") == 1);
}

namespace {

/// As a Redis that came back from before: chain and heads are what they were then.
void go_back(Bench& bench, const std::vector<Link>& chain, const std::string& heads_dump) {
  bench.ask(redis::Command("DEL", "mas.audit:{3}", "mas.audit.heads"));
  bench.add(chain, 1000);
  bench.ask(redis::Command("RESTORE", "mas.audit.heads", 0, heads_dump));
}

std::vector<audit::LostBlocks> lost_of_last_head(const Bench& bench) {
  auto head = audit::parse_head(bench.head_lines().back());
  REQUIRE(head.ok());
  return head->head.lost;
}

}  // namespace

TEST_CASE("blocks that were seen and are gone with the heads that named them are named by the next head") {
  Bench bench;
  auto chain = make_chain(1, 6);
  {
    AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
    keeper.set_owned({3}, 16);
    bench.add({chain.begin(), chain.begin() + 2}, 1000);
    REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 1 && keeper.idle(); }));
    const std::string dump = bench.ask(redis::Command("DUMP", "mas.audit.heads"));
    bench.add({chain.begin() + 2, chain.begin() + 5}, 2000);
    REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 2 && keeper.idle(); }));

    go_back(bench, {chain.begin(), chain.begin() + 2}, dump);
    REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 3 && keeper.idle(); }));
    auto lost = lost_of_last_head(bench);
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].first == 3);
    CHECK(lost[0].last == 5);
    CHECK(lost[0].hash == chain[4].hash);
    CHECK(lost[0].kept == chain[1].hash);
    REQUIRE(bench.keep_until(keeper, [&] { return bench.frame.count("audit_lost_blocks_total") == 3; }));

    // Others write over them: the block that was last before is not there any more.
    auto other = make_chain(3, 5, chain[1].hash, "planner-2");
    bench.add(other, 3000);
    REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 4 && keeper.idle(); }));
    CHECK(lost_of_last_head(bench).empty());
    const std::string later = bench.ask(redis::Command("DUMP", "mas.audit.heads"));
    auto over = make_chain(5, 7, other[1].hash, "planner-3");
    go_back(bench, {chain[0], chain[1], other[0], other[1], over[0], over[1], over[2]}, later);
    REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() >= 5 && keeper.idle(); }));
    lost = lost_of_last_head(bench);
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].last == 5);
    CHECK(lost[0].hash == other[2].hash);
  }
  // A gateway that starts anew knows it from its file.
  const auto heads = bench.head_lines().size();
  bench.ask(redis::Command("DEL", "mas.audit:{3}", "mas.audit.heads"));
  bench.add({chain[0]}, 1000);
  audit::ChainMemory anew;
  AuditKeeper keeper(bench.frame, anew, bench.settings);
  keeper.set_owned({3}, 16);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() > heads && keeper.idle(); }));
  auto lost = lost_of_last_head(bench);
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].first == 2);
  CHECK(lost[0].last == 7);
}

TEST_CASE("a partition whose chain cannot be read keeps nobody from signing the others'") {
  Bench bench;
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  bench.ask(redis::Command("SET", "mas.audit:{5}", "another type"));
  auto chain = make_chain(1, 2);
  bench.add(chain, 1000);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 1 && keeper.idle(); }));
  auto head = audit::parse_head(bench.head_lines()[0]);
  REQUIRE(head.ok());
  REQUIRE(head->head.heads.size() == 1);
  CHECK(head->head.heads[0].number == 2);
}

TEST_CASE("many blocks make a head due, and shutdown writes a last one") {
  Bench bench;
  bench.settings.head_interval = 1h;
  bench.settings.head_blocks = 100;
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  auto chain = make_chain(1, 3);
  bench.add({chain[0]}, 1000);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 1 && keeper.idle(); }));  // the first
  bench.add({chain[1]}, 2000);
  keeper.committed(100);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 2 && keeper.idle(); }));
  bench.add({chain[2]}, 3000);
  int done = 0;
  keeper.shutdown([&] { ++done; });
  REQUIRE(bench.loop.run_until([&] { return done == 1; }));
  REQUIRE(bench.head_lines().size() == 3);
  CHECK(audit::parse_head(bench.head_lines()[2])->head.heads[0].number == 3);
  CHECK(keeper.idle());
}

TEST_CASE("shutdown waits for nothing where there is no key or no Redis") {
  Bench bench(false);
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  int done = 0;
  keeper.shutdown([&] { ++done; });
  CHECK(done == 1);
}

TEST_CASE("another gateway's fresh head is enough, an old or forged one is not") {
  Bench bench;
  BareFrame other_frame(bench.loop.loop(), bench.server.url(), std::string(32, 'b'));
  REQUIRE(bench.loop.run_until([&] { return other_frame.redis_up(); }));
  bench.settings.head_interval = 1h;
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  AuditSettings others = bench.settings;
  others.heads_file += ".other";
  audit::ChainMemory other_chains;
  AuditKeeper other(other_frame, other_chains, others);
  keeper.set_owned({3}, 16);
  other.set_owned({4}, 16);
  auto chain = make_chain(1, 2);
  bench.add({chain[0]}, 1000);
  // A head by nobody stands in the stream: it is not taken for one.
  SigningKey stranger = SigningKey::generate();
  audit::Head forged;
  forged.time = wall_now();
  forged.gateway = std::string(32, 'c');
  Digest ignored;
  bench.ask(redis::Command("XADD", "mas.audit.heads", "1-1", "b", audit::sign_head(forged, stranger, ignored)));
  REQUIRE(bench.keep_until(other, [&] { return other_frame.count("audit_heads_total") == 1 && other.idle(); }));
  bench.add({chain[1]}, 2000);
  keeper.tick(mono_now());
  REQUIRE(bench.loop.run_until([&] { return keeper.idle(); }));
  CHECK(bench.frame.count("audit_heads_total") == 0);
  // At shutdown it signs all the same, on top of the other's.
  int done = 0;
  keeper.shutdown([&] { ++done; });
  REQUIRE(bench.loop.run_until([&] { return done == 1; }));
  CHECK(bench.frame.count("audit_heads_total") == 1);
  auto line = bench.head_lines().at(0);
  CHECK(audit::parse_head(line)->head.previous != Digest{});
}

TEST_CASE("what is older than the retention is retired, marked and trimmed; the last block stays") {
  Bench bench;
  bench.settings.retention = 1h;
  bench.settings.retired_file_size = 1;  // a file each page
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({2, 3}, 16);
  auto chain = make_chain(1, 150);
  bench.add(chain, 1000);  // all of it long ago
  REQUIRE(bench.keep_until(keeper, [&] { return bench.frame.count("audit_trimmed_blocks_total") == 149; }));
  CHECK(bench.ask(redis::Command("XLEN", "mas.audit:{3}")) == "1");
  CHECK(bench.retired() == numbers_to(149));
  CHECK(bench.files().size() > 1);

  audit::HeadLedger ledger(bench.keys);
  for (const auto& line : bench.head_lines()) ledger.add_in_order(line, "file");
  REQUIRE_FALSE(ledger.of(3).trimmed.empty());
  CHECK(ledger.of(3).trimmed.back().number == 149);
  CHECK(ledger.of(3).trimmed.back().hash == chain[148].hash);
  audit::ChainVerifier verifier(3);
  verifier.add("live", chain[149].bytes);
  CHECK(verifier.finish(ledger.of(3), true).ok());
}

TEST_CASE("the files go on where they ended, also after a torn write, and a new one begins at a gap") {
  Bench bench;
  auto chain = make_chain(1, 9);
  auto entries = [&](size_t first, size_t last) {
    std::vector<RetiredBlock> list;
    for (size_t n = first; n <= last; ++n) list.push_back({std::to_string(n) + "-0", chain[n - 1].bytes});
    return list;
  };
  constexpr uint64_t kSize = 1'000'000;
  REQUIRE(RetiredBlockStore(bench.settings.retired_dir).append(3, entries(1, 3), kSize).ok());
  auto file = bench.files().at(0);
  std::ofstream(file, std::ios::app | std::ios::binary) << "\x40\x01";  // the beginning of a frame
  std::ofstream(file.parent_path() / audit::retired_file_name(3, 4)) << "mas-au";
  RetiredBlockStore again(bench.settings.retired_dir);
  REQUIRE(again.append(3, entries(3, 5), kSize).ok());  // the third again: it had not been trimmed
  CHECK(bench.retired() == numbers_to(5));
  CHECK(bench.files().size() == 1);
  REQUIRE(again.append(3, entries(8, 9), kSize).ok());
  CHECK(bench.files().size() == 2);

  REQUIRE(again.append(3, entries(1, 9), kSize).error().code == Errc::kRefused);  // 6 and 7 are elsewhere
  CHECK(again.append(3, entries(1, 5), kSize).ok());                              // of the file before
  CHECK(bench.retired().size() == 7);

  auto other = make_chain(1, 9, audit::kGenesisPrevious, "mallory");
  for (size_t n : {1u, 5u, 9u})
    CHECK(again.append(3, {{"9-9", other[n - 1].bytes}}, kSize).error().code == Errc::kRefused);
  CHECK(bench.retired().size() == 7);
}

TEST_CASE("nothing is trimmed that does not fit together, or cannot be written") {
  Bench bench;
  bench.settings.retention = 1h;
  SECTION("a block is missing") {
    auto chain = make_chain(1, 9);
    chain.erase(chain.begin() + 4);
    bench.add(chain, 1000);
  }
  SECTION("a block was edited") {
    auto chain = make_chain(1, 8);
    chain[2].bytes = changed(chain[2].bytes, "worker-7", "worker-8");
    bench.add(chain, 1000);
  }
  SECTION("no such folder") {
    bench.settings.retired_dir += "/none";
    bench.add(make_chain(1, 8), 1000);
  }
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.frame.count("audit_keeping_failures_total") > 0; }));
  CHECK(bench.ask(redis::Command("XLEN", "mas.audit:{3}")) == "8");
  CHECK(bench.retired().empty());
}

TEST_CASE("heads are signed also where old blocks are looked for at every tick, and cannot be retired") {
  Bench bench;
  bench.settings.retention = 1s;
  bench.settings.retired_dir += "/none";
  bench.add(make_chain(1, 8), 1000);
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  MonoTime now = mono_now();
  REQUIRE(bench.loop.run_until([&] {
    if (keeper.idle()) keeper.tick(now += 1s);
    return bench.head_lines().size() == 1 && bench.frame.count("audit_keeping_failures_total") > 0;
  }));
}

TEST_CASE("without room for a thread nothing is kept on disk, that is told, and it goes on when there is room") {
  Bench bench;
  bench.settings.retention = 1s;
  bench.add(make_chain(1, 8), 1000);
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  no_threads = true;
  CHECK(bench.keep_until(keeper, [&] { return bench.frame.count("audit_keeping_failures_total") >= 2; }));
  no_threads = false;
  CHECK(bench.retired().empty());
  CHECK(bench.ask(redis::Command("XLEN", "mas.audit:{3}")) == "8");
  CHECK(bench.keep_until(keeper, [&] { return bench.retired().size() == 7 && keeper.idle(); }));
}

TEST_CASE("an entry that is too large stops neither heads nor retiring of others") {
  constexpr size_t kLarge = 17u * 1024 * 1024;
  Bench bench;
  bench.settings.retention = 1h;
  bench.add(make_chain(1, 8), 1000);
  for (const char* key : {"mas.audit:{5}", "mas.audit.heads"})
    for (const char* id : {"1000-1", "1000-2"})
      bench.ask(redis::Command("XADD", key, id, "b", std::string(kLarge, 'x')));
  const uint64_t before = bench.frame.redis().counters().bytes_in;
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3, 5}, 16);
  CHECK(bench.keep_until(keeper, [&] {
    return bench.head_lines().size() == 1 && bench.retired().size() == 7 &&
           bench.frame.count("audit_keeping_failures_total") > 0;
  }));
  CHECK(bench.frame.redis().counters().bytes_in - before < kLarge / 2);
}

TEST_CASE("young blocks stay, and without a folder for them everything does") {
  Bench bench;
  bench.settings.retention = 1h;
  auto chain = make_chain(1, 6);
  bench.add({chain.begin(), chain.begin() + 3}, 1000);
  bench.add({chain.begin() + 3, chain.end()}, now_millis());
  {
    AuditSettings none = bench.settings;
    none.retired_dir.clear();
    AuditKeeper keeper(bench.frame, bench.chains, none);
    keeper.set_owned({3}, 16);
    REQUIRE(bench.keep_until(keeper, [&] { return bench.head_lines().size() == 1 && keeper.idle(); }));
    CHECK(bench.ask(redis::Command("XLEN", "mas.audit:{3}")) == "6");
  }
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  REQUIRE(bench.keep_until(keeper, [&] { return bench.frame.count("audit_trimmed_blocks_total") == 3; }));
  CHECK(bench.ask(redis::Command("XLEN", "mas.audit:{3}")) == "3");
}

TEST_CASE("a link that goes ends what is under way, and a shutdown that waits for it") {
  Bench bench;
  AuditKeeper keeper(bench.frame, bench.chains, bench.settings);
  keeper.set_owned({3}, 16);
  bench.add(make_chain(1, 2), 1000);
  bench.server.freeze();
  keeper.tick(mono_now());
  REQUIRE_FALSE(keeper.idle());
  int done = 0;
  keeper.shutdown([&] { ++done; });
  CHECK(done == 0);
  REQUIRE(bench.loop.run_until([&] { return !bench.frame.redis_up(); }));
  keeper.on_redis_down();
  CHECK(done == 1);
  CHECK(keeper.idle());
  bench.server.thaw();
}
