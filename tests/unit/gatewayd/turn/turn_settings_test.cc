// What is set while turns are under way is taken over between them.
#include "daemons/gatewayd/turn/turn_settings.h"

#include "tests/unit/gatewayd/turn/turn_fixture.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

struct Setting : TurnFixture {
  FetchOp fetch{parts, nullptr, *this};
  TurnSettings settings{parts, fetch};

  /// As if it had been read.
  void know_alice() {
    parts.facts.need("alice", kLimits);
    for (auto& wanted : parts.facts.take_wanted()) parts.facts.finish(*wanted.agent, kLimits);
  }
  bool knows_alice() { return parts.facts.need("alice", 0).knows(kLimits); }
};

std::shared_ptr<const archive::Key> some_key() {
  return std::make_shared<const archive::Key>(*archive::Key::of("k1", "0123456789abcdef0123456789ABCDEF"));
}

}  // namespace

TEST_CASE("a policy is not in effect before it is taken over") {
  Setting test;
  Policy policy = test.parts.options.policy;
  policy.memory_low = true;
  CHECK_FALSE(test.settings.waiting());
  test.settings.set_policy(policy, test.parts.options.default_limits);
  CHECK(test.settings.waiting());
  CHECK_FALSE(test.parts.options.policy.memory_low);

  test.settings.take_over();
  CHECK_FALSE(test.settings.waiting());
  CHECK(test.parts.options.policy.memory_low);
}

TEST_CASE("the last of two policies is in effect, and a key is taken over with it") {
  Setting test;
  Policy policy = test.parts.options.policy;
  policy.memory_low = true;
  test.settings.set_policy(policy, test.parts.options.default_limits);
  policy.memory_low = false;
  test.settings.set_policy(policy, test.parts.options.default_limits);
  const auto key = some_key();
  test.settings.set_archive(key);
  CHECK(test.parts.archive_key == nullptr);
  test.settings.take_over();
  CHECK_FALSE(test.parts.options.policy.memory_low);
  CHECK(test.parts.archive_key == key);

  test.settings.set_archive(nullptr);
  CHECK(test.settings.waiting());
  test.settings.take_over();
  CHECK(test.parts.archive_key == nullptr);
}

TEST_CASE("agents are read again when the default limits change, and only then") {
  Setting test;
  test.know_alice();
  test.settings.set_policy(test.parts.options.policy, test.parts.options.default_limits);
  test.settings.take_over();
  CHECK(test.knows_alice());

  LimitSettings limits = test.parts.options.default_limits;
  limits.per_minute = 7;
  test.settings.set_policy(test.parts.options.policy, limits);
  CHECK(test.knows_alice());
  test.settings.take_over();
  CHECK_FALSE(test.knows_alice());
  CHECK(test.parts.options.default_limits == limits);
}
