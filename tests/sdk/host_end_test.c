/* What a host program leaves behind that is killed, or that gives the library up: nothing that lasts, and no hang. How
 * programs end by exit() is tests/integration/test_host.py. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

enum { kPatienceMs = 10000, kHeartbeatMs = 60000, kLeaseMs = 15000 };

static bool has_ended(void *pid) {
  siginfo_t info = {.si_pid = 0};
  CHECK(waitid(P_PID, (id_t) * (pid_t *)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0);
  return info.si_pid != 0;
}

/** @return the status of waitpid, in time. */
static int ended(pid_t child) {
  int status;
  CHECK(eventually(has_ended, &child, NULL));
  CHECK(waitpid(child, &status, 0) == child);
  return status;
}

/* ---- Signals. */

static mas_status die_in_handler(mas_agent *agent, const mas_message *message, void *signal_number) {
  (void)agent, (void)message;
  raise(*(int *)signal_number);
  return MAS_OK;
}

/** In a child: an agent with a message in hand. */
static void be_killed(int signal_number) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0); /* no core file */
  mas_agent *agent = agent_started("victim", NULL);
  CHECK_OK(mas_agent_on_message(agent, "note", die_in_handler, &signal_number));
  CHECK_OK(mas_agent_send(agent, "victim", "note", NULL, 0, NULL));
  mas_agent_run(agent);
}

static long lifetime_ms(const char *key) { return atol(redis("PTTL", key, NULL)); }

static void killed_by_a_signal(void) {
  static const int signals[] = {SIGTERM, SIGKILL, SIGABRT, SIGSEGV};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i) {
    redis("FLUSHALL", NULL);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      signal(signals[i], SIG_DFL); /* a sanitizer catches some */
      be_killed(signals[i]);
      _exit(0);
    }
    int status = ended(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
    /* Nobody is left who would renew it: the heartbeat ends within its TTL, the lease within its own. */
    const char *instance = redis("HKEYS", "agent:victim:instances", NULL);
    const long heartbeat = lifetime_ms("agent:victim:heartbeat");
    const long lease = lifetime_ms(text("agent:victim:alive:%.32s", instance));
    CHECK(heartbeat > 0 && heartbeat <= kHeartbeatMs);
    CHECK(lease > 0 && lease <= kLeaseMs);
    agent_ended(agent_started("victim", NULL)); /* its successor is not held up */
  }
}

/* ---- dlopen and dlclose. */

static pid_t plugin_host_started(const char *how) {
  return program_started(-1, MAS_PLUGIN_HOST, MAS_LIBRARY, how, NULL);
}

static mas_agent *asker;
static bool answers(void *agent_id) {
  return mas_agent_request(asker, agent_id, "question", NULL, 0, kPatienceMs, NULL) == MAS_OK;
}

static void unloaded_while_an_agent_runs(void) {
  asker = agent_started("asker", NULL);
  pid_t child = plugin_host_started("running");
  for (int round = 0; round < 2; ++round) CHECK(eventually(answers, "plugin", NULL));
  CHECK(ended(child) == 0);
  CHECK_TEXT(redis("EXISTS", "agent:plugin", NULL), "0");
  agent_ended(asker);
}

static void unloaded_after_a_stop(void) {
  CHECK(ended(plugin_host_started("stopped")) == 0);
  CHECK_TEXT(redis("EXISTS", "agent:plugin", NULL), "0");
}

static void unloaded_and_never_stopped(void) {
  CHECK(ended(plugin_host_started("exit")) == 0);
  CHECK_TEXT(redis("EXISTS", "agent:plugin", NULL), "1"); /* until its heartbeat ends */
}

static const test_case tests[] = {
    {"killed_by_a_signal", killed_by_a_signal},
    {"unloaded_while_an_agent_runs", unloaded_while_an_agent_runs},
    {"unloaded_after_a_stop", unloaded_after_a_stop},
    {"unloaded_and_never_stopped", unloaded_and_never_stopped},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, tests); }
