// The registry engine against a model: sets that are changed as it says always equal what the entries say.
#include "daemons/registryd/registry.h"

#include <random>
#include <set>

#include "daemons/registryd/pending_lookups.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::registry;

namespace {

Result<AgentEntry> entry(std::string_view id, std::vector<std::string> capabilities) {
  AgentEntry value;
  value.id = id;
  value.capabilities = std::move(capabilities);
  return value;
}

Result<AgentEntry> gone() { return Error{Errc::kNotFound, "no entry"}; }
Result<AgentEntry> invalid() { return Error{Errc::kMalformed, "capabilities: expected an array"}; }

using Sets = std::map<std::string, std::set<std::string>>;

void apply_writes(const IndexWrites& writes, Sets& sets) {
  for (const auto& [name, write] : writes) {
    for (const auto& id : write.add) sets[name].insert(id);
    for (const auto& id : write.remove) sets[name].erase(id);
    if (sets[name].empty()) sets.erase(name);
  }
}

struct Fixture {
  Registry registry{1000};
  Sets sets;

  Observed see(std::string_view id, const Result<AgentEntry>& what, bool assert_all = false) {
    IndexWrites writes;
    Observed observed = registry.observe(id, what, assert_all, writes);
    apply_writes(writes, sets);
    return observed;
  }
};

}  // namespace

TEST_CASE("an entry enters the index with its capabilities, and leaves with all of them") {
  Fixture f;
  CHECK(f.see("alice", entry("alice", {"chat", "plan", "chat"})) == Observed::kIndexed);
  CHECK(f.sets == Sets{{"", {"alice"}}, {"chat", {"alice"}}, {"plan", {"alice"}}});
  CHECK(f.registry.agents() == 1);
  CHECK(f.registry.capabilities() == 2);

  CHECK(f.see("alice", gone()) == Observed::kGone);
  CHECK(f.sets.empty());
  CHECK(f.registry.agents() == 0);
  CHECK(f.registry.capabilities() == 0);
}

TEST_CASE("a re-registration with other capabilities leaves the old sets") {
  Fixture f;
  f.see("alice", entry("alice", {"chat", "plan"}));
  f.see("alice", entry("alice", {"plan", "sum"}));
  CHECK(f.sets == Sets{{"", {"alice"}}, {"plan", {"alice"}}, {"sum", {"alice"}}});
  CHECK(f.registry.wants("sum", "alice"));
  CHECK(f.registry.wants("", "alice"));
  CHECK_FALSE(f.registry.wants("chat", "alice"));
  CHECK_FALSE(f.registry.wants("chat", "bob"));
}

TEST_CASE("seeing the same again writes nothing, unless everything is to be asserted") {
  Fixture f;
  f.see("alice", entry("alice", {"chat"}));
  IndexWrites writes;
  f.registry.observe("alice", entry("alice", {"chat"}), false, writes);
  CHECK(writes.empty());

  f.sets.clear();  // somebody deleted the index
  f.see("alice", entry("alice", {"chat"}), true);
  CHECK(f.sets == Sets{{"", {"alice"}}, {"chat", {"alice"}}});
}

TEST_CASE("an entry that became invalid leaves the index; one that never was writes nothing") {
  Fixture f;
  f.see("alice", entry("alice", {"chat"}));
  CHECK(f.see("alice", invalid()) == Observed::kInvalid);
  CHECK(f.sets.empty());
  IndexWrites writes;
  CHECK(f.registry.observe("bob", invalid(), true, writes) == Observed::kInvalid);
  CHECK(f.registry.observe("bob", gone(), true, writes) == Observed::kGone);
  CHECK(writes.empty());
}

TEST_CASE("agents past the bound are refused, known ones still change") {
  Registry registry(1);
  IndexWrites writes;
  CHECK(registry.observe("a", entry("a", {}), false, writes) == Observed::kIndexed);
  CHECK(registry.observe("b", entry("b", {}), false, writes) == Observed::kOverfull);
  CHECK(registry.observe("a", entry("a", {"x"}), false, writes) == Observed::kIndexed);
  CHECK(registry.agents() == 1);
}

TEST_CASE("a pass names those that it did not see") {
  Fixture f;
  f.see("a", entry("a", {}));
  f.see("b", entry("b", {}));
  f.registry.begin_pass();
  CHECK(f.registry.unseen().size() == 2);
  f.see("a", entry("a", {}), true);
  CHECK(f.registry.unseen() == std::vector<std::string>{"b"});
}

TEST_CASE("any sequence of sights leaves the sets equal to the entries") {
  std::mt19937 random(GENERATE(1u, 2u, 3u, 4u, 5u));
  Fixture f;
  std::map<std::string, std::set<std::string>> truth;
  for (int step = 0; step < 5000; ++step) {
    std::string id = "agent" + std::to_string(random() % 40);
    unsigned what = random() % 10;
    if (what < 2) {
      f.see(id, what == 0 ? gone() : invalid());
      truth.erase(id);
      continue;
    }
    std::vector<std::string> capabilities;
    for (unsigned n = random() % 6; n > 0; --n) capabilities.push_back("c" + std::to_string(random() % 12));
    f.see(id, entry(id, capabilities), what == 9);
    truth[id] = {capabilities.begin(), capabilities.end()};
  }
  Sets expected;
  std::set<std::string> used;
  for (const auto& [id, capabilities] : truth) {
    expected[""].insert(id);
    for (const auto& capability : capabilities) expected[capability].insert(id);
    used.insert(capabilities.begin(), capabilities.end());
  }
  CHECK(f.sets == expected);
  CHECK(f.registry.agents() == truth.size());
  CHECK(f.registry.capabilities() == used.size());
  f.registry.clear();
  CHECK(f.registry.agents() + f.registry.capabilities() == 0);
}

TEST_CASE("pending lookups coalesce and are bounded") {
  PendingLookups pending(2);
  CHECK(pending.add("b"));
  CHECK(pending.add("a"));
  CHECK(pending.add("b"));
  CHECK_FALSE(pending.add("c"));
  CHECK(pending.size() == 2);
  CHECK(pending.take(1) == std::vector<std::string>{"b"});
  CHECK(pending.add("c"));
  CHECK(pending.take(10) == std::vector<std::string>{"a", "c"});
  CHECK(pending.empty());
  CHECK(pending.add("b"));
}
