// C++ exceptions that leave callbacks of the C interface: each ends its callback only. The rest of what had arrived is
// told, the poll succeeds, and the agent goes on.
#include <cstring>

#include "harness.h"

namespace {

struct NotAnException {};
int calls = 0;

[[noreturn]] void leave() {
  ++calls;
  throw NotAnException();
}

mas_status handler(mas_agent *, const mas_message *, void *) { leave(); }
mas_status hook(mas_agent *, void *) { leave(); }
void receipt(mas_agent *, const char *, const char *, mas_status, void *) { leave(); }
void reply(mas_agent *, mas_status, const mas_message *, void *) { leave(); }
void connection(mas_agent *, mas_connection, const char *, void *) { leave(); }
void overflow(mas_agent *, uint64_t, void *) { leave(); }

bool called(void *wanted) { return calls >= *static_cast<int *>(wanted); }

/// Polls, each time with success, until so many callbacks have been left.
void expect_calls(mas_agent *agent, int wanted) {
  for (int i = 0; i < 1000 && calls < wanted; ++i) CHECK_OK(mas_agent_poll(agent, 10, nullptr));
  CHECK(called(&wanted));
  calls = 0;
}

mas_agent *new_agent(size_t inbound) {
  mas_options *options = options_here();
  mas_agent *agent = nullptr;
  CHECK_OK(mas_options_set_inbound_queue(options, inbound, 1 << 20));
  CHECK_OK(mas_agent_new("alice", options, &agent));
  mas_options_free(options);
  calls = 0;
  return agent;
}

void send(mas_agent *agent, const char *target) {
  CHECK_OK(mas_agent_send(agent, target, "note", nullptr, 0, nullptr));
}

void a_handler() {
  mas_agent *agent = new_agent(10);
  CHECK_OK(mas_agent_on_message(agent, nullptr, handler, nullptr));
  CHECK_OK(mas_agent_start(agent, 5000));
  for (int i = 0; i < 3; ++i) send(agent, "alice");
  expect_calls(agent, 3);
  mas_stats stats;
  mas_agent_stats(agent, &stats, sizeof stats);
  CHECK(stats.handler_failed == 3);
  agent_ended(agent);
}

void a_receipt() {
  mas_agent *agent = new_agent(10);
  mas_agent_on_receipt(agent, MAS_RECEIPTS_FAILURES, receipt, nullptr);
  CHECK_OK(mas_agent_start(agent, 5000));
  for (int i = 0; i < 3; ++i) send(agent, "nobody");
  expect_calls(agent, 3);
  agent_ended(agent);
}

void the_end_of_a_request() {
  mas_agent *agent = new_agent(10);
  CHECK_OK(mas_agent_start(agent, 5000));
  auto ask = [agent](const char *whom) {
    CHECK_OK(mas_agent_request_async(agent, whom, "question", nullptr, 0, 60'000, reply, nullptr, nullptr));
  };
  for (int i = 0; i < 3; ++i) ask("nobody");
  expect_calls(agent, 3);
  for (int i = 0; i < 3; ++i) ask("alice");  // nobody answers: the stop ends them
  CHECK_OK(mas_agent_stop(agent, 5000));
  CHECK(calls == 3);
  mas_agent_free(agent);
}

void a_change_of_the_connection() {
  mas_agent *agent = new_agent(10);
  mas_agent_on_connection(agent, connection, nullptr);
  CHECK_OK(mas_agent_start(agent, 5000));
  CHECK_TEXT(redis("CLIENT", "KILL", "TYPE", "pubsub", nullptr), "1");
  expect_calls(agent, 2);  // gone, and back
  agent_ended(agent);
}

void an_overflow() {
  mas_agent *agent = new_agent(1);
  mas_agent_on_overflow(agent, overflow, nullptr);
  CHECK_OK(mas_agent_start(agent, 5000));
  for (int i = 0; i < 5; ++i) CHECK_OK(mas_agent_send_wait(agent, "alice", "note", nullptr, 0, 5000, nullptr));
  expect_calls(agent, 1);
  agent_ended(agent);
}

void hooks() {
  mas_agent *agent = new_agent(10);
  mas_agent_on_start(agent, hook, nullptr);
  CHECK_STATUS(mas_agent_start(agent, 5000), MAS_HANDLER_FAILED);
  CHECK_TEXT(redis("EXISTS", "agent:alice", nullptr), "0");
  mas_agent_on_start(agent, nullptr, nullptr);
  mas_agent_on_stop(agent, hook, nullptr);
  CHECK_OK(mas_agent_start(agent, 5000));
  CHECK_OK(mas_agent_stop(agent, 5000));
  CHECK_TEXT(redis("EXISTS", "agent:alice", nullptr), "0");
  CHECK(calls == 2);
  mas_agent_free(agent);
}

constexpr test_case kTests[] = {
    {"a_handler", a_handler},
    {"a_receipt", a_receipt},
    {"the_end_of_a_request", the_end_of_a_request},
    {"a_change_of_the_connection", a_change_of_the_connection},
    {"an_overflow", an_overflow},
    {"hooks", hooks},
};

}  // namespace

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
