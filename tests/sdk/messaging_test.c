/* Messages between agents of one process and of a foreign program; requests are in requests_test.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

/* What a handler saw last; `count` of them in all. */
typedef struct seen {
  int count;
  char sender[64], type[64], data[256];
} seen;

static mas_status on_any(mas_agent *agent, const mas_message *message, void *user) {
  seen *s = user;
  (void)agent;
  ++s->count;
  strcpy(s->sender, mas_message_sender(message));
  strcpy(s->type, mas_message_type(message));
  strcpy(s->data, mas_message_data(message, NULL));
  return MAS_OK;
}

static bool seen_one(void *context) { return ((seen *)context)->count >= 1; }
static bool is_set(void *context) { return *(bool *)context; }

static void send_reaches_the_handler_of_its_type(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL);
  seen greet = {0}, other = {0};
  char id[MAS_MESSAGE_ID_SIZE] = "";
  CHECK_OK(mas_agent_on_message(b, "greet", on_any, &greet));
  CHECK_OK(mas_agent_on_message(b, NULL, on_any, &other));
  CHECK_OK(mas_agent_send(a, "bob", "greet", "{\"text\":\"h\xc3\xa9llo\"}", MAS_STRLEN, id));
  CHECK(strlen(id) == 36);
  CHECK(eventually(seen_one, &greet, b));
  CHECK_TEXT(greet.sender, "alice");
  CHECK_TEXT(greet.type, "greet");
  CHECK_TEXT(greet.data, "{\"text\":\"h\xc3\xa9llo\"}");
  CHECK(other.count == 0);

  CHECK_OK(mas_agent_send(a, "bob", "unknown \"type\"\n", NULL, 0, NULL));
  CHECK(eventually(seen_one, &other, b));
  CHECK_TEXT(other.type, "unknown \"type\"\n");
  CHECK_TEXT(other.data, "{}");

  CHECK_OK(mas_agent_on_message(b, "greet", NULL, NULL));
  other.count = 0;
  CHECK_OK(mas_agent_send(a, "bob", "greet", NULL, 0, NULL));
  CHECK(eventually(seen_one, &other, b));
  CHECK(greet.count == 1);
  agent_ended(a);
  agent_ended(b);
}

static mas_status on_envelope(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent;
  snprintf(user, 1024, "%s", mas_message_envelope(message, NULL));
  return MAS_OK;
}
static bool is_filled(void *envelope) { return *(char *)envelope != '\0'; }

static void options_of_a_message_are_told_to_its_receiver(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL);
  struct {
    mas_send_options known;
    long long more; /* of a later version */
  } later = {{0}, 0};
  mas_send_options options = {.priority = MAS_PRIORITY_CRITICAL, .deadline_ms = 60000};
  char envelope[1024] = "";
  CHECK_OK(mas_agent_on_message(b, "greet", on_envelope, envelope));
  CHECK_OK(mas_agent_send_with(a, "bob", "greet", NULL, 0, &options, sizeof options, NULL));
  CHECK(eventually(is_filled, envelope, b));
  CHECK(strstr(envelope, "\"priority\":\"critical\"") != NULL);
  CHECK(strstr(envelope, "\"deadline\":") != NULL);

  envelope[0] = '\0';
  CHECK_OK(mas_agent_send_with(a, "bob", "greet", NULL, 0, NULL, 0, NULL));
  CHECK(eventually(is_filled, envelope, b));
  CHECK(strstr(envelope, "priority") == NULL && strstr(envelope, "deadline") == NULL);

  options.wait_ms = 5000;
  CHECK_OK(mas_agent_send_with(a, "bob", "greet", NULL, 0, &options, sizeof options, NULL));
  CHECK_STATUS(mas_agent_send_with(a, "nobody", "greet", NULL, 0, &options, sizeof options, NULL), MAS_NO_RECEIVER);
  CHECK_OK(mas_agent_send_with(a, "bob", "greet", NULL, 0, &options, sizeof options.priority, NULL)); /* no wait then */
  CHECK_OK(mas_agent_send_with(a, "bob", "greet", NULL, 0, &later.known, sizeof later, NULL));
  later.more = 1;
  CHECK_STATUS(mas_agent_send_with(a, "bob", "greet", NULL, 0, &later.known, sizeof later, NULL), MAS_INVALID_ARGUMENT);
  options.priority = (mas_priority)6;
  CHECK_STATUS(mas_agent_send_with(a, "bob", "greet", NULL, 0, &options, sizeof options, NULL), MAS_INVALID_ARGUMENT);
  options = (mas_send_options){.deadline_ms = -1};
  CHECK_STATUS(mas_agent_send_with(a, "bob", "greet", NULL, 0, &options, sizeof options, NULL), MAS_INVALID_ARGUMENT);
  agent_ended(a);
  agent_ended(b);
}

static void handlers_belong_to_one_agent(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL), *c = agent_started("carol", NULL);
  seen of_b = {0}, of_c = {0};
  mas_stats stats;
  CHECK_OK(mas_agent_on_message(b, "x", on_any, &of_b));
  CHECK_OK(mas_agent_on_message(c, "y", on_any, &of_c));
  CHECK_OK(mas_agent_send(a, "carol", "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_send(a, "carol", "y", NULL, 0, NULL));
  CHECK(eventually(seen_one, &of_c, c));
  CHECK(of_b.count == 0 && of_c.count == 1);
  mas_agent_stats(c, &stats, sizeof stats);
  CHECK(stats.received == 2 && stats.unhandled == 1);
  agent_ended(a);
  agent_ended(b);
  agent_ended(c);
}

static void order_is_kept(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL);
  seen last = {0};
  CHECK_OK(mas_agent_on_message(b, NULL, on_any, &last));
  for (int i = 0; i < 5000; ++i) CHECK_OK(mas_agent_send(a, "bob", "n", text("{\"n\":%d}", i), MAS_STRLEN, NULL));
  for (int i = 0; i < 5000;) {
    int before = last.count;
    CHECK_OK(mas_agent_poll(b, 5000, NULL));
    CHECK(last.count > before);
    i = last.count;
    CHECK_TEXT(last.data, text("{\"n\":%d}", last.count - 1));
  }
  agent_ended(a);
  agent_ended(b);
}

/* ---- Receipts, own messages ---- */

typedef struct receipts {
  int count;
  char id[MAS_MESSAGE_ID_SIZE], target[64];
  mas_status outcome;
} receipts;

static void on_receipt(mas_agent *agent, const char *id, const char *target, mas_status outcome, void *user) {
  receipts *r = user;
  (void)agent;
  ++r->count;
  strcpy(r->id, id);
  strcpy(r->target, target);
  r->outcome = outcome;
}

static bool receipt_came(void *context) { return ((receipts *)context)->count > 0; }

static void what_reached_nobody_is_reported(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL);
  receipts r = {0};
  char id[MAS_MESSAGE_ID_SIZE];
  mas_stats stats;
  mas_agent_on_receipt(a, MAS_RECEIPTS_FAILURES, on_receipt, &r);
  CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_send(a, "nobody", "x", NULL, 0, id));
  CHECK(eventually(receipt_came, &r, a));
  CHECK(r.count == 1);
  CHECK_TEXT(r.id, id);
  CHECK_TEXT(r.target, "nobody");
  CHECK_STATUS(r.outcome, MAS_NO_RECEIVER);

  r.count = 0;
  mas_agent_on_receipt(a, MAS_RECEIPTS_ALL, on_receipt, &r);
  CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, id));
  CHECK(eventually(receipt_came, &r, a));
  CHECK_TEXT(r.id, id);
  CHECK_STATUS(r.outcome, MAS_OK);
  mas_agent_stats(a, &stats, sizeof stats);
  CHECK(stats.sent == 3 && stats.undelivered == 1 && stats.send_failed == 0);
  agent_ended(a);
  agent_ended(b);
}

/* Two values as a gateway encrypts them: 219459876 at data.ssn, "h\xc3\xa4?" at data.list[0]. */
#define NUMBER_TOKEN "{mas:enc:n:dlp:AeNmbQkwb0NmPHM-DSy1fw8slSJ-NeVsWuydkBqIXc0JrlKIbVo}"
#define TEXT_TOKEN "{mas:enc:s:dlp:AcarrKVfB41t4mx-Yb1Q9i4XWA90QsVAHiCaHUnyhfxc}"

typedef struct opened {
  mas_data_key *key;
  mas_status status;
  char data[512];
} opened;

static mas_status on_encrypted(mas_agent *agent, const mas_message *message, void *user) {
  opened *o = user;
  char *json = NULL;
  size_t size = 0;
  (void)agent;
  o->status = mas_message_decrypt(message, o->key, &json, &size);
  if (o->status == MAS_OK) {
    CHECK(strlen(json) == size && size < sizeof o->data);
    strcpy(o->data, json);
    mas_free(json);
  } else {
    strcpy(o->data, "closed");
  }
  return MAS_OK;
}
static bool is_opened(void *context) { return ((opened *)context)->data[0] != '\0'; }

static void encrypted_values_open_under_their_key_and_at_their_place(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL);
  opened got = {0};
  mas_data_key *key = NULL;
  char path[] = "/tmp/mas-data-key-XXXXXX";
  int fd = mkstemp(path);
  CHECK(fd >= 0 && write(fd, "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkj", 32) == 32 && close(fd) == 0);
  CHECK_STATUS(mas_data_key_read("no such id!", path, &key), MAS_INVALID_ARGUMENT);
  CHECK(mas_data_key_read("dlp", "/nowhere/at/all", &key) != MAS_OK && key == NULL);
  CHECK_OK(mas_data_key_read("dlp", path, &got.key));
  CHECK_OK(mas_data_key_read("another", path, &key));
  unlink(path);
  CHECK_OK(mas_agent_on_message(b, NULL, on_encrypted, &got));

  CHECK_OK(mas_agent_send(a, "bob", "x",
                          "{ \"ssn\":\"" NUMBER_TOKEN "\", \"list\" : [\"is " TEXT_TOKEN ".\"],\"n\":1.50 }",
                          MAS_STRLEN, NULL));
  CHECK(eventually(is_opened, &got, b));
  CHECK_OK(got.status);
  CHECK_TEXT(got.data, "{ \"ssn\":219459876, \"list\" : [\"is h\xc3\xa4?.\"],\"n\":1.50 }");

  got.data[0] = '\0'; /* moved to another member */
  CHECK_OK(mas_agent_send(a, "bob", "x", "{\"n\":\"" NUMBER_TOKEN "\"}", MAS_STRLEN, NULL));
  CHECK(eventually(is_opened, &got, b));
  CHECK(got.status == MAS_AUTH_FAILED);

  mas_data_key *held = got.key; /* of a key that is not ours it stays as it is */
  got.key = key;
  got.data[0] = '\0';
  CHECK_OK(mas_agent_send(a, "bob", "x", "{\"n\":\"" NUMBER_TOKEN "\"}", MAS_STRLEN, NULL));
  CHECK(eventually(is_opened, &got, b));
  CHECK_OK(got.status);
  CHECK_TEXT(got.data, "{\"n\":\"" NUMBER_TOKEN "\"}");
  mas_data_key_free(held);
  mas_data_key_free(key);
  mas_data_key_free(NULL);
  agent_ended(a);
  agent_ended(b);
}

static void an_agent_may_write_to_itself_and_to_foreign_ids(void) {
  mas_agent *a = agent_started("alice", NULL);
  ear *foreign = ear_open("agent.ma\xc3\x9f:1 x");
  seen s = {0};
  CHECK_OK(mas_agent_on_message(a, NULL, on_any, &s));
  CHECK_OK(mas_agent_send(a, "alice", "x", NULL, 0, NULL));
  CHECK(eventually(seen_one, &s, a));
  CHECK_OK(mas_agent_send(a, "ma\xc3\x9f:1 x", "x", NULL, 0, NULL));
  CHECK(strstr(ear_hear(foreign), "\"target_id\":\"ma\xc3\x9f:1 x\"") != NULL);
  ear_close(foreign);
  agent_ended(a);
}

static mas_status quit_then_fail(mas_agent *agent, const mas_message *message, void *user) {
  (void)message;
  *(bool *)user = true;
  mas_agent_quit(agent);
  CHECK_STATUS(mas_agent_poll(agent, 0, NULL), MAS_INVALID_STATE);
  CHECK_STATUS(mas_agent_run(agent), MAS_INVALID_STATE);
  CHECK_STATUS(mas_agent_stop(agent, 0), MAS_INVALID_STATE);
  return MAS_HANDLER_FAILED;
}

static void callbacks_may_quit_but_not_poll_or_stop(void) {
  mas_agent *a = agent_started("alice", NULL);
  bool called = false;
  mas_stats stats;
  CHECK_OK(mas_agent_on_message(a, "x", quit_then_fail, &called));
  CHECK_OK(mas_agent_send(a, "alice", "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_run(a));
  CHECK(is_set(&called));
  mas_agent_stats(a, &stats, sizeof stats);
  CHECK(stats.handler_failed == 1);
  agent_ended(a);
}

static const test_case kTests[] = {
    {"send reaches the handler of its type", send_reaches_the_handler_of_its_type},
    {"options of a message are told to its receiver", options_of_a_message_are_told_to_its_receiver},
    {"handlers belong to one agent", handlers_belong_to_one_agent},
    {"order is kept", order_is_kept},
    {"what reached nobody is reported", what_reached_nobody_is_reported},
    {"encrypted values open under their key and at their place",
     encrypted_values_open_under_their_key_and_at_their_place},
    {"an agent may write to itself and to foreign ids", an_agent_may_write_to_itself_and_to_foreign_ids},
    {"callbacks may quit but not poll or stop", callbacks_may_quit_but_not_poll_or_stop},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
