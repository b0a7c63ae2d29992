// Structs in C++: every type of member, what does not fit, defaults, and handlers that get structs.
#include <cstring>
#include <limits>
#include <mas.hpp>
#include <string>
#include <thread>

#include "tests/sdk/harness.h"

namespace {

using std::string;

struct Place {
  string city;
  double latitude = 48.5;
};
MAS_STRUCT_WITH(Place, MAS_MEMBER(city).length(1, 20), MAS_MEMBER(latitude).range(-90, 90).optional())

struct Visit {
  bool urgent = false;
  int32_t age = 0;
  int64_t number = 0;
  double weight = 0;
  string name;
  mas::Bytes scan;
  mas::Json notes;
  Place place;
  std::vector<bool> flags;
  std::vector<int32_t> counts;
  std::vector<int64_t> numbers;
  std::vector<double> weights;
  std::vector<string> codes;
  std::vector<mas::Bytes> scans;
  std::vector<mas::Json> values;
  std::vector<Place> places;
};
MAS_STRUCT(Visit, urgent, age, number, weight, name, scan, notes, place, flags, counts, numbers, weights, codes, scans,
           values, places)

struct Perhaps {
  std::optional<bool> urgent;
  std::optional<int32_t> age;
  std::optional<int64_t> number;
  std::optional<double> weight;
  std::optional<string> name;
  std::optional<mas::Bytes> scan;
  std::optional<mas::Json> notes;
  std::optional<Place> place;
  std::optional<std::vector<string>> codes;
  std::optional<std::vector<Place>> places;
};
MAS_STRUCT(Perhaps, urgent, age, number, weight, name, scan, notes, place, codes, places)

struct Order {
  string id;
  string ward = "north";
  int32_t count = 1;
  std::vector<string> tags = {"new"};
  Place to = {"Ulm", 1};
};
MAS_STRUCT_WITH(Order, MAS_MEMBER(id).named("order id").pattern("[A-Z][0-9]+", 8),
                MAS_MEMBER(ward).one_of({"north", "south"}).optional(), MAS_MEMBER(count).at_least(1).optional(),
                MAS_MEMBER(tags).length(0, 2).optional(), MAS_MEMBER(to).optional())

void check_json(int line, const mas::Result<string> &json, const char *expected) {
  check_text(__FILE__, line, "json", json ? json->c_str() : json.error().what(), expected);
}

void every_type_of_member() {
  const char *json =
      R"({"urgent":true,"age":-2147483648,"number":9223372036854775807,"weight":0.5,"name":"Z\u00fc \"x\"",)"
      R"("scan":"AP/+","notes":[1, {"x":null}],"place":{"city":"Ulm","latitude":-1},"flags":[true,false],)"
      R"("counts":[1,2],"numbers":[-9223372036854775808],"weights":[1.5,2],"codes":["a",""],"scans":["AA==",""],)"
      R"("values":[null,"b"],"places":[{"city":"A"},{"city":"B","latitude":2}]})";
  auto read = mas::from_json<Visit>(json);
  CHECK_TEXT(read ? "" : read.error().what(), "");
  const Visit &visit = *read;
  CHECK(visit.urgent && visit.age == std::numeric_limits<int32_t>::min() && visit.number == INT64_MAX);
  CHECK(visit.weight == 0.5 && visit.name == "Z\xc3\xbc \"x\"" && visit.notes.text == R"([1, {"x":null}])");
  CHECK(visit.scan == (mas::Bytes{std::byte{0}, std::byte{0xff}, std::byte{0xfe}}));
  CHECK(visit.place.city == "Ulm" && visit.place.latitude == -1);
  CHECK(visit.flags == (std::vector<bool>{true, false}) && visit.counts == (std::vector<int32_t>{1, 2}));
  CHECK(visit.numbers.at(0) == INT64_MIN && visit.weights.at(1) == 2 && visit.codes == (std::vector<string>{"a", ""}));
  CHECK(visit.scans.size() == 2 && visit.scans[0].size() == 1 && visit.scans[1].empty());
  CHECK(visit.values.at(0).text == "null" && visit.values.at(1).text == "\"b\"");
  CHECK(visit.places.size() == 2 && visit.places[0].latitude == 48.5 && visit.places[1].city == "B");
  check_json(
      __LINE__, mas::to_json(visit),
      R"({"urgent":true,"age":-2147483648,"number":9223372036854775807,"weight":0.5,"name":"Zü \"x\"",)"
      R"("scan":"AP/+","notes":[1, {"x":null}],"place":{"city":"Ulm","latitude":-1},"flags":[true,false],)"
      R"("counts":[1,2],"numbers":[-9223372036854775808],"weights":[1.5,2],"codes":["a",""],"scans":["AA==",""],)"
      R"("values":[null,"b"],"places":[{"city":"A","latitude":48.5},{"city":"B","latitude":2}]})");
}

void what_is_absent_is_told_from_0() {
  auto empty = mas::from_json<Perhaps>(R"({"urgent":null,"place":null,"codes":null})");
  CHECK(empty && !empty->urgent && !empty->age && !empty->name && !empty->scan && !empty->place && !empty->codes);
  check_json(__LINE__, mas::to_json(*empty), "{}");
  Perhaps zeros;
  zeros.urgent = false;
  zeros.age = 0;
  zeros.number = 0;
  zeros.weight = 0;
  zeros.name.emplace();
  zeros.scan.emplace();
  zeros.notes = mas::Json{"null"};
  zeros.place = Place{"A", 0};
  zeros.codes.emplace();
  zeros.places.emplace();
  const char *json = R"({"urgent":false,"age":0,"number":0,"weight":0,"name":"","scan":"","notes":null,)"
                     R"("place":{"city":"A","latitude":0},"codes":[],"places":[]})";
  check_json(__LINE__, mas::to_json(zeros), json);
  auto again = mas::from_json<Perhaps>(json);
  CHECK(again && again->age == 0 && again->urgent == false && again->scan && again->codes && again->places);
  CHECK(again->notes->text == "null" && again->place->city == "A");
}

void an_absent_member_is_as_its_initializer_made_it() {
  auto order = mas::from_json<Order>(R"({"order id":"A1","ward":null})");
  CHECK(order && order->ward == "north" && order->count == 1 && order->tags == std::vector<string>{"new"});
  CHECK(order->to.city == "Ulm" && order->to.latitude == 1);
}

struct Limits {
  std::optional<int32_t> most = 5;
  std::optional<string> ward = "north";
  std::optional<std::vector<string>> tags = std::vector<string>{"new"};
  std::optional<Place> place = Place{"Ulm", 1};
};
MAS_STRUCT(Limits, most, ward, tags, place)

void an_optional_with_an_initializer_may_be_null() {
  auto read = mas::from_json<Limits>("{}");
  CHECK(read && read->most == 5 && read->ward == "north" && read->tags && read->place);
  const char *nulls = R"({"most":null,"ward":null,"tags":null,"place":null})";
  read = mas::from_json<Limits>(nulls);
  CHECK(read && !read->most && !read->ward && !read->tags && !read->place);
  check_json(__LINE__, mas::to_json(*read), nulls);
}

void a_result_is_checked_where_it_is_used() {
  mas::Result<Limits> failed = mas::from_json<Limits>("[]");
  CHECK(!failed);
  const mas::Result<Limits> &same = failed;
  int thrown = 0;
  auto expect = [&](auto use) {
    try {
      use();
    } catch (const mas::Error &error) {
      thrown += error.status() == failed.status() ? 1 : 0;
    }
  };
  expect([&] { (void)*failed; });
  expect([&] { (void)failed->most; });
  expect([&] { (void)*same; });
  expect([&] { (void)same->most; });
  expect([&] { (void)*mas::from_json<Limits>("[]"); });
  expect([&] { (void)failed.value(); });
  CHECK(thrown == 6);
  CHECK(mas::Result<int>(1).error().status() == MAS_OK && mas::Result<void>().error().status() == MAS_OK);
}

template <typename S>
void misfit(int line, const char *json, const char *expected) {
  auto read = mas::from_json<S>(json);
  check_true(__FILE__, line, "is a misfit", read.status() == MAS_MALFORMED);
  check_text(__FILE__, line, "detail", read.error().detail(), expected);
  check_text(__FILE__, line, "what", read.error().what(),
             (mas_status_text(MAS_MALFORMED) + string(": ") + expected).c_str());
}

void what_does_not_fit_is_named_as_in_c() {
  misfit<Order>(__LINE__, "{}", "order id: is missing; expected a string that matches [A-Z][0-9]+");
  misfit<Order>(__LINE__, R"({"order id":"a1"})", "order id: expected a string that matches [A-Z][0-9]+, not this one");
  misfit<Order>(__LINE__, R"({"order id":"A1","ward":"east"})", "ward: expected one of 'north' 'south', not this one");
  misfit<Order>(__LINE__, R"({"order id":"A1","count":0})", "count: expected an integer of at least 1, not this one");
  misfit<Order>(__LINE__, R"({"order id":"A1","count":"0"})", "count: expected an integer of at least 1, not a string");
  misfit<Order>(__LINE__, R"({"order id":"A1","tags":["a","b","c"]})",
                "tags: expected an array of at most 2 elements, not this one");
  misfit<Order>(__LINE__, R"({"order id":"A1","tags":["a",1]})", "tags[1]: expected a string, not an integer");
  misfit<Order>(__LINE__, R"({"order id":"A1","to":{"city":"A","latitude":91}})",
                "to.latitude: expected a number from -90 to 90, not this one");
  misfit<Perhaps>(__LINE__, R"({"age":1.5})", "age: expected an integer, not a number");
  misfit<Perhaps>(__LINE__, R"({"places":[{"city":"A"},{}]})",
                  "places[1].city: is missing; expected a string of 1 to 20 bytes");
  misfit<Perhaps>(__LINE__, R"({"scan":"?"})", "scan: expected a string in base64, not this one");
  CHECK(mas::from_json<Order>("[]").status() == MAS_MALFORMED);
  CHECK(mas::from_json<Order>("").status() == MAS_MALFORMED);
}

void a_struct_that_breaks_its_checks_is_not_written() {
  Order order;
  order.id = "nothing";
  check_text(__FILE__, __LINE__, "pattern", mas::to_json(order).error().detail(),
             "order id: expected a string that matches [A-Z][0-9]+, not this one");
  order.id = "A1";
  order.to.latitude = 100;
  CHECK(mas::to_json(order).status() == MAS_MALFORMED);
  Perhaps perhaps;
  perhaps.places = {Place{"A", 0}, Place{string("a\0b", 3), 0}};
  check_text(__FILE__, __LINE__, "a zero", mas::to_json(perhaps).error().detail(),
             "places[1].city: expected a string without U+0000, not this one");
  perhaps.places.reset();
  perhaps.codes = {"a", string("\0", 1)};
  check_text(__FILE__, __LINE__, "a zero", mas::to_json(perhaps).error().detail(),
             "codes[1]: expected a string without U+0000, not this one");
  perhaps.codes.reset();
  perhaps.name = "\xff";
  CHECK(mas::to_json(perhaps).status() == MAS_MALFORMED);
  perhaps.name.reset();
  perhaps.notes = mas::Json{"{"};
  CHECK(mas::to_json(perhaps).status() == MAS_MALFORMED);
}

struct Tree {
  std::vector<Tree> branches;
};
MAS_STRUCT(Tree, branches)

struct Odd {
  int32_t count = 0;
};
MAS_STRUCT_WITH(Odd, MAS_MEMBER(count).range(1, 9).optional())

struct Unclosed {
  string text;
};
MAS_STRUCT_WITH(Unclosed, MAS_MEMBER(text).pattern("(", 9))

void a_wrong_schema_is_named() {
  CHECK(mas::from_json<Tree>(R"({"branches":[]})").status() == MAS_INVALID_ARGUMENT);
  auto odd = mas::from_json<Odd>("{}");
  CHECK(odd.status() == MAS_INVALID_ARGUMENT);
  CHECK_TEXT(odd.error().detail(),
             "schema Odd: field 'count' may be absent, but its initializer does not fit: "
             "count: expected an integer from 1 to 9, not this one");
  auto unclosed = mas::from_json<Unclosed>("{}");
  CHECK(unclosed.status() == MAS_INVALID_ARGUMENT);
  CHECK(std::strstr(unclosed.error().detail(), "schema Unclosed: field 'text' has a pattern that is no") != nullptr);
}

// ---- Handlers

mas::Options here() { return mas::Options().redis_url(redis_url()); }

template <typename Condition>
bool polled_until(mas::Agent &agent, Condition condition) {
  for (int i = 0; i < 100 && !condition(); ++i) CHECK(agent.poll(mas::Millis(100)));
  return condition();
}

void a_handler_gets_the_struct() {
  mas::Agent alice("alice", here()), bob("bob", here());
  Place got;
  std::optional<mas::Message> kept;
  bob.on<Place>("place", [&](const mas::Message &message, const Place &place) {
    CHECK(message.sender() == "alice" && message.as<Place>().city == place.city);
    got = place;
    kept = message;
  });
  std::vector<string> taken;
  bob.on<Perhaps>("perhaps", [&](const mas::Message &, Perhaps value) { taken = std::move(value.codes).value(); });
  alice.start();
  bob.start();
  alice.send("bob", "place", Place{"Oulu", 65});
  CHECK(polled_until(bob, [&] { return got.city == "Oulu" && got.latitude == 65; }));
  CHECK(kept->type() == "place" && kept->data() == R"({"city":"Oulu","latitude":65})");
  alice.send("bob", "perhaps", R"({"codes":["x"]})");
  CHECK(polled_until(bob, [&] { return taken == std::vector<string>{"x"}; }));

  alice.send("bob", "place", R"({"city":7})");
  CHECK(polled_until(bob, [&] { return bob.stats().handler_failed == 1; }));
  CHECK(got.city == "Oulu");
  bob.off("place");
  alice.send("bob", "place", Place{"Bern", 0});
  CHECK(polled_until(bob, [&] { return bob.stats().unhandled == 1; }));

  mas_status refused = MAS_OK;
  try {
    alice.send("bob", "place", Place{"", 0});
  } catch (const mas::Error &error) {
    refused = error.status();
    CHECK_TEXT(error.detail(), "city: expected a string of 1 to 20 bytes, not this one");
  }
  CHECK(refused == MAS_MALFORMED && alice.try_send("bob", "place", Place{"", 0}) == MAS_MALFORMED);
  refused = MAS_OK;
  try {
    bob.on<Unclosed>("x", [](const mas::Message &, const Unclosed &) {});
  } catch (const mas::Error &error) {
    refused = error.status();
  }
  CHECK(refused == MAS_INVALID_ARGUMENT);
}

void a_reply_may_come_from_another_thread() {
  mas::Agent alice("alice", here()), bob("bob", here());
  std::thread worker;
  bob.on<Place>("where", [&](const mas::Message &request, const Place &place) {
    worker = std::thread([request, place] { request.reply("there", Place{place.city, 1}); });
  });
  alice.start();
  bob.start();
  auto there = alice.request<Place>("bob", "where", Place{"Rom", 0});
  CHECK(bob.poll(mas::Millis(5000)));
  CHECK(there.get().latitude == 1);
  worker.join();
}

void failures_of_handlers_never_reach_c() {
  mas::Agent agent("alice", here());
  int ran = 0;
  agent.on_message("throw", [&](const mas::Message &) {
    ++ran;
    throw std::runtime_error("the disk is full");
  });
  agent.on_message("int", [&](const mas::Message &) {
    ++ran;
    throw 7;
  });
  agent.on<Place>("typed", [&](const mas::Message &, const Place &) {
    ++ran;
    throw mas::Error(MAS_NO_RECEIVER, "nobody");
  });
  agent.on_message("status", [&](const mas::Message &) {
    ++ran;
    return MAS_HANDLER_FAILED;
  });
  agent.on_message("result", [&](const mas::Message &) {
    ++ran;
    return mas::Result<void>(mas::Error(MAS_TIMEOUT, "too late"));
  });
  agent.on_receipt(MAS_RECEIPTS_ALL, [](std::string_view, std::string_view, mas_status) { throw 1; });
  agent.start();
  for (const char *type : {"throw", "int", "status", "result"}) agent.send("alice", type);
  agent.send("alice", "typed", Place{"A", 0});
  CHECK(polled_until(agent, [&] { return agent.stats().handler_failed == 5; }));
  CHECK(ran == 5);
}

const test_case kTests[] = {
    {"every type of member", every_type_of_member},
    {"what is absent is told from 0", what_is_absent_is_told_from_0},
    {"an optional with an initializer may be null", an_optional_with_an_initializer_may_be_null},
    {"a result is checked where it is used", a_result_is_checked_where_it_is_used},
    {"an absent member is as its initializer made it", an_absent_member_is_as_its_initializer_made_it},
    {"what does not fit is named as in C", what_does_not_fit_is_named_as_in_c},
    {"a struct that breaks its checks is not written", a_struct_that_breaks_its_checks_is_not_written},
    {"a wrong schema is named", a_wrong_schema_is_named},
    {"a handler gets the struct", a_handler_gets_the_struct},
    {"a reply may come from another thread", a_reply_may_come_from_another_thread},
    {"failures of handlers never reach C", failures_of_handlers_never_reach_c},
};

}  // namespace

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
