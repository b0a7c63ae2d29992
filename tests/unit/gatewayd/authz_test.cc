// Who may send to whom: patterns, the order of the rules, and sets that fail closed.
#include "daemons/gatewayd/authz/authorise.h"

#include <algorithm>
#include <random>

#include "daemons/gatewayd/authz/priority.h"
#include "proto/wire/limits.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

bool starts_with(const std::string& text, std::string_view head) { return text.starts_with(head); }

using Members = std::vector<std::string_view>;

TargetSet set_of(const Members& members) { return TargetSet::parse(members); }

std::string found_by(const TargetSet& set, std::string_view target) {
  return std::string(set.find(target).value_or("-"));
}

/// A sender with its sets and the roles that it has, judged.
class Sender {
 public:
  Sender& allow(Members members) { return allowed_ = std::move(members), *this; }
  Sender& block(Members members) { return blocked_ = std::move(members), *this; }
  /// @param exists whether the role has a set at all.
  Sender& role(std::string_view name, const Members& permissions, bool exists = true) {
    names_.push_back(name);
    roles_.push_back(Role::parse(name, permissions));
    exists_.push_back(exists);
    return *this;
  }
  Sender& broken_role(std::string_view name) {
    names_.push_back(name);
    roles_.push_back(Role::unreadable(name, "is of another type"));
    exists_.push_back(true);
    return *this;
  }

  std::string development(std::string_view target) const { return judge(target, DefaultRule::kAllowWithoutAny); }
  std::string production(std::string_view target) const { return judge(target, DefaultRule::kDeny); }
  std::string manage(std::string_view what) const {
    return text(authorise_manage(what, parse_rules(allowed_, blocked_, names_), pointers()));
  }

 private:
  std::string judge(std::string_view target, DefaultRule fallback) const {
    auto rules = parse_rules(allowed_, blocked_, names_);
    return text(authorise(target, rules, pointers(), fallback));
  }
  static std::string text(const RuleVerdict& verdict) {
    return (verdict.allowed ? "yes, " : "no, ") + verdict.describe();
  }
  std::vector<const Role*> pointers() const {
    std::vector<const Role*> out;
    for (size_t i = 0; i < roles_.size(); ++i) out.push_back(exists_[i] ? &roles_[i] : nullptr);
    return out;
  }

  Members allowed_, blocked_, names_;
  std::vector<Role> roles_;
  std::vector<bool> exists_;
};

std::string text_of_error(std::string_view permission) {
  auto parsed = parse_permission(permission);
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("a target is found by its id, by a prefix or by *") {
  auto set = set_of({"bob", "patient*", "a.b-c_*"});
  CHECK(found_by(set, "bob") == "bob");
  CHECK(found_by(set, "bobby") == "-");
  CHECK(found_by(set, "bo") == "-");
  CHECK(found_by(set, "patient") == "patient*");
  CHECK(found_by(set, "patient-7") == "patient*");
  CHECK(found_by(set, "patien") == "-");
  CHECK(found_by(set, "a.b-c_d") == "a.b-c_*");
  CHECK(found_by(set, "axb-c_d") == "-");
  CHECK(found_by(set, "Bob") == "-");
  CHECK(found_by(set, "") == "-");
  CHECK(found_by(set_of({"*", "bob"}), "anybody") == "*");
  CHECK(found_by(TargetSet(), "bob") == "-");
}

TEST_CASE("prefixes find what a linear search finds, however they nest") {
  std::mt19937 random(20260101);
  auto word = [&](size_t most) {
    std::string text;
    for (size_t n = 1 + random() % most; n > 0; --n) text += static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> prefixes;
    for (size_t n = random() % 8; n > 0; --n) prefixes.push_back(word(4) + "*");
    Members members(prefixes.begin(), prefixes.end());
    auto set = set_of(members);
    for (int i = 0; i < 20; ++i) {
      auto target = word(6);
      auto matches = [&](const std::string& p) { return target.starts_with(p.substr(0, p.size() - 1)); };
      bool expected = std::any_of(prefixes.begin(), prefixes.end(), matches);
      auto found = set.find(target);
      INFO(target);
      REQUIRE(found.has_value() == expected);
      if (found) REQUIRE(matches(std::string(*found)));
    }
  }
}

TEST_CASE("what can name no target is left out and told; an empty set is one without members") {
  std::string long_id(513, 'a');
  auto set = set_of({"a*b", "*x", "**", "", "tab\tid", "\xff", long_id, "münchen", "bob"});
  CHECK(set.unusable().size() == 7);
  CHECK(found_by(set, "münchen") == "münchen");
  CHECK(found_by(set, "a*b") == "-");
  CHECK_FALSE(set.empty());
  CHECK_FALSE(set_of({"a*b"}).empty());
  CHECK(set_of({}).empty());
}

TEST_CASE("permissions: what is read and what is refused") {
  auto send = parse_permission("send:patient*");
  REQUIRE(send.ok());
  CHECK(send->action == Permission::Action::kSend);
  CHECK(send->object == "patient*");
  CHECK(parse_permission("*")->action == Permission::Action::kEverything);
  CHECK(parse_permission("send:*")->object == "*");
  CHECK(parse_permission("send:send:bob")->object == "send:bob");
  CHECK(parse_permission("manage:roles")->action == Permission::Action::kManage);
  CHECK(parse_permission("priority:high")->action == Permission::Action::kPriority);
  CHECK(parse_permission("priority:high")->object == "high");
  for (const char* wrong : {"priority:", "priority:*", "priority:High", "priority:urgent", "priority"})
    CHECK_FALSE(parse_permission(wrong).ok());
  for (const char* wrong : {"", "**", "*:*", "send", "send:", "send:a*b", "Send:bob", " send:bob", "read:agent.*",
                            "send*", "manage:", "send:a\nb", "bob"})
    CHECK(text_of_error(wrong).find("expected *, send:TARGET or manage:WHAT") != std::string::npos);
}

TEST_CASE("the default: development allows whom nothing is said about, production nobody") {
  CHECK(Sender().development("bob") == "yes, default: allow");
  CHECK(Sender().production("bob") == "no, default: deny");
  CHECK(Sender().block({"eve"}).development("bob") == "yes, default: allow");
  CHECK(Sender().allow({"eve"}).development("bob") == "no, default: deny");
  CHECK(Sender().role("nurse", {}).development("bob") == "no, default: deny");
  CHECK(Sender().role("nurse", {}, false).development("bob") == "no, default: deny");
}

TEST_CASE("a set whose members are all useless is still a set: development does not open") {
  CHECK(Sender().allow({"a*b"}).development("bob") == "no, default: deny");
  CHECK(Sender().role("no:name", {"*"}, false).development("bob") == "no, default: deny");
}

TEST_CASE("the block list wins over everything") {
  auto everything = [] { return Sender().allow({"*", "bob"}).role("admin", {"*", "send:bob"}); };
  CHECK(everything().block({"bob"}).development("bob") == "no, blocked_targets: bob");
  CHECK(everything().block({"bob"}).production("bob") == "no, blocked_targets: bob");
  CHECK(everything().block({"b*"}).production("bob") == "no, blocked_targets: b*");
  CHECK(everything().block({"*"}).production("bob") == "no, blocked_targets: *");
  CHECK(everything().block({"bo"}).production("bob") == "yes, allowed_targets: *");
}

TEST_CASE("the allow list, then the roles") {
  auto sender = Sender().allow({"bob", "dr-*"}).role("nurse", {"send:patient*", "send:bob"}).role("x", {"send:y"});
  CHECK(sender.production("bob") == "yes, allowed_targets: bob");
  CHECK(sender.production("dr-who") == "yes, allowed_targets: dr-*");
  CHECK(sender.production("patient-1") == "yes, role nurse: send:patient*");
  CHECK(sender.production("y") == "yes, role x: send:y");
  CHECK(sender.production("eve") == "no, default: deny");
  CHECK(Sender().role("admin", {"*"}).production("eve") == "yes, role admin: *");
  CHECK(Sender().role("all", {"send:*"}).production("eve") == "yes, role all: send:*");
}

TEST_CASE("manage permissions permit no messages, and send permissions no administration") {
  auto sender = Sender().role("clerk", {"manage:*", "manage:roles"});
  CHECK(sender.production("roles") == "no, default: deny");
  CHECK(sender.manage("limits") == "yes, role clerk: manage:*");
  CHECK(Sender().role("nurse", {"send:*"}).allow({"*"}).manage("roles") == "no, default: deny");
  CHECK(Sender().role("admin", {"*"}).manage("roles") == "yes, role admin: *");
  CHECK(Sender().manage("roles") == "no, default: deny");
}

TEST_CASE("a block list that cannot be understood, or is too long, denies everything") {
  CHECK(starts_with(Sender().allow({"*"}).block({"bad*x"}).production("bob"),
                    "no, unreadable: blocked_targets has 'bad*x'"));
  std::vector<std::string> ids;
  for (size_t i = 0; i <= limits::kAclEntries; ++i) ids.push_back("a" + std::to_string(i));
  Members many(ids.begin(), ids.end());
  CHECK(Sender().allow({"*"}).block(many).production("bob") ==
        "no, unreadable: blocked_targets has 10001 members, at most 10000 are read");
  CHECK(starts_with(Sender().allow(many).development("a1"), "no, unreadable: allowed_targets"));
  many.pop_back();
  CHECK(Sender().allow(many).production("a9999") == "yes, allowed_targets: a9999");
  auto gone = unreadable_rules("gone");
  CHECK(authorise("bob", gone, {}, DefaultRule::kAllowWithoutAny).describe() == "unreadable: gone");
}

TEST_CASE("a role that cannot be read permits nothing and is named when nothing else decides") {
  auto sender = Sender().broken_role("odd").role("nurse", {"send:bob"});
  CHECK(sender.production("bob") == "yes, role nurse: send:bob");
  CHECK(sender.production("eve") == "no, unreadable: role odd is of another type");
  std::vector<std::string> texts;
  for (size_t i = 0; i <= limits::kAclEntries; ++i) texts.push_back("send:a" + std::to_string(i));
  Members many(texts.begin(), texts.end());
  CHECK(starts_with(Sender().role("big", many).production("a1"), "no, unreadable: role big has 10001"));
}

TEST_CASE("what was ignored is told with the set it stood in") {
  auto rules = parse_rules(Members{"a*b", "bob"}, {}, Members{"nurse", "no name"});
  CHECK(rules.unusable == std::vector<std::string>{"allowed_targets: a*b", "roles: no name"});
  CHECK(rules.roles == std::vector<std::string>{"nurse"});
  CHECK(Role::parse("r", Members{"send:b", "read:x", "fly"}).unusable() == std::vector<std::string>{"fly", "read:x"});
}

TEST_CASE("lanes: the most urgent that the configuration or a role gives") {
  Role low = Role::parse("low", Members{"priority:low"});
  Role high = Role::parse("high", Members{"send:bob", "priority:bulk", "priority:high"});
  Role all = Role::parse("all", Members{"*"});
  Role broken = Role::unreadable("broken", "is of another type");
  Role silent = Role::parse("silent", Members{"send:*", "priority:urgent"});
  auto highest = [](std::vector<const Role*> roles, Lane everybody) { return highest_lane(roles, everybody); };
  CHECK(highest({}, Lane::kNormal) == Lane::kNormal);
  CHECK(highest({&silent, nullptr, &broken}, Lane::kNormal) == Lane::kNormal);
  CHECK(highest({&low}, Lane::kNormal) == Lane::kNormal);
  CHECK(highest({&low}, Lane::kBulk) == Lane::kLow);
  CHECK(highest({&low, &high}, Lane::kNormal) == Lane::kHigh);
  CHECK(highest({&high, &all}, Lane::kNormal) == Lane::kCritical);
  CHECK_FALSE(Role::parse("high", Members{"priority:high"}).may_send("high"));
}
