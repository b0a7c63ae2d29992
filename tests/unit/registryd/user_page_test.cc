// A page of users: which commands are made of it, and what the replies change. No connection.
#include "daemons/registryd/user_page.h"

#include "proto/base/bytes.h"
#include "tests/lib/resp.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::registry;
using mas::test::resp_list;
using mas::test::resp_text;

namespace {

constexpr int64_t kNow = 1000;
const std::string kServer = "a";

const std::string kNil = "$-1\r\n", kOk = "+OK\r\n";

UserRecord bob(std::string_view password = "secret") {
  UserRecord record;
  record.id = "bob";
  record.password = sha256(password);
  return record;
}

struct Fixture {
  Keys keys;
  common::Log log{"testd", static_cast<common::LogLevel>(99)};  // nobody reads it
  UserPage page{keys, log, RedisSite{keys}};

  Fixture() { page.begin_pass(kNow); }

  template <typename Fn>
  void with(const std::string& bytes, Fn fn) {
    redis::ReplyReader reader;
    REQUIRE(reader.feed(bytes).ok());
    auto reply = reader.next();
    REQUIRE((reply.ok() && *reply != nullptr));
    fn(**reply);
  }
  void take(const std::string& field, const std::string& json) {
    with(resp_list({resp_text(field), resp_text(json)}), [this](const redis::Reply& records) { page.take(records); });
  }
  void take(const UserRecord& record) { take("agent.bob", user_record_json(record)); }
  bool sees(const std::string& user) {
    with(user, [this](const redis::Reply& reply) { page.saw(0, &reply); });
    return page.decide(kServer);
  }
  Status written(const std::string& done, const std::string& seen) {
    Status status;
    with(resp_list({done, seen}),
         [&](const redis::Reply& reply) { status = page.written(kServer, UserPage::kRepliesPerWrite - 1, reply); });
    return status;
  }
  bool writes(std::string_view words) const {
    return page.writes(kServer).users.bytes().find(words) != std::string::npos;
  }
};

const std::string kUser = resp_list({resp_text("flags"), resp_list({resp_text("on")})});
const std::string kAltered = resp_list({resp_text("flags"), resp_list({resp_text("off")})});

}  // namespace

TEST_CASE("a missing user is written once") {
  Fixture test;
  test.take(bob());
  CHECK(test.page.look().bytes() == redis::Command("ACL", "GETUSER", "agent.bob").bytes());
  REQUIRE(test.sees(kNil));
  CHECK(test.writes("SETUSER"));
  CHECK(test.page.writes(kServer).users.count() == UserPage::kRepliesPerWrite);
  CHECK(test.page.writes(kServer).cuts.count() == 0);
  CHECK(test.written(kOk, kUser).ok());
  CHECK_FALSE(test.sees(kUser));
}

TEST_CASE("a user that Redis refused is written again, and the refusal names it") {
  Fixture test;
  test.take(bob());
  test.sees(kNil);
  const Status status = test.written("-ERR no such rule\r\n", kNil);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message.find("agent.bob") != std::string::npos);
  CHECK(test.sees(kNil));
}

TEST_CASE("a user that somebody altered is written again, and one that the server lost") {
  Fixture test;
  test.take(bob());
  test.sees(kNil);
  CHECK(test.written(kOk, kUser).ok());
  CHECK(test.sees(kAltered));
  CHECK_FALSE(test.sees(kUser));
  test.page.forget(kServer);
  CHECK(test.sees(kUser));
}

TEST_CASE("while the number of partitions is changed, a user may use those before, and those to come") {
  const auto list = [](unsigned number) { return Keys().ingress(partition_of("bob", number)); };
  REQUIRE((list(16) != list(5) && list(5) != list(48) && list(16) != list(48)));
  UserRecord record = bob();
  record.modes = AgentModes::kGateway;
  const auto may = [&](Fixture& test, unsigned number) { return test.writes("~" + list(number)); };
  Fixture test;
  test.page.set_partitions({16, {}});
  test.page.set_partitions({0, PartitionsMark{5, 48}});
  test.take(record);
  REQUIRE(test.sees(kNil));
  CHECK((may(test, 16) && may(test, 5) && may(test, 48)));
  CHECK(test.written(kOk, kUser).ok());
  test.page.set_partitions({5, {}});
  REQUIRE(test.sees(kUser));
  CHECK((!may(test, 16) && may(test, 5) && !may(test, 48)));

  Fixture late;  // it has not known the number before
  late.page.set_partitions({0, PartitionsMark{5, 48}});
  late.take(record);
  REQUIRE(late.sees(kNil));
  CHECK((!may(late, 16) && may(late, 5) && may(late, 48)));
}

TEST_CASE("Redis may list subcommands in another order, and only those") {
  const auto rules = [](std::string_view of) { return resp_list({resp_text("commands"), resp_text(of)}); };
  Fixture test;
  test.take(bob());
  test.sees(kNil);
  CHECK(test.written(kOk, rules("-@all +get +function|list +function|load -client|kill +client|kill")).ok());
  CHECK_FALSE(test.sees(rules("-@all +get +function|load +function|list -client|kill +client|kill")));
  CHECK(test.sees(rules("-@all +get +function|load +function|list +client|kill -client|kill")));
  CHECK(test.sees(rules("+get -@all +function|list +function|load -client|kill +client|kill")));
  CHECK(test.sees(rules("-@all +get +function|list -client|kill +client|kill")));
}

TEST_CASE("a record that cannot be read removes its user, and only if there is one") {
  Fixture test;
  test.take("agent.bob", "{");
  CHECK_FALSE(test.sees(kNil));
  REQUIRE(test.sees(kUser));
  CHECK(test.writes("DELUSER"));
  CHECK(test.page.removing() == 1);
}

TEST_CASE("a record under a name that enrolment does not make touches no user") {
  Fixture test;
  for (const char* name : {"default", "bob", "nobody.bob", "agent"}) {
    test.take(name, "{");
    CHECK_FALSE(test.sees(kUser));
  }
}

TEST_CASE("a record that changed while its user was written is taken anew") {
  Fixture test;
  test.take(bob());
  test.sees(kNil);
  CHECK(test.written(kOk, kUser).ok());
  CHECK(test.page.check().bytes() == redis::Command("HMGET", test.keys.users(), "agent.bob").bytes());
  test.with(resp_list({resp_text(user_record_json(bob()))}),
            [&](const redis::Reply& same) { CHECK_FALSE(test.page.changed(same)); });
  test.with(resp_list({kNil}), [&](const redis::Reply& gone) { CHECK_FALSE(test.page.changed(gone)); });
  test.with(resp_list({resp_text(user_record_json(bob("another")))}),
            [&](const redis::Reply& another) { CHECK(test.page.changed(another)); });
  CHECK(test.sees(kUser));
  CHECK(test.writes(to_hex(sha256("another"))));
}

TEST_CASE("connections end when a password is over, and the end of the next one is known") {
  Fixture test;
  UserRecord record = bob();
  record.password_old = sha256("old");
  record.password_old_until = kNow + 10;
  test.take(record);
  test.sees(kNil);
  CHECK(test.page.next_change() == kNow + 10);
  CHECK(test.page.writes(kServer).cuts.count() == 0);
  CHECK(test.written(kOk, kUser).ok());

  test.page.begin_pass(kNow + 10);
  CHECK(test.page.next_change() == 0);
  REQUIRE(test.sees(kUser));
  CHECK(test.page.writes(kServer).cuts.bytes() == redis::Command("CLIENT", "KILL", "USER", "agent.bob").bytes());
}

TEST_CASE("connections end, too, where a password that is over still lets in") {
  Fixture test;
  UserRecord record = bob();
  record.password_old = sha256("old");
  record.password_old_until = kNow - 1;
  test.take(record);
  REQUIRE(test.sees(resp_list({resp_text("passwords"), resp_list({resp_text(to_hex(sha256("old")))})})));
  CHECK(test.page.writes(kServer).cuts.count() == 1);
}
