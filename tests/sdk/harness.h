/* What the tests of the C API share: a private redis-server, raw commands to it, checks that count, bounded waiting.
 *
 * A test program lists its tests in a table and returns run_tests(). Every test gets an empty server; a failed check is
 * printed with its line and ends the program.
 */
#ifndef TESTS_SDK_HARNESS_H
#define TESTS_SDK_HARNESS_H

#include <mas.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** Of a function in a header that some programs do not call. */
#define UNUSED __attribute__((unused))

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Checks: the first one that fails ends the program. */

void check_true(const char *file, int line, const char *condition, bool holds);
void check_text(const char *file, int line, const char *expression, const char *got, const char *expected);
void check_status(const char *file, int line, const char *expression, mas_status got, mas_status expected);

#define CHECK(condition) check_true(__FILE__, __LINE__, #condition, (condition))
#define CHECK_TEXT(got, expected) check_text(__FILE__, __LINE__, #got, (got), (expected))
#define CHECK_STATUS(got, expected) check_status(__FILE__, __LINE__, #got, (got), (expected))
#define CHECK_OK(call) CHECK_STATUS(call, MAS_OK)

/* ---- The server. */

/** URL of the test's redis-server. */
const char *redis_url(void);
/** SIGKILL; data is lost. */
void redis_stop(void);
void redis_start(void);
/** SIGSTOP and SIGCONT: connections stay open, nothing answers. */
void redis_freeze(void);
void redis_thaw(void);

/** Sends one command and returns its reply as text: an integer in decimal, nil as "(nil)", an error with its '-', an
 *  array as its elements each ended by a newline. Arguments are texts, ended by NULL. Valid until the next call but
 *  three. Opens a connection of its own. */
const char *redis(const char *command, ...) __attribute__((sentinel));
/** @return bytes that the server has sent to all clients so far. */
long redis_bytes_sent(void);
/** PUBLISH of any bytes. @return how many received it. */
long redis_publish(const char *channel, const void *bytes, size_t size);
/** A subscriber on a connection of its own, as a foreign program would be. */
typedef struct ear ear;
ear *ear_open(const char *channel);
/** @return the next payload, or NULL after five seconds; valid until the next call. */
const char *ear_hear(ear *e);
void ear_close(ear *e);

/* ---- Waiting and making. */

/** Waits until `condition` holds, up to ten seconds; polls `agent` meanwhile where it is not NULL. */
bool eventually(bool (*condition)(void *), void *context, mas_agent *agent);
/** A condition for eventually(): the reply of redis(command, key) is `reply`. */
typedef struct redis_is {
  const char *command, *key, *reply;
} redis_is;
bool redis_is_condition(void *context);

/** An agent on the test's server, started. `options` may be NULL. */
mas_agent *agent_started(const char *id, mas_options *options);
/** Options with the server's URL. */
mas_options *options_here(void);
/** Stops and frees; the stop must succeed. */
void agent_ended(mas_agent *agent);
/** The function of a thread that runs an agent until it quits. @param agent a mas_agent. @return NULL. */
void *run_agent(void *agent);
/** Its counters. */
mas_stats stats_of(const mas_agent *agent);
/** A new text that printf would write; valid until the eighth call after. */
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Starts a program that finds the test's server by MAS_REDIS_URL, and that ends with this one at the latest.
 *  @param input its standard input; -1: this program's. @param program its path; its arguments follow, ended by
 *  NULL. */
pid_t program_started(int input, const char *program, ...) __attribute__((sentinel));

/* ---- Running. */

typedef struct test_case {
  const char *name;
  void (*run)(void);
} test_case;

/** Runs every test, or those whose name contains argv[1]. @return the exit status of main. */
int run_tests(int argc, char **argv, const test_case *tests, size_t count);
#define RUN_TESTS(argc, argv, tests) run_tests(argc, argv, tests, sizeof(tests) / sizeof((tests)[0]))

#ifdef __cplusplus
}
#endif

#endif /* TESTS_SDK_HARNESS_H */
