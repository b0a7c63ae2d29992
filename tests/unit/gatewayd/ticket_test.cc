// Tickets: good for one conversation between these two until they expire, and for nothing else.
#include "daemons/gatewayd/turn/ticket.h"

#include "proto/wire/record_batch.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

constexpr WallMicros kNow = 1'795'350'096'000'000;

Id128 instance(unsigned char fill) {
  Id128 id;
  id.bytes.fill(fill);
  return id;
}

std::string issued(const TicketOffice& office, const TicketClaim& claim) {
  std::string ticket;
  office.issue(ticket, claim);
  return ticket;
}

}  // namespace

TEST_CASE("a ticket brings back the instance and the expiry it was issued for") {
  TicketOffice office{HmacKey("the gateways' key")};
  std::string ticket = issued(office, {"alice", instance(7), "bob", "c1", kNow + 10});
  CHECK(ticket.size() == kTicketBytes);
  TicketClaim claim{"alice", {}, "bob", "c1"};
  REQUIRE(office.accept(ticket, claim, kNow));
  CHECK(claim.instance == instance(7));
  CHECK(claim.expires == kNow + 10);
}

TEST_CASE("a ticket is bound to every part of its claim and to the key") {
  TicketOffice office{HmacKey("the gateways' key")};
  std::string ticket = issued(office, {"alice", instance(7), "bob", "c1", kNow + 10});
  auto good = [&](TicketClaim claim, const TicketOffice& at) { return at.accept(ticket, claim, kNow); };
  REQUIRE(good({"alice", {}, "bob", "c1"}, office));
  CHECK_FALSE(good({"alicf", {}, "bob", "c1"}, office));
  CHECK_FALSE(good({"alice", {}, "bo", "c1"}, office));
  CHECK_FALSE(good({"alice", {}, "bob", "c2"}, office));
  CHECK_FALSE(good({"alice", {}, "bob", ""}, office));
  CHECK_FALSE(good({"bob", {}, "alice", "c1"}, office));
  // Parts are length-prefixed: nothing moves from one into the next.
  CHECK_FALSE(good({"alic", {}, "ebob", "c1"}, office));
  CHECK_FALSE(good({"alice", {}, "bobc", "1"}, office));
  CHECK_FALSE(good({"alice", {}, "bob", "c1"}, TicketOffice{HmacKey("another key")}));
}

TEST_CASE("a ticket of another namespace under the same key is refused") {
  TicketOffice office{HmacKey("the gateways' key"), "prod"};
  std::string ticket = issued(office, {"alice", instance(7), "bob", "c1", kNow + 10});
  TicketClaim claim{"alice", {}, "bob", "c1"};
  for (const char* other : {"", "staging", "pro"}) {
    TicketOffice elsewhere{HmacKey("the gateways' key"), other};
    CHECK_FALSE(elsewhere.accept(ticket, claim, kNow));
  }
  CHECK(office.accept(ticket, claim, kNow));
}

TEST_CASE("every flipped bit and every other size is refused, and the claim stays as it was") {
  TicketOffice office{HmacKey("the gateways' key")};
  std::string ticket = issued(office, {"alice", instance(7), "bob", "c1", kNow + 10});
  for (size_t bit = 0; bit < ticket.size() * 8; ++bit) {
    std::string forged = ticket;
    forged[bit / 8] = static_cast<char>(forged[bit / 8] ^ 1 << bit % 8);
    TicketClaim claim{"alice", {}, "bob", "c1"};
    REQUIRE_FALSE(office.accept(forged, claim, kNow));
    REQUIRE(claim.instance == Id128{});
    REQUIRE(claim.expires == 0);
  }
  TicketClaim claim{"alice", {}, "bob", "c1"};
  for (size_t size = 0; size < ticket.size(); ++size) REQUIRE_FALSE(office.accept(ticket.substr(0, size), claim, kNow));
  CHECK_FALSE(office.accept(ticket + '\0', claim, kNow));
}

TEST_CASE("a ticket is good up to the microsecond of its expiry") {
  TicketOffice office{HmacKey("the gateways' key")};
  std::string ticket = issued(office, {"alice", instance(7), "bob", "c1", kNow});
  TicketClaim claim{"alice", {}, "bob", "c1"};
  CHECK(office.accept(ticket, claim, kNow - 1));
  CHECK(office.accept(ticket, claim, kNow));
  CHECK_FALSE(office.accept(ticket, claim, kNow + 1));
  std::string for_ever = issued(office, {"alice", instance(7), "bob", "c1", INT64_MAX});
  CHECK(office.accept(for_ever, claim, INT64_MAX - 1));
}
