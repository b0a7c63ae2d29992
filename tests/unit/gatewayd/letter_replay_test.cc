// Which script a request for a dead letter becomes: by what the queue says, and where the sender's partition is.
#include "daemons/gatewayd/replay/letter_replay.h"

#include "daemons/gatewayd/replay/replay_frame.h"
#include "proto/wire/partitions.h"
#include "tests/lib/resp.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;
using mas::test::resp_list;
using mas::test::resp_text;

namespace {

constexpr size_t kPartitions = 4;
constexpr size_t kMaxEnvelope = 1000;
const std::string kId = "5-1";

std::string letter(const std::string& payload) {
  return resp_list({resp_list({resp_text(kId), resp_list({resp_text("payload"), resp_text(payload), resp_text("sender"),
                                                          resp_text("alice")})})});
}
const std::string kEnvelope =
    R"({"sender_id":"alice","target_id":"bob","message_type":"note","data":{},"meta":{"version":1},)"
    R"("timestamp":1.5,"message_id":"m1"})";

struct Fixture {
  Keys keys;
  HmacKey mac{"replays"};
  LetterReplay letters;
  redis::Command moves, pushes;
  unsigned alices = partition_of("alice", kPartitions);

  explicit Fixture(KeyLayout layout = KeyLayout::kOneServer) : keys({}, layout), letters(keys, "", mac, kMaxEnvelope) {}

  template <typename Fn>
  void with(const std::string& bytes, Fn fn) {
    redis::ReplyReader reader;
    REQUIRE(reader.feed(bytes).ok());
    auto reply = reader.next();
    REQUIRE((reply.ok() && *reply != nullptr));
    fn(**reply);
  }
  LetterReplay::Appended append(unsigned place, const std::string& entries) {
    LetterReplay::Appended appended;
    with(entries, [&](const redis::Reply& reply) {
      appended = letters.append_move(moves, pushes, place, kId, reply, kPartitions);
    });
    return appended;
  }
  bool answered(const std::string& entries) {
    bool answered = false;
    with(entries, [&](const redis::Reply& reply) { answered = LetterReplay::answered(reply); });
    return answered;
  }
  /// Whether the script ends with a frame; else with an empty word.
  bool has_frame(const redis::Command& command) const { return !command.bytes().ends_with("$0\r\n\r\n"); }
  unsigned another() const { return (alices + 1) % kPartitions; }
};

}  // namespace

TEST_CASE("on one server a letter is moved to its sender's partition in one script") {
  Fixture test;
  const auto appended = test.append(0, letter(kEnvelope));
  CHECK(appended.fits.ok());
  CHECK_FALSE(appended.pushed);
  CHECK(test.moves.count() == 1);
  CHECK(test.pushes.count() == 0);
  CHECK(test.has_frame(test.moves));
  CHECK(test.moves.bytes().find(resp_text(test.keys.ingress(test.alices))) != std::string::npos);
}

TEST_CASE("on a cluster a letter of another partition's sender is pushed, one of its own moved") {
  Fixture test(KeyLayout::kCluster);
  CHECK(test.append(test.another(), letter(kEnvelope)).pushed);
  CHECK(test.moves.count() == 0);
  CHECK(test.has_frame(test.pushes));
  CHECK(test.pushes.bytes().find(resp_text(test.keys.dead_letters(test.alices))) != std::string::npos);

  CHECK_FALSE(test.append(test.alices, letter(kEnvelope)).pushed);
  CHECK(test.moves.count() == 1);
  CHECK(test.has_frame(test.moves));
}

TEST_CASE("a letter that is gone, or that cannot be replayed, is not pushed: its request is removed") {
  for (auto layout : {KeyLayout::kOneServer, KeyLayout::kCluster}) {
    Fixture test(layout);
    auto appended = test.append(test.another(), resp_list({}));
    CHECK(appended.fits.ok());
    CHECK_FALSE(appended.pushed);
    appended = test.append(test.another(), letter("no envelope"));
    CHECK_FALSE(appended.fits.ok());
    CHECK_FALSE(appended.pushed);
    CHECK(test.moves.count() == 2);
    CHECK(test.pushes.count() == 0);
    CHECK_FALSE(test.has_frame(test.moves));
  }
}

TEST_CASE("a letter that is too large is refused by its length") {
  Fixture test;
  const std::string too_long = resp_list({resp_list({resp_text(kId), resp_list({resp_text("payload"), ":5000\r\n"})})});
  const auto appended = test.append(0, too_long);
  REQUIRE_FALSE(appended.fits.ok());
  CHECK(appended.fits.error().message.find("letter " + kId) != std::string::npos);
  CHECK_FALSE(test.has_frame(test.moves));
}

TEST_CASE("an error says nothing about the request, unless it is that the request is no id") {
  Fixture test;
  CHECK(test.answered(resp_list({})));
  CHECK(test.answered("-ERR Invalid stream ID specified as stream command argument\r\n"));
  CHECK_FALSE(test.answered("-WRONGTYPE Operation against a key\r\n"));
  CHECK_FALSE(test.answered("-LOADING Redis is loading the dataset in memory\r\n"));
}
