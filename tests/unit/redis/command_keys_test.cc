// By which slot a command is routed.
#include "proto/redis/cluster/command_keys.h"

#include "proto/redis/bounded_answer.h"
#include "proto/redis/cluster/hash_slot.h"
#include "proto/redis/command.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;

namespace {

/// "none", "split", "unknown", or the slot.
std::string slot(const Command& command) {
  auto found = slot_of_run(command.bytes(), command.count());
  if (found) return *found ? std::to_string(**found) : "none";
  CHECK(found.error().code == Errc::kInvalidArgument);
  return found.error().message.find("several slots") != std::string::npos ? "split" : "unknown";
}

const std::string kBob = std::to_string(hash_slot("bob"));

}  // namespace

TEST_CASE("a command is routed by its keys, wherever they stand") {
  CHECK(slot(Command("HSET", "agent:{bob}", "id", "alice")) == kBob);
  CHECK(slot(Command("DEL", "{bob}1", "{bob}2")) == kBob);
  CHECK(slot(Command("EVAL", "return 1", 2, "{bob}1", "{bob}2", "{alice}")) == kBob);
  CHECK(slot(Command("FCALL", "f", 0, "x")) == "none");
  CHECK(slot(Command("MEMORY", "USAGE", "agent.state:{bob}", "SAMPLES", 0)) == kBob);
  CHECK(slot(Command("XGROUP", "CREATE", "{bob}", "agents", 0)) == kBob);
  CHECK(slot(Command("XREADGROUP", "GROUP", "agents", "i", "COUNT", 1, "STREAMS", "{bob}1", "{bob}2", ">", ">")) ==
        kBob);
  CHECK(slot(Command("BLMOVE", "{bob}", "{bob}", "LEFT", "LEFT", 1)) == kBob);
  CHECK(slot(Command("SPUBLISH", "agent.{bob}", "{alice}")) == kBob);
  CHECK(slot(bounded({.text = 10}, {"HGET", "agent:{bob}", "status"})) == kBob);
  CHECK(slot(Command("PUBLISH", "mas.system", "x")) == "none");
  CHECK(slot(Command("TIME")) == "none");
}

TEST_CASE("a run is routed by all of its keys, and refused where they are in several slots") {
  Command run("TIME");
  CHECK(slot(run) == "none");
  run.add("GET", "agent:{bob}:heartbeat").add("PUBLISH", "mas.system", "x").add("HGET", "agent:{bob}", "id");
  CHECK(slot(run) == kBob);
  run.add("GET", "agent:{alice}:heartbeat");
  CHECK(slot(run) == "split");
  CHECK(slot(Command("SINTER", "mas.capability:a", "mas.capability:b")) == "split");
}

TEST_CASE("a command whose keys are not known is refused, and its arguments are not told") {
  CHECK(slot(Command("SORT", "secret")) == "unknown");
  CHECK(slot(Command("SCAN", 0)) == "unknown");  // each primary has to be asked
  auto refused = slot_of_run(Command("SORT", "secret").bytes(), 1);
  CHECK(refused.error().message.find("secret") == std::string::npos);
  for (const char* bad : {"", "GET a\r\n", "*2\r\n$3\r\nGET\r\n$9\r\na\r\n", "*1\r\n$99999999999999999999\r\nx\r\n"})
    CHECK_FALSE(slot_of_run(bad, 1).ok());
}

TEST_CASE("commands are taken off a run one by one") {
  Command run("GET", "a");
  run.add("HSET", "b", "", "\r\n").add("TIME");
  std::string_view bytes = run.bytes();
  CHECK(split_command(bytes) == Command("GET", "a").bytes());
  CHECK(split_command(bytes) == Command("HSET", "b", "", "\r\n").bytes());
  CHECK(split_command(bytes) == Command("TIME").bytes());
  CHECK(split_command(bytes).empty());
}
