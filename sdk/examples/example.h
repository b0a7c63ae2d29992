/* Shared code of the examples: makes the agent from arguments and environment, and ends it cleanly on signals.
 *
 * Every example takes its agent id as first argument. The library reads MAS_REDIS_URL. MAS_EXAMPLE_BEAT_MS sets the
 * time between two heartbeats in milliseconds (default: the library's 30 s); their TTL is twice that.
 */
#ifndef MAS_EXAMPLE_H
#define MAS_EXAMPLE_H

#include <mas.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLE_SIGNALS = 2 };
static const int example_signals[EXAMPLE_SIGNALS] = {SIGINT, SIGTERM};
static struct sigaction example_earlier[EXAMPLE_SIGNALS]; /* what they did before */
static mas_agent *example_agent;                          /* for the signal handler */

static void example_quit(int signal_number) {
  (void)signal_number;
  mas_agent_quit(example_agent); /* one of the few things a signal handler may do */
}

/* Prints one line that a viewer can follow: "calculator  3 + 4 = 7". */
__attribute__((format(printf, 2, 3))) static inline void say(const mas_agent *agent, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  printf("%-12s %s\n", mas_agent_id(agent), line);
}

/* Ends the program with a message unless `status` is MAS_OK or MAS_CANCELLED. */
static inline void must(mas_status status, const char *what) {
  if (status == MAS_OK || status == MAS_CANCELLED) return;
  fprintf(stderr, "%s: %s: %s\n", what, mas_status_text(status), mas_error_detail());
  exit(1);
}

/* Ends the program with errno's message if a system call has returned -1. @return what it returned. */
static inline int must_call(int result, const char *what) {
  if (result != -1) return result;
  perror(what);
  exit(1);
}

/* Makes the agent. Others find it by `capability` (NULL: none); `metadata` is a JSON object about it. */
static inline mas_agent *example_new(int argc, char **argv, const char *default_id, const char *capability,
                                     const char *metadata) {
  setvbuf(stdout, NULL, _IOLBF, 0); /* write line by line, also into a pipe */
  mas_options *options = mas_options_new();
  const char *beat = getenv("MAS_EXAMPLE_BEAT_MS");
  if (beat != NULL) must(mas_options_set_heartbeat(options, atoi(beat), 2 * atoi(beat)), "heartbeat");
  if (capability != NULL) must(mas_options_add_capability(options, capability), "capability");
  must(mas_options_set_metadata(options, metadata, MAS_STRLEN), "metadata");
  must(mas_agent_new(argc > 1 ? argv[1] : default_id, options, &example_agent), "agent");
  mas_options_free(options);

  struct sigaction action = {.sa_handler = example_quit};
  for (int i = 0; i < EXAMPLE_SIGNALS; ++i) sigaction(example_signals[i], &action, &example_earlier[i]);
  return example_agent;
}

/* Frees the agent. Before that, signals get their earlier effect back, since the handler must not use an agent that is
 * gone. */
static inline void example_free(mas_agent *agent) {
  for (int i = 0; i < EXAMPLE_SIGNALS; ++i) sigaction(example_signals[i], &example_earlier[i], NULL);
  mas_agent_free(agent);
}

/* Stops and frees the agent. Returns the program's exit status. */
static inline int example_end(mas_agent *agent) {
  mas_status status = mas_agent_stop(agent, 2000);
  say(agent, status == MAS_OK ? "stopped" : "stopped, but could not deregister: %s", mas_error_detail());
  example_free(agent);
  return status == MAS_OK ? 0 : 1;
}

#endif /* MAS_EXAMPLE_H */
