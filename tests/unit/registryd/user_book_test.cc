// What registryd does about a user of Redis, by what it wrote and what it sees.
#include "daemons/registryd/user_book.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::registry;
using Step = UserBook::Step;

namespace {

constexpr int64_t kNow = 1000;
const Keys kKeys;
const RedisSite kSite{kKeys};
const Digest kSeen = sha256("as Redis shows it");
const Digest kAltered = sha256("as somebody changed it");

UserRecord bob() {
  UserRecord record;
  record.id = "bob";
  record.password = sha256("secret");
  return record;
}

struct Book {
  UserBook book;

  Step decide(const Result<UserRecord>& record, const std::optional<Digest>& seen, int64_t now = kNow,
              const RedisSite& site = kSite, const std::string& server = "a") {
    return book.decide(server, "agent.bob", record, seen, site, now);
  }
  void written(const UserRecord& record, int64_t now = kNow) {
    book.written("a", "agent.bob", record, kSite, now, kSeen);
  }
};

}  // namespace

TEST_CASE("a user of which nothing is known is written, whatever is there") {
  Book book;
  CHECK(book.decide(bob(), std::nullopt) == Step::kWrite);
  CHECK(book.decide(bob(), kSeen) == Step::kWrite);
  book.written(bob());
  CHECK(book.decide(bob(), kSeen) == Step::kNothing);
  CHECK(book.decide(bob(), kSeen, kNow, kSite, "b") == Step::kWrite);
  book.book.forget("a");
  CHECK(book.decide(bob(), kSeen) == Step::kWrite);
}

TEST_CASE("a user that somebody altered or removed is restored") {
  Book book;
  book.written(bob());
  CHECK(book.decide(bob(), kAltered) == Step::kRestore);
  CHECK(book.decide(bob(), std::nullopt) == Step::kRestore);
}

TEST_CASE("a changed record, and another number of partitions, are written") {
  Book book;
  book.written(bob());
  UserRecord changed = bob();
  changed.modes = AgentModes::kPeer;
  CHECK(book.decide(changed, kSeen) == Step::kWrite);
  CHECK(book.decide(bob(), kSeen, kNow, RedisSite{kKeys, 3}) == Step::kWrite);
}

TEST_CASE("who may not log in has no user") {
  Book book;
  UserRecord record = bob();
  for (UserState state : {UserState::kSuspended, UserState::kRevoked}) {
    record.state = state;
    CHECK(book.decide(record, kSeen) == Step::kRemove);
    CHECK(book.decide(record, std::nullopt) == Step::kNothing);
  }
  record = bob();
  record.expires_at = kNow;
  CHECK(book.decide(record, kSeen) == Step::kRemove);
  CHECK(book.decide(Error{Errc::kMalformed, "x"}, kSeen) == Step::kRemove);
  CHECK(book.decide(Error{Errc::kMalformed, "x"}, std::nullopt) == Step::kNothing);
}

TEST_CASE("a user that was removed and is there again is known no more") {
  Book book;
  book.written(bob());
  book.book.removed("a", "agent.bob");
  CHECK(book.decide(bob(), kSeen) == Step::kWrite);
}

TEST_CASE("the end of an old password is a change that ends connections") {
  Book book;
  UserRecord record = bob();
  record.password_old = sha256("old");
  record.password_old_until = kNow + 10;
  book.written(record);
  CHECK(book.decide(record, kSeen, kNow + 9) == Step::kNothing);
  CHECK_FALSE(book.book.old_password_ended("a", "agent.bob", record, kNow + 9));
  CHECK(book.decide(record, kSeen, kNow + 10) == Step::kWrite);
  CHECK(book.book.old_password_ended("a", "agent.bob", record, kNow + 10));
  book.written(record, kNow + 10);
  CHECK_FALSE(book.book.old_password_ended("a", "agent.bob", record, kNow + 11));
}
