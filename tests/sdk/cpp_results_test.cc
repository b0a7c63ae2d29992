// The face of mas.hpp that returns mas::Result, in a program without exceptions.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <mas.hpp>
#include <string>
#include <vector>

#include "tests/sdk/harness.h"

#ifdef __cpp_exceptions
#error "this program shows that mas.hpp needs no exceptions"
#endif

namespace {

using namespace mas::results;

struct Greeting {
  std::string name;
  int32_t times = 1;
};
MAS_STRUCT_WITH(Greeting, MAS_MEMBER(name).length(1, 80), MAS_MEMBER(times).range(1, 10).optional())

Options here() { return Options().redis_url(redis_url()); }

void calls_return_results() {
  auto alice = Agent::create("alice", here()), bob = Agent::create("bob", here());
  CHECK(alice && bob);
  CHECK(bob->on<Greeting>(
               "greeting",
               [](const Message &request, const Greeting &greeting) {
                 return request.reply("greeting.reply", Greeting{"hello " + greeting.name, greeting.times + 1});
               })
            .ok());
  CHECK(bob->on_message("note", [](const Message &message) { return message.reply("x"); }).ok());
  CHECK(alice->start().ok() && bob->start().ok());
  auto reply = alice->request<Greeting>("bob", "greeting", Greeting{"Ada", 2});
  CHECK(*bob->poll(mas::Millis(5000)));
  mas::Result<Greeting> greeting = reply.get();
  CHECK(greeting.ok() && greeting->name == "hello Ada" && greeting->times == 3);

  auto sent = alice->send("bob", "note");
  CHECK(sent && sent->size() == 36);
  for (int i = 0; i < 100 && bob->stats().handler_failed == 0; ++i) CHECK(bob->poll(mas::Millis(100)).ok());
  CHECK(bob->stats().handler_failed == 1);  // its reply failed

  CHECK(alice->send("bob", "greeting", Greeting{"", 1}).status() == MAS_MALFORMED);
  auto nobody = alice->request<Message>("nobody", "x").get();
  CHECK(nobody.status() == MAS_NO_RECEIVER && nobody.error().retriable());
  CHECK(alice->request("nobody", "x", "{}", mas::Millis(1000)).status() == MAS_NO_RECEIVER);
  CHECK(alice->start().status() == MAS_INVALID_STATE);
  CHECK(std::string(alice->start().error().what()).find("already") != std::string::npos);
  CHECK(alice->discover({"none"})->empty());
  CHECK(alice->stop().ok());
  CHECK(alice->request<Greeting>("bob", "x").get().status() == MAS_INVALID_STATE);
}

void the_first_wrong_option_is_reported() {
  auto agent = Agent::create("alice", here().heartbeat(mas::Millis(1), mas::Millis(1)).capability(""));
  CHECK(agent.status() == MAS_INVALID_ARGUMENT);
  CHECK(std::string(agent.error().what()).find("heartbeat") != std::string::npos);
  CHECK(DataKey::read("key", "/nowhere/at/all").status() == MAS_NOT_FOUND);
  std::vector<std::string> lines;
  auto debugged = Agent::create("alice", here().debug([&](std::string_view line) { lines.emplace_back(line); }));
  CHECK(debugged->start().ok() && debugged->stop().ok() && !lines.empty());
}

void state() {
  auto bob = Agent::create("bob", here());
  CHECK(bob->start().ok());
  auto notes = State<Greeting>::bind(*bob);
  CHECK(notes.ok());
  (*notes)->name = "Bo";
  CHECK(notes->save().ok());
  CHECK_TEXT(redis("HGET", "agent.state:bob", "name", nullptr), "Bo");
  CHECK(**bob->state("name") == "Bo" && !*bob->state("none"));
  (*notes)->times = 11;
  CHECK(notes->save().status() == MAS_MALFORMED);
  redis("HSET", "agent.state:bob", "times", "x", nullptr);
  CHECK(notes->refresh().status() == MAS_MALFORMED);
}

// There is nothing to throw: the program says what failed, and ends.
void the_value_of_a_failure_ends_the_program_with_its_error() {
  int said[2];
  CHECK(pipe(said) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(said[1], STDERR_FILENO);
    const auto failed = mas::from_json<Greeting>("[]");
    _exit(failed->times);
  }
  close(said[1]);
  char text[256] = "";
  CHECK(read(said[0], text, sizeof text - 1) > 0);
  close(said[0]);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  CHECK(std::string(text).find("the value of a failed Result was used: malformed") != std::string::npos);
}

const test_case kTests[] = {
    {"calls return results", calls_return_results},
    {"the first wrong option is reported", the_first_wrong_option_is_reported},
    {"state", state},
    {"the value of a failure ends the program with its error", the_value_of_a_failure_ends_the_program_with_its_error},
};

}  // namespace

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
