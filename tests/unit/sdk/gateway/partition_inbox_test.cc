// What is asked of one partition's inboxes next: what was told, what was found, what was lost.
#include "sdk/src/gateway/partition_inbox.h"

#include "sdk/src/gateway/cluster_requests.h"
#include "tests/unit/catch.h"

using namespace mas::sdk;
using Ask = PartitionInbox::Ask;
using May = PartitionInbox::May;

namespace {

constexpr size_t kReplies = 0, kHigh = 2, kNormal = 3;

StreamSet only(std::initializer_list<size_t> places) {
  StreamSet set;
  for (size_t place : places) set.set(place);
  return set;
}

/// Asks for what is due, without an answer yet.
Ask ask(PartitionInbox& inbox, May may = May::kEverything) {
  const Ask next = inbox.next(may);
  inbox.asked(next);
  return next;
}

/// An inbox whose streams of these places have groups, and which wants nothing.
PartitionInbox known(std::initializer_list<size_t> places) {
  PartitionInbox inbox;
  for (size_t place : places) inbox.made(place);
  return inbox;
}

}  // namespace

TEST_CASE("nothing is asked until something is wanted, and then one request at a time") {
  PartitionInbox inbox;
  CHECK_FALSE(inbox.next(May::kEverything).any());
  inbox.look();
  CHECK_FALSE(inbox.next(May::kNothing).any());
  const Ask look = ask(inbox);
  CHECK(look.probe.all());
  CHECK_FALSE((look.read | look.make | look.own | look.claim).any());
  inbox.wake(kNormal);
  CHECK_FALSE(inbox.next(May::kEverything).any());
  inbox.ended();
  CHECK(inbox.next(May::kEverything).make == only({kNormal}));
}

TEST_CASE("a look that finds streams makes their groups and reads them, and those with a group at once") {
  PartitionInbox inbox = known({kNormal});
  inbox.look();
  const Ask look = ask(inbox);
  CHECK(look.read == only({kNormal}));
  CHECK(look.probe == ~only({kNormal}));
  inbox.exist();
  inbox.ended();
  const Ask next = ask(inbox);
  CHECK(next.make == ~only({kNormal}));
  inbox.made(kHigh);
  inbox.ended();
  CHECK(inbox.groups() == only({kHigh, kNormal}));
  CHECK_FALSE(inbox.next(May::kEverything).any());
}

TEST_CASE("a wake-up reads its stream alone") {
  PartitionInbox inbox = known({kReplies, kHigh, kNormal});
  inbox.wake(kNormal);
  CHECK(ask(inbox).read == only({kNormal}));
  inbox.wake(kNormal);  // told while it is read: perhaps of something newer
  inbox.more(kHigh);
  inbox.ended();
  CHECK(ask(inbox).read == only({kHigh, kNormal}));
}

TEST_CASE("at the bound replies are read, and the lanes when there is room again") {
  PartitionInbox inbox = known({kReplies, kNormal});
  inbox.claim();
  inbox.look();
  CHECK(ask(inbox, May::kReplies).read == only({kReplies}));
  inbox.ended();
  CHECK_FALSE(inbox.next(May::kReplies).any());
  CHECK(ask(inbox).claim == only({kNormal}));
  inbox.ended();
  CHECK(ask(inbox).read == only({kNormal}));
}

TEST_CASE("what an answer may have brought that was lost is read by id, and then there is a look") {
  PartitionInbox inbox = known({kNormal, kHigh});
  inbox.wake(kNormal);
  ask(inbox);
  inbox.lost(true);
  CHECK_FALSE(inbox.next(May::kEverything).any());
  inbox.rested();
  CHECK(ask(inbox).own == only({kNormal}));
  CHECK(inbox.own_from(kNormal) == "0");
  inbox.took_own(kNormal, "5-0");
  inbox.ended();
  CHECK(ask(inbox).own == only({kNormal}));
  CHECK(inbox.own_from(kNormal) == "5-0");
  inbox.lost(true);  // and again: it goes on where it was
  inbox.rested();
  CHECK(ask(inbox).own == only({kNormal}));
  CHECK(inbox.own_from(kNormal) == "5-0");
  inbox.no_more_own(kNormal);
  inbox.ended();
  CHECK(ask(inbox).read == only({kHigh, kNormal}));
}

TEST_CASE("what was never executed is asked for again, claims too") {
  PartitionInbox inbox = known({kNormal});
  inbox.claim();
  CHECK(ask(inbox).claim.any());
  inbox.lost(false);
  inbox.rested();
  CHECK(ask(inbox).claim.any());
  inbox.lost(true);
  inbox.rested();
  CHECK(ask(inbox).claim.any());
  inbox.ended();
  CHECK(ask(inbox).own == only({kNormal}));
}

TEST_CASE(
    "a read that found no group says of none of its streams that it is lost: each is made again, and its answer "
    "tells") {
  PartitionInbox inbox = known({kReplies, kNormal, kHigh});
  inbox.look();
  CHECK(ask(inbox).read == only({kReplies, kNormal, kHigh}));
  CHECK(inbox.groups_gone(only({kReplies, kNormal, kHigh})));
  CHECK_FALSE(inbox.groups_gone(only({kNormal})));
  inbox.ended();
  CHECK(ask(inbox).make == only({kReplies, kNormal, kHigh}));
  inbox.made(kHigh);  // BUSYGROUP: it was there all the time
  CHECK_FALSE(inbox.missed(kHigh));
  CHECK(inbox.missed(kNormal));
  CHECK_FALSE(inbox.missed(kNormal));
  inbox.made(kNormal);
  CHECK(inbox.missed(kReplies));
  inbox.ended();
  CHECK(inbox.groups() == only({kNormal, kHigh}));

  PartitionInbox fresh;
  fresh.wake(kHigh);
  CHECK(ask(fresh).make == only({kHigh}));
  CHECK_FALSE(fresh.missed(kHigh));  // it has never had one
}

TEST_CASE("a group that may have been made is made again, and what it gave is read before what is new") {
  PartitionInbox inbox = known({kNormal});
  inbox.wake(kHigh);
  CHECK(ask(inbox).make == only({kHigh}));
  inbox.lost(true);
  inbox.rested();
  const Ask look = ask(inbox);
  CHECK(look.own.none());  // it may have no group, and a read of several streams would fail for all
  CHECK(look.probe[kHigh]);
  CHECK(look.read == only({kNormal}));
  inbox.exist();
  inbox.ended();
  CHECK(ask(inbox).make[kHigh]);
  CHECK(inbox.reads_own(kHigh));
  CHECK(inbox.own_from(kHigh) == "0");
  inbox.made(kHigh);
  inbox.no_more_own(kHigh);
  inbox.ended();
  inbox.look();
  CHECK(ask(inbox).read == only({kNormal, kHigh}));
}

TEST_CASE("a stream that is not there is not asked for again") {
  PartitionInbox unread;
  unread.wake(kHigh);
  ask(unread);
  CHECK_FALSE(unread.groups_gone(only({kHigh})));  // a wake-up for a stream that is not there
  unread.ended();
  CHECK_FALSE(unread.next(May::kEverything).any());
}

TEST_CASE("each answer is known by its place in the request") {
  Ask ask;
  ask.probe = only({1});
  ask.read = only({kHigh});
  ask.make = only({kReplies, kNormal});
  using Kind = Part::Kind;
  const Kind kinds[] = {Kind::kProbe, Kind::kRead, Kind::kMakeGroup, Kind::kRead, Kind::kMakeGroup, Kind::kRead};
  const StreamSet streams[] = {{}, ask.read, only({kReplies}), only({kReplies}), only({kNormal}), only({kNormal})};
  for (size_t i = 0; i < 6; ++i) {
    INFO(i);
    CHECK(part_of(ask, i).kind == kinds[i]);
    CHECK(part_of(ask, i).streams == streams[i]);
  }
  CHECK(part_of(ask, 4).place == kNormal);
  Ask claim, own;
  claim.claim = own.own = only({kNormal});
  CHECK(part_of(claim, 0).kind == Kind::kClaim);
  CHECK(part_of(own, 0).streams == only({kNormal}));
}

TEST_CASE("strays are looked for in the streams that have a group, alone, and read by id when there is one") {
  PartitionInbox inbox = known({kReplies, kNormal});
  inbox.look_for_strays();
  inbox.wake(kNormal);
  const Ask first = ask(inbox);
  CHECK(first.strays == only({kReplies, kNormal}));
  CHECK_FALSE((first.claim | first.own | first.probe | first.read | first.make).any());
  CHECK(part_of(first, 0).place == kReplies);
  CHECK(part_of(first, 1).place == kNormal);
  CHECK(part_of(first, 1).kind == Part::Kind::kStrays);
  inbox.strayed(kNormal);
  inbox.ended();
  const Ask own = ask(inbox);
  CHECK(own.own == only({kNormal}));
  CHECK(inbox.own_from(kNormal) == "0");
  inbox.took_own(kNormal, "1-0");
  inbox.strayed(kNormal);  // what is being read is not begun anew
  CHECK(inbox.own_from(kNormal) == "1-0");
  inbox.no_more_own(kNormal);
  inbox.ended();
  CHECK(ask(inbox).read == only({kNormal}));
}

TEST_CASE("a look for strays whose answer was lost is made again") {
  PartitionInbox inbox = known({kNormal});
  inbox.look_for_strays();
  CHECK(ask(inbox).strays.any());
  inbox.lost(true);
  inbox.rested();
  CHECK(ask(inbox).strays == only({kNormal}));
}
