/* echo: replies to every request with the request's own data, and prints every other message.
 *
 *   usage: example_echo [ID]
 */
#include "example.h"

/* The fallback: runs for all types without a handler. */
static mas_status on_anything(mas_agent *agent, const mas_message *message, void *user) {
  size_t size;
  const char *data = mas_message_data(message, &size); /* the sender's bytes, exactly */
  (void)user;
  say(agent, "%s from %s: %s", mas_message_type(message), mas_message_sender(message), data);
  if (!mas_message_expects_reply(message)) return MAS_OK;
  return mas_message_reply(message, "echo", data, size);
}

/* Only prints the change; the library reconnects by itself. Peer to peer, messages sent meanwhile are lost. */
static void on_connection(mas_agent *agent, mas_connection state, const char *detail, void *user) {
  (void)user;
  say(agent, "%s: %s", state == MAS_CONNECTED ? "connected" : "disconnected", detail);
}

int main(int argc, char **argv) {
  mas_agent *agent = example_new(argc, argv, "echo", "echo", "{\"about\":\"says what it hears\"}");
  must(mas_agent_on_message(agent, NULL, on_anything, NULL), "handler");
  mas_agent_on_connection(agent, on_connection, NULL);
  must(mas_agent_start(agent, 10000), "start");
  say(agent, "ready");
  must(mas_agent_run(agent), "run");
  return example_end(agent);
}
