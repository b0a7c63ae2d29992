/* A compiled schema is given wherever a table is: reading, writing, handlers, state, and nested in another table. */
#include <string.h>

#include <mas_schema.h>

#include "harness.h"

typedef struct point {
  int32_t x, y;
} point;
static const mas_field point_fields[] = {
    MAS_FIELD(point, x, MAS_TYPE_INT32, 0, .minimum = 1, .maximum = 9),
    MAS_FIELD(point, y, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL, .default_json = "7"),
};
static const mas_schema point_schema = MAS_SCHEMA(point, point_fields);

typedef struct line {
  point from, to;
} line;

static const mas_schema *compiled_point(void) {
  const mas_schema *compiled = NULL;
  CHECK_OK(mas_schema_compile(&point_schema, &compiled));
  return compiled;
}

static void expect_point(const mas_schema *schema) {
  void *filled = NULL;
  char *json = NULL;
  CHECK_OK(mas_schema_read(schema, "{\"x\":3}", MAS_STRLEN, &filled));
  CHECK(((point *)filled)->x == 3 && ((point *)filled)->y == 7);
  CHECK_OK(mas_schema_write(schema, filled, &json, NULL));
  CHECK_TEXT(json, "{\"x\":3,\"y\":7}");
  mas_free(json);
  mas_struct_free(filled);
  filled = NULL;
  CHECK_STATUS(mas_schema_read(schema, "{\"x\":10}", MAS_STRLEN, &filled), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "x: expected an integer from 1 to 9, not this one");
}

static void it_reads_and_writes(void) {
  const mas_schema *compiled = compiled_point(), *again = NULL;
  expect_point(compiled);
  CHECK_OK(mas_schema_compile(compiled, &again)); /* as if the table was given */
  mas_schema_free(compiled);
  expect_point(again);
  mas_schema_free(again);
}

static const mas_schema *compiled_in_a_scope(void) {
  mas_schema here = point_schema;
  const mas_schema *compiled = NULL;
  CHECK_OK(mas_schema_compile(&here, &compiled));
  memset(&here, 0, sizeof here);
  return compiled;
}

static void only_the_tables_outlive_it(void) {
  const mas_schema *compiled = compiled_in_a_scope(), *again = NULL;
  expect_point(compiled);
  CHECK_OK(mas_schema_compile(compiled, &again));
  const mas_field fields[] = {
      {.name = "from", .offset = 0, .size = sizeof(point), .type = MAS_TYPE_STRUCT, .schema = compiled},
      {.name = "to", .offset = sizeof(point), .size = sizeof(point), .type = MAS_TYPE_STRUCT, .schema = again},
  };
  const mas_schema nests = MAS_SCHEMA(line, fields);
  void *filled = NULL;
  CHECK_OK(mas_schema_read(&nests, "{\"from\":{\"x\":1},\"to\":{\"x\":2}}", MAS_STRLEN, &filled));
  CHECK(((line *)filled)->from.x == 1 && ((line *)filled)->to.x == 2);
  mas_struct_free(filled);
  mas_schema_free(again);
  mas_schema_free(compiled);
}

static void a_wrong_schema_is_not_compiled(void) {
  static const mas_field twice[] = {MAS_FIELD(point, x, MAS_TYPE_INT32, 0), MAS_FIELD(point, x, MAS_TYPE_INT32, 0)};
  static const mas_schema wrong = MAS_SCHEMA(point, twice);
  const mas_schema *compiled = NULL;
  CHECK_STATUS(mas_schema_compile(&wrong, &compiled), MAS_INVALID_ARGUMENT);
  CHECK_TEXT(mas_error_detail(), "schema point: field 'x' is in the table twice");
  CHECK(compiled == NULL);
}

static void a_copy_is_refused(void) {
  const mas_schema *compiled = compiled_point();
  const mas_schema copy = *compiled;
  void *filled = NULL;
  CHECK_STATUS(mas_schema_read(&copy, "{\"x\":3}", MAS_STRLEN, &filled), MAS_INVALID_ARGUMENT);
  mas_schema_free(&copy); /* is no compiled one, and stays */
  mas_schema_free(compiled);
}

static void it_may_be_nested(void) {
  const mas_schema *compiled = compiled_point();
  const mas_field fields[] = {
      {.name = "from", .offset = 0, .size = sizeof(point), .type = MAS_TYPE_STRUCT, .schema = compiled},
      {.name = "to", .offset = sizeof(point), .size = sizeof(point), .type = MAS_TYPE_STRUCT, .schema = &point_schema},
  };
  const mas_schema schema = MAS_SCHEMA(line, fields);
  void *filled = NULL;
  CHECK_OK(mas_schema_read(&schema, "{\"from\":{\"x\":1},\"to\":{\"x\":2}}", MAS_STRLEN, &filled));
  CHECK(((line *)filled)->from.x == 1 && ((line *)filled)->to.x == 2 && ((line *)filled)->from.y == 7);
  mas_struct_free(filled);
  mas_schema_free(compiled);
}

static mas_status on_point(mas_agent *agent, const mas_message *message, const void *filled, void *user) {
  (void)agent, (void)message;
  *(point *)user = *(const point *)filled;
  return MAS_OK;
}
static bool is_filled(void *context) { return ((point *)context)->x == 3; }

static void handlers_and_state_outlive_it(void) {
  const mas_schema *compiled = compiled_point();
  point got = {0, 0}, state = {0, 0};
  const mas_state_field fields[] = {{"x", "3", MAS_STRLEN}};
  mas_agent *agent = agent_started("alice", NULL);
  CHECK_OK(mas_state_update(agent, fields, 1, 5000));
  CHECK_OK(mas_agent_on_typed(agent, "point", compiled, on_point, &got));
  CHECK_OK(mas_state_bind(agent, compiled, &state));
  mas_schema_free(compiled);
  CHECK(state.x == 3 && state.y == 7);
  CHECK_OK(mas_agent_send(agent, "alice", "point", "{\"x\":3}", MAS_STRLEN, NULL));
  CHECK(eventually(is_filled, &got, agent));
  state.y = 8;
  CHECK_OK(mas_state_save(agent, 5000));
  CHECK_TEXT(redis("HGET", "agent.state:alice", "y", NULL), "8");
  agent_ended(agent);
}

static const test_case kTests[] = {
    {"it_reads_and_writes", it_reads_and_writes},
    {"only_the_tables_outlive_it", only_the_tables_outlive_it},
    {"a_wrong_schema_is_not_compiled", a_wrong_schema_is_not_compiled},
    {"a_copy_is_refused", a_copy_is_refused},
    {"it_may_be_nested", it_may_be_nested},
    {"handlers_and_state_outlive_it", handlers_and_state_outlive_it},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
