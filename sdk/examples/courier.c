/* courier: sends one parcel after another to one agent, and prints the outcome of each. Run it in gateway mode, where
 * the gateway decides about every message and the sender learns the decision.
 *
 *   usage: MAS_MODE=gateway [MAS_CREDENTIALS=FILE] example_courier [ID [TARGET]]      (default target: clerk)
 */
#include "example.h"

#define PAUSE_MS 250

/* Sends one parcel. Afterwards it is in the target's stream, or was refused with a reason, or (after the time-out) the
 * library still tries to send it. */
static void bring(mas_agent *agent, const char *target, int number) {
  char data[64];
  snprintf(data, sizeof data, "{\"parcel\":%d}", number);
  mas_status status = mas_agent_send_wait(agent, target, "parcel", data, MAS_STRLEN, 2000, NULL);
  if (status == MAS_OK)
    say(agent, "parcel %d: %s", number, mas_receipt_decision());
  else if (mas_receipt_retry_after() > 0)
    say(agent, "parcel %d: %s, again in %lld ms", number, mas_receipt_decision(), (long long)mas_receipt_retry_after());
  else
    say(agent, "parcel %d: %s (%s)", number, mas_status_text(status), mas_error_detail());
}

int main(int argc, char **argv) {
  const char *target = argc > 2 ? argv[2] : "clerk";
  int number = 1;
  mas_agent *agent = example_new(argc, argv, "courier", NULL, "{\"about\":\"brings parcels\"}");
  must(mas_agent_start(agent, 10000), "start");
  say(agent, "ready");
  while (mas_agent_poll(agent, PAUSE_MS, NULL) == MAS_OK) bring(agent, target, number++);
  return example_end(agent);
}
