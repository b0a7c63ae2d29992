/* hello: an agent that greets whoever says hello. */
#include <mas.h>
#include <stdio.h>

static mas_status on_hello(mas_agent *agent, const mas_message *message, void *user) {
  char greeting[600];
  (void)agent, (void)user;
  printf("hello from %s\n", mas_message_sender(message));
  fflush(stdout);
  snprintf(greeting, sizeof greeting, "{\"text\":\"Hello, %s!\"}", mas_message_sender(message));
  return mas_message_reply(message, "greeting", greeting, MAS_STRLEN);
}

int main(void) {
  mas_agent *agent = NULL;
  mas_status status = mas_agent_new("greeter", NULL, &agent);
  if (status == MAS_OK) status = mas_agent_on_message(agent, "hello", on_hello, NULL);
  if (status == MAS_OK) status = mas_agent_start(agent, 5000);
  if (status == MAS_OK) printf("ready\n"), fflush(stdout), status = mas_agent_run(agent);
  if (status != MAS_OK) fprintf(stderr, "hello: %s\n", mas_error_detail());
  mas_agent_free(agent);
  return status == MAS_OK ? 0 : 1;
}
