/* One life of agents in each mode, for valgrind: start, send, receive, request, discover, state, stop, free. Nothing
 * here is about results that other tests check; it is about every byte that is read having been written, and every
 * block being freed.
 */
#include <stdlib.h>

#include "gateway_case.h"
#include "mas_schema.h"

typedef struct greeting {
  char *name;
  int32_t times;
  mas_array tags;
} greeting;
static const mas_field kFields[] = {
    MAS_FIELD(greeting, name, MAS_TYPE_STRING, 0),
    MAS_FIELD(greeting, times, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL, .default_json = "1"),
    MAS_FIELD(greeting, tags, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL | MAS_FIELD_ARRAY),
};
static const mas_schema kGreeting = MAS_SCHEMA(greeting, kFields);

typedef struct seen {
  int messages, greetings, replies, ends;
  mas_message *kept;
} seen;

static mas_status on_note(mas_agent *agent, const mas_message *message, void *user) {
  seen *s = user;
  (void)agent;
  mas_message_unref(s->kept);
  s->kept = mas_message_ref(message);
  CHECK(strlen(mas_message_envelope(message, NULL)) > 0);
  ++s->messages;
  return MAS_OK;
}

static mas_status on_greeting(mas_agent *agent, const mas_message *message, const void *filled, void *user) {
  (void)agent, (void)message;
  CHECK(((const greeting *)filled)->tags.count == 2);
  ++((seen *)user)->greetings;
  return MAS_OK;
}

static mas_status on_question(mas_agent *agent, const mas_message *request, void *user) {
  (void)agent, (void)user;
  return mas_message_reply(request, "answer", "{\"n\":42}", MAS_STRLEN);
}

static void on_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent;
  CHECK((status == MAS_OK) == (reply != NULL));
  ++((seen *)user)->replies;
}

static void on_end(mas_agent *agent, const char *id, const char *target, mas_status outcome, void *user) {
  (void)agent, (void)outcome;
  CHECK(strlen(id) == 36 && strlen(target) > 0);
  ++((seen *)user)->ends;
}

static bool all_came(void *context) {
  const seen *s = context;
  return s->messages == 3 && s->greetings == 1 && s->ends == 4;
}
static bool replied(void *context) { return ((seen *)context)->replies == 2; }

/* A span of its own for each event, which the end frees: one that has no end is lost. */
static void on_trace(mas_agent *agent, mas_trace_event *event, void *user) {
  (void)agent, (void)user;
  if (event->phase == MAS_TRACE_START)
    event->span = malloc(64);
  else
    free(event->span);
  if (event->phase == MAS_TRACE_START)
    CHECK_OK(mas_trace_set("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b"));
}

static mas_agent *new_agent(const char *id, mas_mode mode) {
  mas_agent *agent;
  mas_options *options = options_here();
  CHECK_OK(mas_options_set_mode(options, mode));
  CHECK_OK(mas_options_add_capability(options, "talk"));
  CHECK_OK(mas_options_set_metadata(options, "{\"room\":1}", MAS_STRLEN));
  CHECK_OK(mas_agent_new(id, options, &agent));
  mas_options_free(options);
  return agent;
}

/* alice's thread polls alice; bob runs in a thread of his own. */
static void talk(mas_agent *alice, seen *got) {
  mas_message *reply;
  mas_request *request;
  mas_agent_list *list;
  char id[MAS_MESSAGE_ID_SIZE];
  CHECK_OK(mas_agent_send_wait(alice, "alice", "note", "{\"n\":1}", MAS_STRLEN, 30000, id));
  CHECK_OK(mas_agent_send(alice, "alice", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_send(alice, "alice", "note", "{\"n\":3}", MAS_STRLEN, NULL));
  CHECK_OK(mas_agent_send(alice, "alice", "greeting", "{\"name\":\"bob\",\"tags\":[\"a\",\"b\"]}", MAS_STRLEN, NULL));
  CHECK_OK(mas_agent_send(alice, "alice", "greeting", "{\"name\":7}", MAS_STRLEN, NULL)); /* does not fit */
  CHECK_STATUS(mas_agent_send(alice, "alice", "note", "[1]", MAS_STRLEN, NULL), MAS_MALFORMED);
  CHECK_OK(mas_agent_flush(alice, 30000));
  CHECK(eventually(all_came, got, alice));

  CHECK_OK(mas_agent_request(alice, "bob", "question", NULL, 0, 30000, &reply));
  CHECK_TEXT(mas_message_data(reply, NULL), "{\"n\":42}");
  mas_message_unref(reply);
  CHECK_OK(mas_agent_request_async(alice, "bob", "question", NULL, 0, 30000, on_reply, got, &request));
  mas_request_free(request);
  CHECK_OK(mas_agent_request_async(alice, "bob", "question", NULL, 0, 30000, on_reply, got, NULL));
  CHECK(eventually(replied, got, alice));
  CHECK_OK(mas_agent_request_async(alice, "bob", "silence", NULL, 0, 30000, on_reply, got, &request));
  CHECK_OK(mas_request_cancel(request));
  mas_request_free(request);

  CHECK_OK(mas_agent_discover(alice, (const char *[]){"talk"}, 1, MAS_DISCOVER_ANY, 0, 30000, &list));
  CHECK(mas_agent_list_size(list) == 2);
  CHECK_TEXT(mas_agent_list_metadata(list, 1), "{\"room\":1}");
  mas_agent_list_free(list);
}

static void keep_state(mas_agent *alice) {
  greeting state = {0};
  char name[] = "alice 2", *value;
  CHECK_OK(mas_state_bind(alice, &kGreeting, &state));
  state.name = name;
  CHECK_OK(mas_state_save(alice, 30000));
  CHECK_OK(mas_state_get(alice, "name", &value, NULL));
  CHECK_TEXT(value, "alice 2");
  mas_free(value);
  CHECK_OK(mas_state_refresh(alice, 30000));
  CHECK_OK(mas_state_reset(alice, 30000));
  CHECK_OK(mas_state_bind(alice, NULL, NULL));
}

static void live(mas_mode mode) {
  seen got = {0};
  pthread_t thread;
  mas_agent *alice = new_agent("alice", mode), *bob = new_agent("bob", mode);
  CHECK_OK(mas_agent_on_message(alice, "note", on_note, &got));
  CHECK_OK(mas_agent_on_typed(alice, "greeting", &kGreeting, on_greeting, &got));
  CHECK_OK(mas_agent_on_message(bob, "question", on_question, NULL));
  mas_agent_on_receipt(alice, MAS_RECEIPTS_ALL, on_end, &got);
  CHECK_OK(mas_agent_on_trace(alice, MAS_TRACE_PAYLOAD, on_trace, NULL));
  CHECK_OK(mas_agent_start(alice, 30000));
  CHECK_OK(mas_agent_start(bob, 30000));
  CHECK(pthread_create(&thread, NULL, run_agent, bob) == 0);
  talk(alice, &got);
  CHECK_OK(mas_state_update(alice, (mas_state_field[]){{"name", "a", MAS_STRLEN}}, 1, 30000));
  keep_state(alice);
  mas_agent_quit(bob);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK_OK(mas_agent_stop(bob, 30000));
  mas_agent_free(bob);
  mas_agent_free(alice); /* without a stop */
  mas_message_unref(got.kept);
}

static void peer_to_peer(void) { live(MAS_MODE_P2P); }

static void through_a_gateway(void) {
  mock_gateway *gateway = mock_gateway_start();
  live(MAS_MODE_GATEWAY);
  mock_gateway_stop(gateway);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"peer_to_peer", peer_to_peer},
      {"through_a_gateway", through_a_gateway},
  };
  return RUN_TESTS(argc, argv, tests);
}
