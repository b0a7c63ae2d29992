/* State that is bound to a struct: saved by what changed, filled at the start, and refused where it does not fit. */
#include <mas_schema.h>
#include <string.h>

#include "harness.h"

typedef struct Counter {
  int32_t count;
  bool open;
  char *name;
  double rate;
  mas_array tags; /* of char * */
  int mine;       /* not in the schema */
} Counter;

static const mas_field kCounterFields[] = {
    MAS_FIELD(Counter, count, MAS_TYPE_INT32, 0, .minimum = -10, .maximum = 10),
    MAS_FIELD(Counter, open, MAS_TYPE_BOOL, MAS_FIELD_OPTIONAL, .default_json = "true"),
    MAS_FIELD(Counter, name, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL, .max_length = 20),
    MAS_FIELD(Counter, rate, MAS_TYPE_DOUBLE, MAS_FIELD_OPTIONAL),
    MAS_FIELD(Counter, tags, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL | MAS_FIELD_ARRAY),
};
static const mas_schema kCounter = MAS_SCHEMA(Counter, kCounterFields);

static const char *const kKey = "agent.state:bob";

static void a_bound_struct_is_the_state(void) {
  mas_agent *bob = agent_started("bob", NULL);
  Counter state = {.mine = 5};
  const char *tags[] = {"a", "b c"};
  CHECK_STATUS(mas_state_save(bob, 1000), MAS_INVALID_STATE);
  CHECK_OK(mas_state_bind(bob, &kCounter, &state));
  CHECK(state.count == 0 && state.open && state.name == NULL && state.mine == 5);
  state.count = 3;
  state.name = "Eve \"x\"";
  state.tags = (mas_array){tags, 2};
  CHECK_OK(mas_state_save(bob, 1000));
  CHECK_TEXT(redis("HGET", kKey, "count", NULL), "3");
  CHECK_TEXT(redis("HGET", kKey, "name", NULL), "Eve \"x\"");
  CHECK_TEXT(redis("HGET", kKey, "tags", NULL), "[\"a\",\"b c\"]");
  CHECK_TEXT(redis("HGET", kKey, "open", NULL), "(nil)"); /* a default is not written before it changes */

  /* Only what changed is written: the field that somebody else changed meanwhile stays. */
  redis("HSET", kKey, "open", "false", NULL);
  state.count = 4;
  state.name = NULL;
  CHECK_OK(mas_state_save(bob, 1000));
  CHECK_TEXT(redis("HGET", kKey, "open", NULL), "false");
  CHECK_TEXT(redis("HGET", kKey, "count", NULL), "4");
  redis("HSET", kKey, "count", "5", NULL);
  CHECK_OK(mas_state_save(bob, 1000)); /* saved already */
  CHECK_TEXT(redis("HGET", kKey, "count", NULL), "5");
  redis("HSET", kKey, "count", "4", NULL);
  CHECK_TEXT(redis("HEXISTS", kKey, "name", NULL), "0");

  state.count = 11;
  CHECK_STATUS(mas_state_save(bob, 1000), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "state: count: expected an integer from -10 to 10, not this one");
  CHECK_TEXT(redis("HGET", kKey, "count", NULL), "4");

  CHECK_OK(mas_state_refresh(bob, 1000));
  CHECK(state.count == 4 && !state.open && state.mine == 5);
  CHECK_TEXT(((char *const *)state.tags.items)[1], "b c");
  CHECK_OK(mas_state_reset(bob, 1000));
  CHECK(state.count == 0 && state.open && state.tags.items == NULL && state.mine == 5);
  CHECK_OK(mas_state_bind(bob, NULL, NULL));
  agent_ended(bob);
}

static void a_start_fills_the_struct_or_fails(void) {
  mas_options *options = options_here();
  mas_agent *bob = NULL;
  Counter state = {0};
  CHECK_OK(mas_agent_new("bob", options, &bob));
  mas_options_free(options);
  CHECK_OK(mas_state_bind(bob, &kCounter, &state));

  /* As the Python framework writes it: str() of bool, float and None. */
  redis("HSET", kKey, "count", "7", "open", "False", "rate", "1e-07", "name", "x", "tags", "[\"p\"]", "more", "z",
        NULL);
  CHECK_OK(mas_agent_start(bob, 5000));
  CHECK(state.count == 7 && !state.open && state.rate == 1e-07 && state.tags.count == 1);
  state.count = 8;
  CHECK_OK(mas_state_save(bob, 1000));
  CHECK_TEXT(redis("HMGET", kKey, "count", "open", "rate", NULL), "8\nFalse\n1e-07\n");
  state.count = 7;
  CHECK_OK(mas_state_save(bob, 1000));
  CHECK_OK(mas_agent_stop(bob, 5000));

  redis("HSET", kKey, "rate", "None", "count", "many secrets", NULL);
  CHECK_STATUS(mas_agent_start(bob, 5000), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "state: count: expected an integer from -10 to 10, not a text that is no JSON value");
  CHECK(state.count == 7); /* as it was */
  CHECK_TEXT(redis("HGET", kKey, "count", NULL), "many secrets");
  redis("HSET", kKey, "count", "-1", NULL);
  CHECK_OK(mas_agent_start(bob, 5000));
  CHECK(state.count == -1 && state.rate == 0);
  agent_ended(bob);
}

typedef struct Notes {
  char *text, *tree;
} Notes;

static const mas_field kNotesFields[] = {
    MAS_FIELD(Notes, text, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL),
    MAS_FIELD(Notes, tree, MAS_TYPE_JSON, MAS_FIELD_OPTIONAL),
};
static const mas_schema kNotes = MAS_SCHEMA(Notes, kNotesFields);

static void what_was_saved_can_be_loaded_and_what_cannot_be_saved_is_not_loaded(void) {
  enum { kDeepest = 128 };
  char tree[2 * kDeepest + 1] = "";
  memset(tree, '[', kDeepest);
  memset(tree + kDeepest, ']', kDeepest);
  mas_agent *bob = agent_started("bob", NULL);
  Notes notes = {NULL, NULL};
  CHECK_OK(mas_state_bind(bob, &kNotes, &notes));
  notes.tree = tree;
  CHECK_OK(mas_state_save(bob, 1000));
  CHECK_OK(mas_state_refresh(bob, 1000));
  CHECK_TEXT(notes.tree, tree);

  redis("HSET", kKey, "text", "a\xff", NULL);
  CHECK_STATUS(mas_state_refresh(bob, 1000), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "state: text: expected a string, not this one");
  agent_ended(bob);
}

typedef struct Wish {
  char *name;     /* no default */
  char *ward;     /* a default, which null stands beside */
  char *street;   /* a default, which stands for null, too */
  int32_t *limit; /* as ward */
} Wish;
static const mas_field kWishFields[] = {
    MAS_FIELD(Wish, name, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL),
    MAS_FIELD(Wish, ward, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL | MAS_FIELD_NULLABLE, .default_json = "\"north\""),
    MAS_FIELD(Wish, street, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL, .default_json = "\"Main\""),
    MAS_FIELD(Wish, limit, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL | MAS_FIELD_POINTER | MAS_FIELD_NULLABLE,
              .default_json = "5"),
};
static const mas_schema kWish = MAS_SCHEMA(Wish, kWishFields);

static void the_none_of_python_is_null(void) {
  mas_agent *bob = agent_started("bob", NULL);
  Wish wish = {NULL, NULL, NULL, NULL};
  redis("HSET", kKey, "name", "None", "ward", "None", "street", "None", "limit", "None", NULL);
  CHECK_OK(mas_state_refresh(bob, 1000));
  CHECK_OK(mas_state_bind(bob, &kWish, &wish));
  CHECK(wish.name == NULL && wish.ward == NULL && wish.limit == NULL);
  CHECK_TEXT(wish.street, "None"); /* NULL is nothing that it could be */
  CHECK_OK(mas_state_reset(bob, 1000));
  CHECK_TEXT(wish.ward, "north");
  CHECK(wish.name == NULL && *wish.limit == 5);

  wish.ward = NULL;
  wish.limit = NULL;
  CHECK_OK(mas_state_save(bob, 1000));
  CHECK_TEXT(redis("HMGET", kKey, "name", "ward", "street", "limit", NULL), "(nil)\nNone\n(nil)\nNone\n");
  CHECK_OK(mas_state_refresh(bob, 1000));
  CHECK(wish.ward == NULL && wish.limit == NULL);
  CHECK_TEXT(wish.street, "Main");

  wish.street = "None";
  CHECK_OK(mas_state_save(bob, 1000));
  wish.name = "None"; /* it would come back as NULL */
  CHECK_STATUS(mas_state_save(bob, 1000), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "state: name: expected a string, not the text None, which stands for an absent one");
  CHECK_OK(mas_state_bind(bob, NULL, NULL));
  agent_ended(bob);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a bound struct is the state", a_bound_struct_is_the_state},
      {"a start fills the struct or fails", a_start_fills_the_struct_or_fails},
      {"the None of Python is null", the_none_of_python_is_null},
      {"what was saved can be loaded, and what cannot be saved is not loaded",
       what_was_saved_can_be_loaded_and_what_cannot_be_saved_is_not_loaded},
  };
  return RUN_TESTS(argc, argv, tests);
}
