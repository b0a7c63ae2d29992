/* The bytes of the Python framework (proto/vectors/golden): read as they are, and answered as it expects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static const char *golden(const char *name) {
  static char bytes[8192];
  FILE *file = fopen(text("%s/%s", MAS_GOLDEN_DIR, name), "rb");
  CHECK(file != NULL);
  size_t size = fread(bytes, 1, sizeof bytes - 1, file);
  CHECK(size > 0);
  bytes[size] = '\0';
  fclose(file);
  return bytes;
}

typedef struct seen {
  int count;
  bool expects_reply;
  char sender[32], type[32], id[64], correlation[64], data[1024], envelope[4096];
  double timestamp;
} seen;

static mas_status look(mas_agent *agent, const mas_message *message, void *user) {
  seen *s = user;
  (void)agent;
  ++s->count;
  s->expects_reply = mas_message_expects_reply(message);
  s->timestamp = mas_message_timestamp(message);
  strcpy(s->sender, mas_message_sender(message));
  strcpy(s->type, mas_message_type(message));
  strcpy(s->id, mas_message_id(message));
  strcpy(s->correlation, mas_message_correlation_id(message));
  strcpy(s->data, mas_message_data(message, NULL));
  strcpy(s->envelope, mas_message_envelope(message, NULL));
  return s->expects_reply ? mas_message_reply(message, "sum.result", "{\"sum\":3,\"f\":3.0}", MAS_STRLEN) : MAS_OK;
}
static bool seen_one(void *context) { return ((seen *)context)->count > 0; }

/* What stands in `bytes` between the first `from` and the `to` after it. */
static const char *between(const char *bytes, const char *from, const char *to) {
  const char *begin = strstr(bytes, from);
  CHECK(begin != NULL);
  begin += strlen(from);
  const char *end = strstr(begin, to);
  CHECK(end != NULL);
  return text("%.*s", (int)(end - begin), begin);
}

static void a_python_message_is_read_to_the_byte(void) {
  mas_agent *bob = agent_started("bob", NULL);
  seen s = {0};
  const char *bytes = golden("envelope_send.json");
  CHECK_OK(mas_agent_on_message(bob, NULL, look, &s));
  CHECK(redis_publish("agent.bob", bytes, strlen(bytes)) == 1);
  CHECK(eventually(seen_one, &s, bob));
  CHECK_TEXT(s.sender, "alice");
  CHECK_TEXT(s.type, "greet");
  CHECK_TEXT(s.id, "1795350097286044376");
  CHECK_TEXT(s.correlation, "");
  CHECK_TEXT(s.data, between(bytes, "\"data\":", ",\"meta\""));
  CHECK_TEXT(s.envelope, bytes);
  CHECK(!s.expects_reply && s.timestamp > 1795350097.28 && s.timestamp < 1795350097.29);
  agent_ended(bob);
}

static void a_python_request_is_answered_as_it_expects(void) {
  mas_agent *bob = agent_started("bob", NULL);
  seen s = {0};
  ear *alice = ear_open("agent.alice");
  const char *request = golden("envelope_request.json");
  CHECK_OK(mas_agent_on_message(bob, "sum.request", look, &s));
  CHECK(redis_publish("agent.bob", request, strlen(request)) == 1);
  CHECK(eventually(seen_one, &s, bob));
  CHECK_TEXT(s.data, "{\"a\":1,\"b\":2}");
  CHECK_TEXT(s.correlation, "562d11e6-cddd-4fc5-b60a-c31c208bf17c");
  char reply[2048];
  snprintf(reply, sizeof reply, "%s", ear_hear(alice));
  /* The golden answer with our time and id: everything else is the same byte for byte. */
  const char *expected = golden("envelope_reply.json");
  CHECK_TEXT(text("%.*s", (int)(strstr(reply, "\"timestamp\":") - reply), reply),
             text("%.*s", (int)(strstr(expected, "\"timestamp\":") - expected), expected));
  CHECK(atof(between(reply, "\"timestamp\":", ",")) > 1.7e9);
  CHECK(strlen(between(reply, "\"message_id\":\"", "\"}")) == 36);
  ear_close(alice);
  agent_ended(bob);
}

static void our_messages_have_the_form_of_python_ones(void) {
  mas_agent *alice = agent_started("alice", NULL);
  ear *bob = ear_open("agent.bob");
  const char *expected = golden("envelope_send.json");
  const char *data = between(expected, "\"data\":", ",\"meta\"");
  CHECK_OK(mas_agent_send(alice, "bob", "greet", data, MAS_STRLEN, NULL));
  const char *sent = ear_hear(bob);
  CHECK(sent != NULL);
  CHECK_TEXT(text("%.*s", (int)(strstr(sent, "\"timestamp\":") - sent), sent),
             text("%.*s", (int)(strstr(expected, "\"timestamp\":") - expected), expected));
  ear_close(bob);
  agent_ended(alice);
}

static void our_events_are_python_events(void) {
  mas_options *options = options_here();
  ear *system = ear_open("mas.system");
  CHECK_OK(mas_options_add_capability(options, "chat"));
  CHECK_OK(mas_options_add_capability(options, "ma\xc3\x9f\x65"));
  mas_agent *alice = agent_started("alice", options);
  mas_options_free(options);
  CHECK_TEXT(ear_hear(system), golden("event_register.json"));
  agent_ended(alice);
  CHECK_TEXT(ear_hear(system), golden("event_deregister.json"));
  ear_close(system);
}

static const test_case kTests[] = {
    {"a Python message is read to the byte", a_python_message_is_read_to_the_byte},
    {"a Python request is answered as it expects", a_python_request_is_answered_as_it_expects},
    {"our messages have the form of Python ones", our_messages_have_the_form_of_python_ones},
    {"our events are Python events", our_events_are_python_events},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
