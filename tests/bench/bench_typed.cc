// What typed messages cost in C++ over C: an agent sends itself a struct, peer to peer, again and again, and handles
// it.
//
//   bench_typed c|c-table|c-anew|c++|c++-anew COUNT
//
//     c         a compiled schema
//     c-table   a table, which is checked at each write
//     …-anew    the struct is made for each message, with a copy of a text that does not fit into std::string itself
//
// Instructions are what to compare, those of COUNT messages alone:
//   valgrind --tool=callgrind --callgrind-out-file=/dev/null bench_typed c++ 22000
// and the same with 2000, the difference divided by 20,000.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mas.hpp>
#include <set>
#include <string>

#include "tests/sdk/harness.h"

namespace {

constexpr int kBatch = 100;
std::string language;
int count = 0;

struct Order {
  std::string item;
  int32_t count = 0;
  double price = 0;
};
MAS_STRUCT(Order, item, count, price)

struct COrder {
  char* item;
  int32_t count;
  double price;
};

mas_field field(const char* name, size_t offset, size_t size, int type) {
  mas_field made{};
  made.name = name;
  made.offset = offset;
  made.size = size;
  made.type = type;
  return made;
}
const mas_field kFields[] = {
    field("item", offsetof(COrder, item), sizeof(char*), MAS_TYPE_STRING),
    field("count", offsetof(COrder, count), sizeof(int32_t), MAS_TYPE_INT32),
    field("price", offsetof(COrder, price), sizeof(double), MAS_TYPE_DOUBLE),
};
const mas_schema kOrder{"Order", sizeof(COrder), kFields, 3};

mas_status on_order(mas_agent*, const mas_message*, const void* filled, void* user) {
  *static_cast<int64_t*>(user) += static_cast<const COrder*>(filled)->count;
  return MAS_OK;
}

void send_in_c(mas_agent* agent, const mas_schema* schema, const COrder& order) {
  char* json = nullptr;
  size_t size = 0;
  CHECK_OK(mas_schema_write(schema, &order, &json, &size));
  CHECK_OK(mas_agent_send(agent, "self", "order", json, size, nullptr));
  mas_free(json);
}

void send_anew_in_c(mas_agent* agent, const mas_schema* schema, const COrder& like) {
  const COrder order{strdup(like.item), like.count, like.price};
  send_in_c(agent, schema, order);
  free(order.item);
}

int64_t run_in_c(const mas_schema* schema, bool anew) {
  char item[] = "a text of some length";
  const COrder order{item, 1, 9.5};
  int64_t sum = 0;
  mas_agent* agent = agent_started("self", nullptr);
  CHECK_OK(mas_agent_on_typed(agent, "order", schema, on_order, &sum));
  for (int n = 0; n < count; n += kBatch) {
    for (int i = 0; i < kBatch; ++i) (anew ? send_anew_in_c : send_in_c)(agent, schema, order);
    while (sum < n + kBatch) CHECK_OK(mas_agent_poll(agent, 1000, nullptr));
  }
  agent_ended(agent);
  return sum;
}

Order new_order() { return {"a text of some length", 1, 9.5}; }

int64_t run_in_cpp(bool anew) {
  const Order order = new_order();
  int64_t sum = 0;
  mas::Agent agent("self", mas::Options().redis_url(redis_url()));
  agent.on<Order>("order", [&sum](const mas::Message&, const Order& received) { sum += received.count; });
  agent.start();
  for (int n = 0; n < count; n += kBatch) {
    for (int i = 0; i < kBatch; ++i)
      CHECK_OK(anew ? agent.try_send("self", "order", new_order()) : agent.try_send("self", "order", order));
    while (sum < n + kBatch) agent.poll(mas::Millis(1000));
  }
  agent.stop();
  return sum;
}

void measure() {
  const mas_schema* compiled = nullptr;
  CHECK_OK(mas_schema_compile(&kOrder, &compiled));
  const bool anew = language.ends_with("-anew");
  const bool cpp = language.starts_with("c++");
  CHECK((cpp ? run_in_cpp(anew) : run_in_c(language == "c-table" ? &kOrder : compiled, anew)) == count);
  mas_schema_free(compiled);
}

}  // namespace

int main(int argc, char** argv) {
  static const test_case one[] = {{"typed messages", measure}};
  if (argc == 3) language = argv[1], count = std::atoi(argv[2]);
  const std::set<std::string> languages = {"c", "c-table", "c-anew", "c++", "c++-anew"};
  if (count < kBatch || count % kBatch != 0 || languages.count(language) == 0) {
    std::fputs("usage: bench_typed c|c-table|c-anew|c++|c++-anew COUNT, a multiple of 100\n", stderr);
    return 64;
  }
  return RUN_TESTS(1, argv, one);
}
