/* server: answers "ask" requests, and exports what it does as spans.
 *
 *   usage: example_traced_server [ID]
 */
#include "../example.h"
#include "otlp_exporter.h"

static mas_status on_ask(mas_agent *agent, const mas_message *message, void *user) {
  (void)user;
  if (mas_agent_send(agent, "journal", "asked", NULL, 0, NULL) != MAS_OK) /* a span of its own, in the same trace */
    return mas_message_fail(message, MAS_HANDLER_FAILED, "the journal takes nothing");
  return mas_message_reply(message, "answer", "{\"text\":\"42\"}", MAS_STRLEN);
}

int main(int argc, char **argv) {
  mas_agent *agent = example_new(argc, argv, "oracle", NULL, "{}");
  otlp_exporter *exporter = otlp_exporter_new("oracle");
  if (exporter == NULL) return fputs("no memory for the exporter\n", stderr), 1;
  must(otlp_exporter_observe(exporter, agent), "observer");
  must(mas_agent_on_message(agent, "ask", on_ask, NULL), "handler");
  must(mas_agent_start(agent, 10000), "start");
  say(agent, "server: ready");
  must(mas_agent_run(agent), "run");
  const int code = example_end(agent);
  const unsigned long lost = otlp_exporter_end(exporter, 5000);
  if (lost > 0) fprintf(stderr, "spans lost: %lu\n", lost);
  return code;
}
