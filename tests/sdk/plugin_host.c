/* A program that is not linked with libmas: it loads it, and gives it up by dlclose(). host_end_test.c runs it.
 *
 *   sdk_plugin_host LIBRARY HOW
 *     running   dlclose() while its agent runs; the agent answers the request that its parent makes; then it loads the
 *               library again, stops the agent, and begins anew: twice
 *     stopped   dlclose() after the agent was stopped and freed: twice
 *     exit      dlclose() while its agent runs, then returns from main */
#include <dlfcn.h>
#include <mas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kPatienceMs = 10000 };

static struct {
  void *handle;
  __typeof__(mas_agent_new) *agent_new;
  __typeof__(mas_agent_start) *agent_start;
  __typeof__(mas_agent_stop) *agent_stop;
  __typeof__(mas_agent_free) *agent_free;
  __typeof__(mas_agent_run) *agent_run;
  __typeof__(mas_agent_quit) *agent_quit;
  __typeof__(mas_agent_on_message) *agent_on_message;
  __typeof__(mas_message_reply) *message_reply;
} mas;

static void must(int holds, const char *what) {
  if (holds) return;
  const char *why = dlerror();
  fprintf(stderr, "%s: %s\n", what, why == NULL ? "failed" : why);
  _Exit(1);
}

static void take(const char *name, void *function_pointer) {
  void *function = dlsym(mas.handle, name);
  must(function != NULL, name);
  memcpy(function_pointer, &function, sizeof function);
}

static void load(const char *library) {
  mas.handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  must(mas.handle != NULL, library);
  take("mas_agent_new", &mas.agent_new);
  take("mas_agent_start", &mas.agent_start);
  take("mas_agent_stop", &mas.agent_stop);
  take("mas_agent_free", &mas.agent_free);
  take("mas_agent_run", &mas.agent_run);
  take("mas_agent_quit", &mas.agent_quit);
  take("mas_agent_on_message", &mas.agent_on_message);
  take("mas_message_reply", &mas.message_reply);
}

static mas_status on_question(mas_agent *agent, const mas_message *request, void *user) {
  (void)user;
  mas.agent_quit(agent);
  return mas.message_reply(request, "answer", NULL, 0);
}

static mas_agent *started(void) {
  mas_agent *agent = NULL;
  must(mas.agent_new("plugin", NULL, &agent) == MAS_OK, "mas_agent_new");
  must(mas.agent_on_message(agent, "question", on_question, NULL) == MAS_OK, "mas_agent_on_message");
  must(mas.agent_start(agent, kPatienceMs) == MAS_OK, "mas_agent_start");
  return agent;
}

static void ended(mas_agent *agent) {
  must(mas.agent_stop(agent, kPatienceMs) == MAS_OK, "mas_agent_stop");
  mas.agent_free(agent);
}

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  for (int round = 0; round < 2; ++round) {
    load(argv[1]);
    mas_agent *agent = started();
    if (strcmp(argv[2], "stopped") == 0) ended(agent);
    must(dlclose(mas.handle) == 0, "dlclose");
    if (strcmp(argv[2], "exit") == 0) return 0;
    if (strcmp(argv[2], "running") != 0) continue;
    must(mas.agent_run(agent) == MAS_OK, "mas_agent_run"); /* the functions that it had are still there */
    load(argv[1]);
    ended(agent);
    must(dlclose(mas.handle) == 0, "dlclose");
  }
  return 0;
}
