/* Discovery with and without the index, and state. */
#include <stdio.h>
#include <string.h>

#include "harness.h"

/* Registers a foreign agent as the Python framework would. */
static void foreign(const char *id, const char *capabilities, const char *status) {
  redis("HSET", text("agent:%s", id), "id", id, "capabilities", capabilities, "metadata", "{\"lang\": \"py\"}",
        "status", status, "registered_at", "1795350096.7316658", NULL);
}

static void index_add(const char *id, const char *capability) {
  redis("SADD", "mas.agents", id, NULL);
  if (capability != NULL) redis("SADD", text("mas.capability:%s", capability), id, NULL);
}

/* @return the ids found, each followed by a space. */
static const char *found(mas_agent *agent, const char *first, const char *second, unsigned flags, size_t limit) {
  const char *capabilities[] = {first, second};
  size_t count = (first != NULL) + (second != NULL);
  static char ids[512];
  mas_agent_list *list;
  ids[0] = '\0';
  CHECK_OK(mas_agent_discover(agent, capabilities, count, flags, limit, 20000, &list));
  for (size_t i = 0; i < mas_agent_list_size(list); ++i) strcat(strcat(ids, mas_agent_list_id(list, i)), " ");
  mas_agent_list_free(list);
  return ids;
}

static void agents_are_found(mas_agent *agent) {
  CHECK_TEXT(found(agent, "chat", NULL, 0, 0), "ann bert ");
  CHECK_TEXT(found(agent, "chat", "plan", 0, 0), "ann bert cleo ");
  CHECK_TEXT(found(agent, "chat", "plan", MAS_DISCOVER_ALL, 0), "bert ");
  CHECK_TEXT(found(agent, "chat", NULL, MAS_DISCOVER_INACTIVE, 0), "ann bert dora ");
  CHECK_TEXT(found(agent, NULL, NULL, 0, 0), "alice ann bert cleo ");
  CHECK_TEXT(found(agent, NULL, NULL, MAS_DISCOVER_INACTIVE, 0), "alice ann bert cleo dora ");
  CHECK_TEXT(found(agent, "fly", NULL, 0, 0), "");
  CHECK(strlen(found(agent, "chat", NULL, 0, 1)) > 0);
  CHECK(strchr(found(agent, "chat", NULL, 0, 1), ' ') == strrchr(found(agent, "chat", NULL, 0, 1), ' '));
}

static void set_up_agents(void) {
  foreign("ann", "[\"chat\", \"ma\\u00dfe\"]", "ACTIVE");
  foreign("bert", "[\"chat\", \"plan\"]", "ACTIVE");
  foreign("cleo", "[\"plan\"]", "ACTIVE");
  foreign("dora", "[\"chat\"]", "INACTIVE");
  redis("SET", "agent:ann:heartbeat", "1", NULL); /* sub-keys are no agents */
  redis("HSET", "agent:ann:instances", "0", "{}", NULL);
  redis("SADD", "agent:ann:allowed_targets", "*", NULL);
  redis("HSET", "agent:broken", "id", "broken", "capabilities", "not json", "status", "ACTIVE", NULL);
}

static void discovery_by_scan(void) {
  mas_agent *agent = agent_started("alice", NULL);
  set_up_agents();
  agents_are_found(agent);
  agent_ended(agent);
}

static void huge_values_come_to_nobody(void) {
  mas_agent *agent = agent_started("alice", NULL);
  foreign("ann", "[\"chat\"]", "ACTIVE");
  redis(
      "EVAL",
      "for i, field in ipairs({'capabilities', 'metadata', 'status', 'registered_at', 'id'}) do local id = 'huge' .. i "
      "redis.call('HSET', 'agent:' .. id, 'id', id, 'capabilities', '[\"chat\"]', 'status', 'ACTIVE') "
      "redis.call('HSET', 'agent:' .. id, field, string.rep('x', 48 * 1024 * 1024)) "
      "redis.call('SADD', 'mas.capability:chat', id) end return 1",
      "0", NULL);
  index_add("ann", "chat");
  long before = redis_bytes_sent();
  CHECK_TEXT(found(agent, "chat", NULL, 0, 0), "ann ");
  redis("SET", "mas.index", "1", NULL);
  CHECK_TEXT(found(agent, "chat", NULL, 0, 0), "ann ");
  CHECK(redis_bytes_sent() - before < 1024 * 1024);
  agent_ended(agent);
}

static void discovery_by_index(void) {
  mas_agent *agent = agent_started("alice", NULL);
  set_up_agents();
  foreign("unindexed", "[\"chat\"]", "ACTIVE");
  redis("SET", "mas.index", "1", NULL);
  index_add("alice", NULL);
  index_add("ann", "chat");
  index_add("bert", "chat");
  index_add("bert", "plan");
  index_add("cleo", "plan");
  index_add("dora", "chat");
  index_add("gone", "chat"); /* the index is a hint */
  index_add("cleo", "chat"); /* a capability it no longer has */
  index_add("broken", "chat");
  agents_are_found(agent);
  agent_ended(agent);
}

static void what_is_found_is_described(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_agent_list *list;
  const char *wanted[] = {"ma\xc3\x9f\x65"};
  set_up_agents();
  CHECK_OK(mas_agent_discover(agent, wanted, 1, 0, 0, 5000, &list));
  CHECK(mas_agent_list_size(list) == 1);
  CHECK_TEXT(mas_agent_list_metadata(list, 0), "{\"lang\": \"py\"}");
  CHECK(mas_agent_list_active(list, 0));
  CHECK(mas_agent_list_registered_at(list, 0) > 1795350096.0);
  CHECK(mas_agent_list_capability_count(list, 0) == 2);
  CHECK_TEXT(mas_agent_list_capability(list, 0, 1), wanted[0]);
  CHECK(mas_agent_list_id(list, 1) == NULL && mas_agent_list_capability(list, 0, 2) == NULL);
  mas_agent_list_free(list);
  CHECK_STATUS(mas_agent_discover(agent, wanted, 1, 64, 0, 5000, &list), MAS_INVALID_ARGUMENT);
  agent_ended(agent);
}

static void many_agents_are_found_in_pieces(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_agent_list *list;
  const char *wanted[] = {"many"};
  const char *script =
      "for i = 1, 3000 do redis.call('HSET', 'agent:m' .. i, 'id', 'm' .. i, 'capabilities', '[\"many\"]', 'metadata', "
      "'{}', 'status', 'ACTIVE') redis.call('SADD', 'mas.capability:many', 'm' .. i) end return 1";
  CHECK_TEXT(redis("EVAL", script, "0", NULL), "1");
  for (int indexed = 0; indexed < 2; ++indexed) {
    CHECK_OK(mas_agent_discover(agent, wanted, 1, 0, 0, 20000, &list));
    CHECK(mas_agent_list_size(list) == 3000);
    CHECK_TEXT(mas_agent_list_id(list, 0), "m1");
    mas_agent_list_free(list);
    CHECK_OK(mas_agent_discover(agent, wanted, 1, 0, 700, 20000, &list));
    CHECK(mas_agent_list_size(list) == 700);
    mas_agent_list_free(list);
    redis("SET", "mas.index", "1", NULL);
  }
  agent_ended(agent);
}

/* ---- State ---- */

static const char *state_of(mas_agent *agent, const char *field) {
  char *value;
  if (mas_state_get(agent, field, &value, NULL) != MAS_OK) return "(none)";
  const char *copy = text("%s", value);
  mas_free(value);
  return copy;
}

static void collect(const char *name, const char *value, size_t size, void *user) {
  char *all = user;
  sprintf(all + strlen(all), "%s=%.*s;", name, (int)size, value);
}

static void state_survives_a_restart(void) {
  mas_agent *agent = agent_started("alice", NULL);
  char all[256] = "";
  const mas_state_field fields[] = {{"s", "x\xc3\xa9", MAS_STRLEN},
                                    {"d", "{\"k\":[1,null]}", MAS_STRLEN},
                                    {"bytes", "a\0b", 3},
                                    {"gone", "1", MAS_STRLEN}};
  CHECK_STATUS(mas_state_get(agent, "s", NULL, NULL), MAS_NOT_FOUND);
  CHECK_OK(mas_state_update(agent, fields, 4, 5000));
  CHECK_TEXT(redis("HGET", "agent.state:alice", "s", NULL), "x\xc3\xa9");
  CHECK_TEXT(redis("HSTRLEN", "agent.state:alice", "bytes", NULL), "3");
  const mas_state_field change[] = {{"gone", NULL, 0}, {"n", "5", MAS_STRLEN}};
  CHECK_OK(mas_state_update(agent, change, 2, 5000));
  CHECK_TEXT(state_of(agent, "gone"), "(none)");
  agent_ended(agent);

  agent = agent_started("alice", NULL);
  CHECK_TEXT(state_of(agent, "n"), "5");
  CHECK_TEXT(state_of(agent, "d"), "{\"k\":[1,null]}");
  redis("HSET", "agent.state:alice", "n", "6", "t", "True", NULL);
  redis("HDEL", "agent.state:alice", "bytes", NULL);
  CHECK_TEXT(state_of(agent, "n"), "5");
  CHECK_OK(mas_state_refresh(agent, 5000));
  mas_state_each(agent, collect, all);
  CHECK_TEXT(all, "d={\"k\":[1,null]};n=6;s=x\xc3\xa9;t=True;");
  CHECK_OK(mas_state_reset(agent, 5000));
  CHECK_TEXT(redis("EXISTS", "agent.state:alice", NULL), "0");
  CHECK_TEXT(state_of(agent, "n"), "(none)");
  agent_ended(agent);
}

static void a_refused_update_changes_nothing(void) {
  mas_agent *agent = agent_started("alice", NULL);
  const mas_state_field fields[] = {{"a", "1", MAS_STRLEN}, {"b", NULL, 0}};
  const mas_state_field unnamed = {"", "1", MAS_STRLEN};
  redis("SET", "agent.state:alice", "not a hash", NULL);
  CHECK_STATUS(mas_state_update(agent, fields, 2, 5000), MAS_REFUSED);
  CHECK(strstr(mas_error_detail(), "WRONGTYPE") != NULL);
  CHECK_STATUS(mas_state_update(agent, fields, 1, 5000), MAS_REFUSED);
  CHECK_TEXT(state_of(agent, "a"), "(none)");
  CHECK_STATUS(mas_state_update(agent, &unnamed, 1, 5000), MAS_INVALID_ARGUMENT);
  redis("DEL", "agent.state:alice", NULL);
  CHECK_OK(mas_state_update(agent, NULL, 0, 0));
  agent_ended(agent);
}

static const test_case kTests[] = {
    {"discovery by scan", discovery_by_scan},
    {"discovery by index", discovery_by_index},
    {"huge values come to nobody", huge_values_come_to_nobody},
    {"what is found is described", what_is_found_is_described},
    {"many agents are found in pieces", many_agents_are_found_in_pieces},
    {"state survives a restart", state_survives_a_restart},
    {"a refused update changes nothing", a_refused_update_changes_nothing},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
