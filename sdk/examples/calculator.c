/* calculator: replies to requests. Others find it by the capability "math.add" and send {"a": 1, "b": 2}.
 *
 *   usage: example_calculator [ID]
 */
#include "example.h"

/* Reads the number of a JSON member. A real agent would use a JSON library. */
static bool number_of(const char *json, const char *member, double *ret_number) {
  const char *at = strstr(json, member);
  return at != NULL && sscanf(at + strlen(member), "\" : %lf", ret_number) == 1;
}

/* The handler: runs inside mas_agent_run() for every message of its type. */
static mas_status on_add(mas_agent *agent, const mas_message *request, void *user) {
  const char *data = mas_message_data(request, NULL);
  double a, b;
  char answer[128];
  (void)user;
  if (!mas_message_expects_reply(request)) return MAS_HANDLER_FAILED; /* nobody waits for a reply */
  if (!number_of(data, "\"a", &a) || !number_of(data, "\"b", &b)) {
    say(agent, "%s asked nonsense: %s", mas_message_sender(request), data);
    return mas_message_reply(request, "error", "{\"error\":\"expected numbers a and b\"}", MAS_STRLEN);
  }
  say(agent, "%g + %g = %g for %s", a, b, a + b, mas_message_sender(request));
  snprintf(answer, sizeof answer, "{\"sum\":%.17g}", a + b);
  return mas_message_reply(request, "sum", answer, MAS_STRLEN);
}

int main(int argc, char **argv) {
  mas_agent *agent = example_new(argc, argv, "calculator", "math.add", "{\"about\":\"adds two numbers\"}");
  must(mas_agent_on_message(agent, "add", on_add, NULL), "handler");
  must(mas_agent_start(agent, 10000), "start"); /* connects, registers, begins to beat */
  say(agent, "ready");
  must(mas_agent_run(agent), "run"); /* until SIGTERM or ^C */
  return example_end(agent);
}
