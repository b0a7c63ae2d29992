/* A host program with agents that ends without stopping them: test_host.py runs it many times.
 *
 *   mas-abrupt-host HOW MICROSECONDS
 *
 * Two agents of its own send to each other as fast as they can: one thread polls, one sends, one requests. After
 * MICROSECONDS, which may be before the agents are up, the program ends with status 7 as HOW says:
 *   return main returns · exit, quick, _exit the function, called by main · thread exit, called by another thread
 *   handler exit, called in a handler · debug exit, called in the debug callback, which the library's own thread runs
 *   cleanup exit, with a function for atexit that stops the agents */
#include <mas.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { kStatus = 7, kPatienceMs = 10000 };

static mas_agent *asker, *worker; /* never freed: threads use them to the end */
static char worker_id[32], asker_id[32];
static const char* how;
static atomic_bool due; /* the time is over */

static void rest(long microseconds) {
  struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
  nanosleep(&time, NULL);
}

static void end_if_due_in(const char* place) {
  if (due && strcmp(how, place) == 0) exit(kStatus);
}

static mas_status on_message(mas_agent* agent, const mas_message* message, void* user) {
  (void)agent, (void)user;
  end_if_due_in("handler");
  if (!mas_message_expects_reply(message)) return MAS_OK;
  return mas_message_reply(message, "answer", "{\"n\":1}", MAS_STRLEN);
}

static void on_debug(const char* line, void* user) {
  (void)line, (void)user;
  end_if_due_in("debug");
}

static mas_agent* agent_new(const char* id) {
  mas_options* options = mas_options_new();
  mas_agent* agent = NULL;
  mas_options_set_debug(options, on_debug, NULL);
  mas_status status = mas_options_set_heartbeat(options, 100, 1000);
  if (status == MAS_OK) status = mas_agent_new(id, options, &agent);
  mas_options_free(options);
  if (status == MAS_OK) status = mas_agent_on_message(agent, NULL, on_message, NULL);
  if (status == MAS_OK) return agent;
  fprintf(stderr, "%s: %s\n", id, mas_error_detail());
  exit(1);
}

static void* poll_for_ever(void* agent) {
  while (mas_agent_run(agent) == MAS_OK || !due) rest(1000);
  return NULL;
}

static void* send_for_ever(void* agent) {
  for (;;)
    if (mas_agent_send(agent, worker_id, "note", "{\"text\":\"to whom it may concern\"}", MAS_STRLEN, NULL) != MAS_OK)
      rest(200);
  return NULL;
}

static void* ask_for_ever(void* agent) {
  for (;;) {
    mas_message* reply = NULL;
    if (mas_agent_request(agent, worker_id, "question", NULL, 0, kPatienceMs, &reply) != MAS_OK) rest(200);
    mas_message_unref(reply);
  }
  return NULL;
}

/* A connection that is lost is told to the debug callback: so it runs again and again. */
static void* start_again_for_ever(void* agent) {
  for (;;) {
    if (mas_agent_start(agent, kPatienceMs) != MAS_OK) rest(200);
    mas_agent_stop(agent, kPatienceMs);
  }
  return NULL;
}

static void* exit_here(void* unused) {
  (void)unused;
  exit(kStatus);
}

static void begin(void* (*run)(void*), void* argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, argument) != 0) abort();
  pthread_detach(thread);
}

static void* start_agents(void* unused) {
  if (mas_agent_start(worker, kPatienceMs) != MAS_OK || mas_agent_start(asker, kPatienceMs) != MAS_OK) {
    if (!due) fprintf(stderr, "start: %s\n", mas_error_detail());
    return unused;
  }
  begin(poll_for_ever, worker);
  begin(send_for_ever, asker);
  begin(ask_for_ever, asker);
  return NULL;
}

static void clean_up(void) {
  mas_agent_stop(worker, 200);
  mas_agent_stop(asker, 200);
}

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  how = argv[1];
  snprintf(worker_id, sizeof worker_id, "worker-%ld", (long)getpid()); /* what its forerunners left is not its own */
  snprintf(asker_id, sizeof asker_id, "asker-%ld", (long)getpid());
  worker = agent_new(worker_id);
  asker = agent_new(asker_id);
  bool orderly = strcmp(how, "cleanup") == 0;
  if (orderly) {
    atexit(clean_up);
    start_agents(NULL); /* an agent that starts cannot be stopped */
  } else {
    begin(start_agents, NULL);
  }
  if (strcmp(how, "debug") == 0) begin(start_again_for_ever, agent_new("restless"));
  rest(atol(argv[2]));
  due = true;
  if (strcmp(how, "return") == 0) return kStatus;
  if (strcmp(how, "exit") == 0 || orderly) exit(kStatus);
  if (strcmp(how, "quick") == 0) quick_exit(kStatus);
  if (strcmp(how, "_exit") == 0) _exit(kStatus);
  if (strcmp(how, "thread") == 0) begin(exit_here, NULL);
  rest(kPatienceMs * 1000L);
  return 1; /* what was to end the program did not run */
}
