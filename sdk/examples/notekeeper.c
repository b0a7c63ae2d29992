/* notekeeper: keeps the last note of each sender and counts all notes. Its state is in Redis, so it continues to count
 * where it stopped, also after kill -9.
 *
 *   usage: example_notekeeper [ID]
 */
#include "example.h"

static long count_of(mas_agent *agent) {
  char *text;
  if (mas_state_get(agent, "count", &text, NULL) != MAS_OK) return 0;
  long count = atol(text);
  mas_free(text);
  return count;
}

/* Writes the note and the count in one update: both or neither. */
static mas_status on_note(mas_agent *agent, const mas_message *message, void *user) {
  char count[32], field[600];
  size_t size;
  const char *note = mas_message_data(message, &size);
  (void)user;
  snprintf(count, sizeof count, "%ld", count_of(agent) + 1);
  snprintf(field, sizeof field, "last:%s", mas_message_sender(message));
  const mas_state_field fields[] = {{"count", count, MAS_STRLEN}, {field, note, size}};
  mas_status status = mas_state_update(agent, fields, 2, 1000);
  if (status == MAS_OK)
    say(agent, "note %s from %s: %s", count, mas_message_sender(message), note);
  else
    say(agent, "could not keep a note: %s", mas_error_detail());
  return status;
}

static mas_status on_count(mas_agent *agent, const mas_message *request, void *user) {
  char answer[64];
  (void)user;
  snprintf(answer, sizeof answer, "{\"count\":%ld}", count_of(agent));
  return mas_message_reply(request, "note.count", answer, MAS_STRLEN);
}

/* The start hook: runs inside mas_agent_start(), after the state was loaded. */
static mas_status on_start(mas_agent *agent, void *user) {
  (void)user;
  say(agent, "ready, with %ld notes from before", count_of(agent));
  return MAS_OK;
}

int main(int argc, char **argv) {
  mas_agent *agent = example_new(argc, argv, "notekeeper", "notes", "{\"about\":\"remembers\"}");
  must(mas_agent_on_message(agent, "note", on_note, NULL), "handler");
  must(mas_agent_on_message(agent, "note.count", on_count, NULL), "handler");
  mas_agent_on_start(agent, on_start, NULL);
  must(mas_agent_start(agent, 10000), "start");
  must(mas_agent_run(agent), "run");
  return example_end(agent);
}
