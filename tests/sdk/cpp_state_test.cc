// Typed state in C++: what Redis has, what the struct has, and what C and Python wrote.
#include <mas.hpp>
#include <string>

#include "tests/sdk/harness.h"

namespace {

using std::string;

struct Ward {
  string name;
  int32_t beds = 0;
};
MAS_STRUCT(Ward, name, beds)

struct Notes {
  int32_t visits = 7;
  bool open = true;
  double rate = 0.5;
  string title;
  std::optional<string> nickname;
  std::optional<int32_t> limit;
  std::vector<string> tags = {"new"};
  mas::Bytes scan;
  Ward ward = {"north", 3};
  int mine = 5;  // not in Redis
};
MAS_STRUCT_WITH(Notes, MAS_MEMBER(visits).range(0, 100), MAS_MEMBER(open), MAS_MEMBER(rate),
                MAS_MEMBER(title).length(1, 20), MAS_MEMBER(nickname), MAS_MEMBER(limit), MAS_MEMBER(tags),
                MAS_MEMBER(scan), MAS_MEMBER(ward))

const char *const kKey = "agent.state:bob";

mas::Options here() { return mas::Options().redis_url(redis_url()); }

template <typename Call>
mas_status status_of(Call call, string *ret_detail = nullptr) {
  try {
    call();
    return MAS_OK;
  } catch (const mas::Error &error) {
    if (ret_detail != nullptr) *ret_detail = error.detail();
    return error.status();
  }
}

void an_absent_field_is_as_its_initializer_made_it() {
  mas::Agent bob("bob", here());
  mas::State<Notes> state(bob);
  CHECK(state->visits == 7 && state->open && state->title.empty() && state->ward.beds == 3);
  bob.start();
  CHECK(state->visits == 7 && state->rate == 0.5 && !state->limit && state->tags == std::vector<string>{"new"});
  CHECK_TEXT(redis("EXISTS", kKey, nullptr), "0");
}

void only_what_changed_is_written() {
  mas::Agent bob("bob", here());
  bob.start();
  mas::State<Notes> state(bob);
  state->visits = 8;
  state->title = "a \"b\"";
  state->nickname = "Bo";
  state->limit = 0;
  state->tags.clear();
  state->scan = {std::byte{0xff}};
  state->ward.beds = 4;
  state.save();
  CHECK_TEXT(redis("HMGET", kKey, "visits", "open", "title", "nickname", "limit", "tags", "scan", "ward", nullptr),
             "8\n(nil)\na \"b\"\nBo\n0\n[]\n/w==\n{\"name\":\"north\",\"beds\":4}\n");
  redis("HSET", kKey, "open", "false", nullptr);
  state->nickname.reset();
  state->limit.reset();
  state->title += "!";  // the memory that the library was shown before
  state.save();
  CHECK_TEXT(redis("HMGET", kKey, "visits", "open", "title", "nickname", "limit", nullptr),
             "8\nfalse\na \"b\"!\n(nil)\n(nil)\n");
  state.refresh();
  CHECK(!state->open && state->title == "a \"b\"!" && !state->limit && state->tags.empty() && state->ward.beds == 4);

  string detail;
  state->visits = 101;
  CHECK(status_of([&] { state.save(); }, &detail) == MAS_MALFORMED);
  CHECK_TEXT(detail.c_str(), "state: visits: expected an integer from 0 to 100, not this one");
  CHECK_TEXT(redis("HGET", kKey, "visits", nullptr), "8");
  state->visits = 9;
  state->tags = {string("a\0", 2)};
  CHECK(status_of([&] { state.save(); }, &detail) == MAS_MALFORMED);
  CHECK_TEXT(detail.c_str(), "tags[0]: expected a string without U+0000, not this one");

  state.reset();
  CHECK(state->visits == 7 && state->ward.name == "north" && state->mine == 5);
  CHECK_TEXT(redis("EXISTS", kKey, nullptr), "0");
}

void a_start_fills_the_struct_before_its_hook() {
  mas::Agent bob("bob", here());
  mas::State<Notes> state(bob);
  int32_t seen = 0;
  bob.on_start([&] {
    seen = state->visits;
    state->visits = 50;
  });
  // As the Python framework writes it: str() of bool, float and None.
  redis("HSET", kKey, "visits", "9", "open", "False", "rate", "1e-07", "limit", "None", "tags", "[\"p\"]", nullptr);
  bob.start();
  CHECK(seen == 9 && state->visits == 50 && !state->open && state->rate == 1e-07 && !state->limit);
  bob.stop();

  redis("HSET", kKey, "visits", "many secrets", nullptr);
  string detail;
  CHECK(status_of([&] { bob.start(); }, &detail) == MAS_MALFORMED);
  CHECK_TEXT(detail.c_str(), "state: visits: expected an integer from 0 to 100, not a text that is no JSON value");
  CHECK(state->visits == 50);  // as it was
  CHECK_TEXT(redis("HGET", kKey, "visits", nullptr), "many secrets");
  redis("HSET", kKey, "visits", "1", nullptr);
  bob.start();
  redis("HSET", kKey, "ward", "{\"name\":\"south\"}", nullptr);
  CHECK(status_of([&] { state.refresh(); }, &detail) == MAS_MALFORMED);
  CHECK_TEXT(detail.c_str(), "state: ward.beds: is missing; expected an integer");
  CHECK(status_of([&] { mas::State<Notes> again(bob); }) == MAS_MALFORMED);
}

struct Wishes {
  std::optional<int32_t> limit = 5;
  std::optional<string> ward = "north";
  std::optional<string> nickname;
  string name = "new";
  string code;
};
MAS_STRUCT_WITH(Wishes, MAS_MEMBER(limit), MAS_MEMBER(ward), MAS_MEMBER(nickname), MAS_MEMBER(name),
                MAS_MEMBER(code).length(1, 9))

void an_optional_is_absent_also_beside_an_initializer() {
  mas::Agent bob("bob", here());
  bob.start();
  mas::State<Wishes> state(bob);
  CHECK(state->limit == 5 && state->ward == "north" && !state->nickname);
  state->limit.reset();
  state->ward.reset();
  state->code = "None";
  state.save();
  state.refresh();
  CHECK(!state->limit && !state->ward && state->code == "None");
  // As the Python framework writes None; a text that is no optional is a text.
  redis("HSET", kKey, "ward", "None", "nickname", "None", "name", "None", nullptr);
  state.refresh();
  CHECK(!state->ward && !state->nickname && state->name == "None");
  state->nickname = "None";
  CHECK(status_of([&] { state.save(); }) == MAS_MALFORMED);
  state.reset();
  CHECK(state->limit == 5 && state->ward == "north" && state->code.empty());
}

void a_hook_that_throws_fails_the_start() {
  mas::Agent bob("bob", here());
  bob.on_start([] { throw std::runtime_error("no model is there"); });
  string detail;
  CHECK(status_of([&] { bob.start(); }, &detail) == MAS_HANDLER_FAILED);
  CHECK_TEXT(detail.c_str(), "no model is there");
  bool stopped = false;
  bob.on_start([] {});
  bob.on_stop([&] {
    stopped = true;
    throw 1;
  });
  bob.start();
  bob.stop();
  CHECK(stopped);
}

typedef struct CNotes {
  int32_t visits;
  char *title;
  mas_array tags;
} CNotes;

// MAS_FIELD needs C or C++20.
mas_field c_field(const char *name, size_t offset, size_t size, mas_type type, unsigned flags) {
  mas_field field{};
  field.name = name;
  field.offset = offset;
  field.size = size;
  field.type = type;
  field.flags = flags;
  return field;
}

void c_and_cpp_read_each_other() {
  static const mas_field fields[] = {
      c_field("visits", offsetof(CNotes, visits), sizeof(int32_t), MAS_TYPE_INT32, 0),
      c_field("title", offsetof(CNotes, title), sizeof(char *), MAS_TYPE_STRING, MAS_FIELD_OPTIONAL),
      c_field("tags", offsetof(CNotes, tags), sizeof(mas_array), MAS_TYPE_STRING, MAS_FIELD_OPTIONAL | MAS_FIELD_ARRAY),
  };
  static const mas_schema schema = MAS_SCHEMA(CNotes, fields);
  mas_agent *c = agent_started("bob", nullptr);
  CNotes notes{};
  CHECK_OK(mas_state_bind(c, &schema, &notes));
  char title[] = "by C";
  const char *tags[] = {"x", "y"};
  notes.visits = 3;
  notes.title = title;
  notes.tags = {tags, 2};
  CHECK_OK(mas_state_save(c, 5000));

  mas::Agent bob("bob", here());
  bob.start();
  mas::State<Notes> state(bob);
  CHECK(state->visits == 3 && state->title == "by C" && state->tags == (std::vector<string>{"x", "y"}));
  state->visits = 4;
  state->title = "by C++";
  state->tags = {"z"};
  state.save();
  CHECK_OK(mas_state_refresh(c, 5000));
  CHECK(notes.visits == 4 && notes.tags.count == 1);
  CHECK_TEXT(notes.title, "by C++");
  agent_ended(c);
}

void wrong_use_is_an_error() {
  std::optional<mas::State<Notes>> kept;
  {
    mas::Agent bob("bob", here());
    kept.emplace(bob);
    string detail;
    CHECK(status_of([&] { kept->save(); }) == MAS_MALFORMED);  // a title has 1 to 20 bytes
    (*kept)->title = "none";
    (*kept)->visits = 1;
    CHECK(status_of([&] { kept->save(); }) == MAS_INVALID_STATE);  // not started
    bob.start();
    mas::State<Notes> newer(bob);
    CHECK(status_of([&] { kept->save(); }, &detail) == MAS_INVALID_STATE);
    CHECK_TEXT(detail.c_str(), "a newer State was bound to the agent");
    mas::State<Notes> moved = std::move(newer);
    moved->title = "some";
    moved->visits = 2;
    moved.save();
    CHECK_TEXT(redis("HGET", kKey, "visits", nullptr), "2");
    CHECK(status_of([&] { newer.save(); }) == MAS_INVALID_STATE);  // NOLINT: that is what is tested
    CHECK(status_of([&] { newer.reset(); }) == MAS_INVALID_STATE);
    CHECK(status_of([&] { newer->visits = 3; }) == MAS_INVALID_STATE);
  }
  CHECK(status_of([&] { kept->refresh(); }) == MAS_INVALID_STATE);
  CHECK((*kept)->visits == 7);  // as the start filled it
}

const test_case kTests[] = {
    {"an absent field is as its initializer made it", an_absent_field_is_as_its_initializer_made_it},
    {"only what changed is written", only_what_changed_is_written},
    {"a start fills the struct before its hook", a_start_fills_the_struct_before_its_hook},
    {"an optional is absent also beside an initializer", an_optional_is_absent_also_beside_an_initializer},
    {"a hook that throws fails the start", a_hook_that_throws_fails_the_start},
    {"C and C++ read each other", c_and_cpp_read_each_other},
    {"wrong use is an error", wrong_use_is_an_error},
};

}  // namespace

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
