/* Threads that end in the middle of the library: by pthread_exit in a callback, or by cancellation. The agent goes on,
 * with another thread. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

enum { kRounds = 100 };

static sem_t entered;
static atomic_int handled;

static mas_status take(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  ++handled;
  return MAS_OK;
}

static mas_status exit_thread(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  pthread_exit(NULL);
}

static mas_status wait_in_handler(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  sem_post(&entered);
  for (;;) pause();
  return MAS_OK;
}

static mas_status exit_thread_in_hook(mas_agent *agent, void *user) {
  (void)agent, (void)user;
  pthread_exit(NULL);
}

static void exit_thread_with_receipt(mas_agent *agent, const char *id, const char *target, mas_status outcome,
                                     void *user) {
  (void)agent, (void)id, (void)target, (void)outcome, (void)user;
  pthread_exit(NULL);
}

static void *run(void *agent) {
  sem_post(&entered);
  CHECK_OK(mas_agent_run(agent));
  return NULL;
}

static void *start(void *agent) {
  CHECK_OK(mas_agent_start(agent, 5000));
  return NULL;
}

static void *stop(void *agent) {
  CHECK_OK(mas_agent_stop(agent, 5000));
  return NULL;
}

static void *send_for_ever(void *agent) {
  sem_post(&entered);
  for (;;) {
    mas_status status = mas_agent_send(agent, "alice", "note", NULL, 0, NULL);
    CHECK(status == MAS_OK || status == MAS_WOULD_BLOCK);
    pthread_testcancel();
  }
  return NULL;
}

/** Ends a thread that runs `body`, by cancellation if `cancel`. */
static void end_thread(void *(*body)(void *), mas_agent *agent, bool cancel) {
  pthread_t thread;
  void *result;
  CHECK(pthread_create(&thread, NULL, body, agent) == 0);
  if (cancel) {
    sem_wait(&entered);
    CHECK(pthread_cancel(thread) == 0);
  }
  CHECK(pthread_join(thread, &result) == 0);
  CHECK(result == (cancel ? PTHREAD_CANCELED : NULL));
}

static bool took_one(void *before) { return handled > *(int *)before; }

/** The agent sends, hears and handles. */
static void expect_works(mas_agent *agent) {
  int before = handled;
  CHECK_OK(mas_agent_on_message(agent, "probe", take, NULL));
  CHECK_OK(mas_agent_send(agent, mas_agent_id(agent), "probe", NULL, 0, NULL));
  CHECK(eventually(took_one, &before, agent));
}

static void cancelled_while_it_waits(void) {
  mas_agent *agent = agent_started("alice", NULL);
  for (int i = 0; i < kRounds; ++i) {
    struct timespec rest = {0, i % 10 * 100000};
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, run, agent) == 0);
    sem_wait(&entered);
    nanosleep(&rest, NULL);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    expect_works(agent);
  }
  agent_ended(agent);
}

static void cancelled_while_it_sends(void) {
  mas_agent *agent = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(agent, NULL, take, NULL));
  for (int i = 0; i < kRounds; ++i) {
    end_thread(send_for_ever, agent, true);
    CHECK_OK(mas_agent_poll(agent, 1000, NULL));
  }
  CHECK_OK(mas_agent_flush(agent, 5000));
  expect_works(agent);
  agent_ended(agent);
}

/* Calls that wait for an answer, each on and on. They are no cancellation points: the thread ends after the call. */

static atomic_int call_number;

static mas_status call_once(mas_agent *agent) {
  mas_message *reply = NULL;
  mas_agent_list *list = NULL;
  mas_state_field field = {"a", "1", MAS_STRLEN};
  mas_status status = MAS_OK;
  switch (call_number) {
    case 0:
      status = mas_agent_request(agent, "silent", "question", NULL, 0, 1, &reply);
      mas_message_unref(reply);
      return status == MAS_TIMEOUT ? MAS_OK : status;
    case 1:
      return mas_agent_send_wait(agent, "alice", "note", NULL, 0, 5000, NULL);
    case 2:
      status = mas_agent_discover(agent, NULL, 0, 0, 0, 5000, &list);
      if (status == MAS_OK) mas_agent_list_free(list);
      return status;
    case 3:
      return mas_state_update(agent, &field, 1, 5000);
    default:
      return mas_agent_flush(agent, 5000);
  }
}

static void *call_for_ever(void *agent) {
  sem_post(&entered);
  for (;;) {
    CHECK_OK(call_once(agent));
    pthread_testcancel();
  }
  return NULL;
}

static void cancelled_in_a_call_that_waits(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_agent *silent = agent_started("silent", NULL);
  CHECK_OK(mas_agent_on_message(agent, NULL, take, NULL));
  for (int i = 0; i < kRounds; ++i) {
    call_number = i % 5;
    end_thread(call_for_ever, agent, true);
    CHECK_OK(mas_agent_poll(agent, 0, NULL));
  }
  expect_works(agent);
  agent_ended(silent);
  agent_ended(agent);
}

static mas_status ask_in_handler(mas_agent *agent, const mas_message *message, void *user) {
  mas_message *reply = NULL;
  (void)message, (void)user;
  sem_post(&entered);
  mas_status status = mas_agent_request(agent, "silent", "question", NULL, 0, 20, &reply);
  CHECK(status == MAS_TIMEOUT);
  for (;;) pause(); /* the request was no cancellation point; this is one */
  return MAS_OK;
}

static void cancelled_in_a_request_of_a_handler(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_agent *silent = agent_started("silent", NULL);
  for (int i = 0; i < kRounds / 10; ++i) {
    CHECK_OK(mas_agent_on_message(agent, "note", ask_in_handler, NULL));
    CHECK_OK(mas_agent_send(agent, "alice", "note", NULL, 0, NULL));
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, run, agent) == 0);
    sem_wait(&entered);
    sem_wait(&entered);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    expect_works(agent);
  }
  mas_stats stats;
  mas_agent_stats(agent, &stats, sizeof stats);
  CHECK(stats.handler_failed == kRounds / 10);
  agent_ended(silent);
  agent_ended(agent);
}

static void ends_in_a_handler(void) {
  mas_agent *agent = agent_started("alice", NULL);
  for (int i = 0; i < kRounds; ++i) {
    const bool cancel = i % 2 == 0;
    CHECK_OK(mas_agent_on_message(agent, "note", cancel ? wait_in_handler : exit_thread, NULL));
    CHECK_OK(mas_agent_send(agent, "alice", "note", NULL, 0, NULL));
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, run, agent) == 0);
    sem_wait(&entered);
    if (cancel) {
      sem_wait(&entered);
      CHECK(pthread_cancel(thread) == 0);
    }
    CHECK(pthread_join(thread, &result) == 0 && result == (cancel ? PTHREAD_CANCELED : NULL));
    expect_works(agent);
  }
  agent_ended(agent);
}

static void ends_in_a_hook(void) {
  mas_options *options = options_here();
  mas_agent *agent;
  CHECK_OK(mas_agent_new("alice", options, &agent));
  mas_options_free(options);
  for (int i = 0; i < kRounds; ++i) {
    mas_agent_on_start(agent, exit_thread_in_hook, NULL);
    end_thread(start, agent, false); /* as if the hook had failed */
    CHECK_STATUS(mas_agent_poll(agent, 0, NULL), MAS_INVALID_STATE);
    mas_agent_on_start(agent, NULL, NULL);
    mas_agent_on_stop(agent, exit_thread_in_hook, NULL);
    CHECK_OK(mas_agent_start(agent, 5000));
    end_thread(stop, agent, false); /* stopped all the same */
    CHECK_TEXT(redis("EXISTS", "agent:alice", NULL), "0");
    mas_agent_on_stop(agent, NULL, NULL);
  }
  CHECK_OK(mas_agent_start(agent, 5000));
  expect_works(agent);
  agent_ended(agent);
}

static void ends_with_a_receipt(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_agent_on_receipt(agent, MAS_RECEIPTS_FAILURES, exit_thread_with_receipt, NULL);
  for (int i = 0; i < kRounds; ++i) {
    CHECK_OK(mas_agent_send(agent, "nobody", "note", NULL, 0, NULL));
    end_thread(run, agent, false);
    sem_wait(&entered);
    expect_works(agent);
  }
  agent_ended(agent);
}

static const test_case tests[] = {
    {"cancelled_while_it_waits", cancelled_while_it_waits},
    {"cancelled_while_it_sends", cancelled_while_it_sends},
    {"cancelled_in_a_call_that_waits", cancelled_in_a_call_that_waits},
    {"cancelled_in_a_request_of_a_handler", cancelled_in_a_request_of_a_handler},
    {"ends_in_a_handler", ends_in_a_handler},
    {"ends_in_a_hook", ends_in_a_hook},
    {"ends_with_a_receipt", ends_with_a_receipt},
};

int main(int argc, char **argv) {
  sem_init(&entered, 0, 0);
  return RUN_TESTS(argc, argv, tests);
}
