/* planner: finds an agent that can add and has it sum up the numbers 1, 2, 3, … with one request for each. It knows no
 * agent's id in advance: when its adder goes away, it finds another.
 *
 *   usage: example_planner [ID]
 */
#include "example.h"

#define PAUSE_MS 500

/* Copies the id of an ACTIVE agent that can add; "" when there is none. */
static void find_adder(mas_agent *agent, char *ret_id, size_t size) {
  static const char *const wanted[] = {"math.add"};
  mas_agent_list *found;
  ret_id[0] = '\0';
  if (mas_agent_discover(agent, wanted, 1, MAS_DISCOVER_ANY, 1, 2000, &found) != MAS_OK) {
    say(agent, "cannot discover: %s", mas_error_detail());
    return;
  }
  if (mas_agent_list_size(found) > 0) {
    snprintf(ret_id, size, "%s", mas_agent_list_id(found, 0));
    say(agent, "found %s, which says %s", ret_id, mas_agent_list_metadata(found, 0));
  }
  mas_agent_list_free(found);
}

/* One step: asks `adder` for total + n. */
static mas_status add(mas_agent *agent, const char *adder, double *total, int n) {
  char data[64];
  mas_message *reply;
  snprintf(data, sizeof data, "{\"a\":%.17g,\"b\":%d}", *total, n);
  mas_status status = mas_agent_request(agent, adder, "add", data, MAS_STRLEN, 1000, &reply);
  if (status != MAS_OK) return status;
  if (sscanf(mas_message_data(reply, NULL), "{\"sum\":%lf", total) != 1) status = MAS_MALFORMED;
  mas_message_unref(reply);
  return status;
}

int main(int argc, char **argv) {
  mas_agent *agent = example_new(argc, argv, "planner", NULL, "{\"about\":\"sums up\"}");
  char adder[513] = "";
  double total = 0;
  int n = 1;
  must(mas_agent_start(agent, 10000), "start");
  say(agent, "ready");

  /* The poll is also the pause between two steps. It returns MAS_CANCELLED after SIGTERM. */
  while (mas_agent_poll(agent, PAUSE_MS, NULL) == MAS_OK) {
    if (adder[0] == '\0') find_adder(agent, adder, sizeof adder);
    if (adder[0] == '\0') continue;
    mas_status status = add(agent, adder, &total, n);
    if (status == MAS_OK) {
      say(agent, "%s says that 1 to %d make %g", adder, n++, total);
    } else {
      say(agent, "%s did not help (%s); looking for another", adder, mas_error_detail());
      adder[0] = '\0';
    }
  }
  return example_end(agent);
}
