// mas.hpp: the C++ wrapper, used as an application would.
#include <pthread.h>

#include <mas.hpp>
#include <string>
#include <thread>

#include "tests/sdk/harness.h"
#include "tests/sdk/mock_gateway.h"

namespace {

mas::Options here() { return mas::Options().redis_url(redis_url()); }

void requests_and_state() {
  mas::Agent calculator("calculator", here().capability("math.add").metadata(R"({"v":1})"));
  mas::Agent client("client", here());
  calculator.on_message("add", [](const mas::Message &request) {
    CHECK(request.sender() == "client" && request.expects_reply());
    request.reply("sum", R"({"sum":3})");
  });
  calculator.start();
  client.start();

  auto found = client.discover({"math.add"});
  CHECK(found.size() == 1 && found[0].id == "calculator" && found[0].active);
  CHECK(found[0].capabilities == std::vector<std::string>{"math.add"} && found[0].metadata == R"({"v":1})");

  std::string answer;
  client.request_async("calculator", "add", "{}", mas::Millis(5000), [&](mas_status status, const mas::Message *reply) {
    CHECK(status == MAS_OK);
    answer = reply->data();
  });
  CHECK(calculator.poll(mas::Millis(5000)));
  CHECK(client.poll(mas::Millis(5000)));
  CHECK(answer == R"({"sum":3})");

  client.update_state({{"a", "1"}, {"b", std::nullopt}});
  CHECK(client.state("a") == "1" && !client.state("b"));
  client.reset_state();
  CHECK(!client.state("a"));

  mas_status refused = MAS_OK;
  try {
    client.request("nobody", "x", "{}", mas::Millis(1000));
  } catch (const mas::Failure &failure) {
    refused = failure.status();
    CHECK(failure.retriable() && std::string(failure.what()).find("nobody") != std::string::npos);
  }
  CHECK(refused == MAS_NO_RECEIVER);
  client.stop();
  calculator.stop();
}

void a_handler_that_throws_has_failed() {
  mas::Agent agent("alice", here());
  int overflows = 0, receipts = 0, doubts = 0;
  agent.on_other_message([](const mas::Message &) { throw std::runtime_error("no"); });
  agent.on_overflow([&](uint64_t) { ++overflows; });
  agent.on_doubt([&](const mas::Doubt &doubt) { doubts += static_cast<int>(doubt.message_ids.size()); });
  agent.on_receipt(MAS_RECEIPTS_ALL, [&](std::string_view id, std::string_view target, mas_status outcome) {
    CHECK(id.size() == 36 && target == "alice" && outcome == MAS_OK);
    ++receipts;
  });
  agent.start();
  CHECK(agent.send("alice", "x").size() == 36);
  for (int i = 0; i < 100 && (agent.stats().handler_failed == 0 || receipts == 0); ++i)
    CHECK(agent.poll(mas::Millis(100)));
  CHECK(agent.stats().handler_failed == 1 && receipts == 1 && overflows == 0 && doubts == 0);
  CHECK(agent.try_send("alice", "x", "[") == MAS_MALFORMED);
  mas_send_options options{};
  options.priority = MAS_PRIORITY_LOW;
  CHECK(agent.send_with("alice", "x", "{}", options).size() == 36);
  agent.flush(mas::Millis(5000));
  agent.quit();
  CHECK(!agent.poll(mas::Millis(5000)));
}

void a_handler_that_ends_its_thread() {
  mas::Agent agent("alice", here());
  int notes = 0;
  agent.on_message("end", [](const mas::Message &) { pthread_exit(nullptr); });
  agent.on_message("note", [&](const mas::Message &) { ++notes; });
  agent.start();
  agent.send("alice", "end");
  std::thread([&] {
    for (;;) agent.poll(mas::Millis(1000));
  }).join();
  agent.send("alice", "note");
  for (int i = 0; i < 100 && notes == 0; ++i) CHECK(agent.poll(mas::Millis(100)));
  CHECK(notes == 1);
}

void gateway_mode() {
  mock_gateway *gateway = mock_gateway_start();
  auto options = [] {
    return here().mode(MAS_MODE_GATEWAY).credentials("").dedupe_window(10).doubt_window(10, std::chrono::seconds(60));
  };
  mas::Agent alice("alice", options()), bob("bob", options());
  int notes = 0;
  bob.on_message("note", [&](const mas::Message &) { ++notes; });
  alice.start();
  bob.start();
  std::string id = alice.send_wait("bob", "note", "{}", mas::Millis(5000));
  CHECK(mas::receipt_note().decision == "ALLOWED");
  alice.send_again(id, "bob", "note");
  mock_gateway_refuse_type(gateway, "flood", "RATE_LIMITED", "100 a minute", 250);
  mas_status refused = MAS_OK;
  try {
    alice.send_wait("bob", "flood", "{}", mas::Millis(5000));
  } catch (const mas::Failure &failure) {
    refused = failure.status();
    CHECK(failure.retriable() && mas::receipt_note().retry_after == mas::Millis(250));
  }
  CHECK(refused == MAS_RATE_LIMITED);
  for (int i = 0; i < 100 && (bob.stats().duplicates == 0 || notes == 0); ++i) CHECK(bob.poll(mas::Millis(100)));
  CHECK(bob.stats().duplicates == 1 && notes == 1);
  alice.stop();
  bob.stop();
  mock_gateway_stop(gateway);
}

const test_case kTests[] = {
    {"requests and state", requests_and_state},
    {"a handler that throws has failed", a_handler_that_throws_has_failed},
    {"a handler that ends its thread", a_handler_that_ends_its_thread},
    {"gateway mode", gateway_mode},
};

}  // namespace

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
