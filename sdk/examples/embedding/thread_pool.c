/* A thread pool: the loop's thread takes requests and hands them to workers, which compute and reply. A slow request
 * holds up no other one, and replies come in the order in which they are ready.
 *
 * A handler that returns gives its message back, so the request is kept with mas_message_ref. In gateway mode the
 * message is acknowledged when the handler returns: what a worker has not answered when the process dies is not
 * delivered again. */
#include "../example.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

enum { kWorkers = 4, kMaxWaiting = 256, kPatienceMs = 10000, kMaxBelow = 1000000 };

static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  mas_message *waiting[kMaxWaiting]; /* a ring */
  size_t first, count;
  bool closed;
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The handler of `primes`. A full queue refuses the request: in gateway mode it is delivered again later. */
static mas_status on_primes(mas_agent *agent, const mas_message *request, void *user) {
  (void)agent, (void)user;
  pthread_mutex_lock(&queue.mutex);
  bool room = queue.count < kMaxWaiting;
  if (room) queue.waiting[(queue.first + queue.count++) % kMaxWaiting] = mas_message_ref(request);
  pthread_cond_signal(&queue.changed);
  pthread_mutex_unlock(&queue.mutex);
  return room ? MAS_OK : MAS_HANDLER_FAILED;
}

/* @return a request, or NULL when the queue is closed and empty. */
static mas_message *next_request(void) {
  mas_message *request = NULL;
  pthread_mutex_lock(&queue.mutex);
  while (queue.count == 0 && !queue.closed) pthread_cond_wait(&queue.changed, &queue.mutex);
  if (queue.count > 0) {
    request = queue.waiting[queue.first];
    queue.first = (queue.first + 1) % kMaxWaiting;
    --queue.count;
  }
  pthread_mutex_unlock(&queue.mutex);
  return request;
}

static long count_primes(long below) {
  long count = 0;
  for (long n = 2; n < below; ++n) {
    long divisor = 2;
    while (divisor * divisor <= n && n % divisor != 0) ++divisor;
    if (divisor * divisor > n) ++count;
  }
  return count;
}

/* A worker: replies from its own thread, which any thread may do. */
static void *work(void *agent) {
  mas_message *request;
  while ((request = next_request()) != NULL) {
    char answer[64];
    long below = 0;
    mas_status status;
    if (sscanf(mas_message_data(request, NULL), "{\"below\":%ld}", &below) != 1 || below > kMaxBelow) {
      status = mas_message_reply_error(request, MAS_INVALID_PAYLOAD, "below: expected a number up to 1000000");
    } else {
      snprintf(answer, sizeof answer, "{\"primes\":%ld}", count_primes(below));
      status = mas_message_reply(request, "primes", answer, MAS_STRLEN);
    }
    if (status != MAS_OK) say(agent, "cannot reply: %s", mas_error_detail());
    mas_message_unref(request);
  }
  return NULL;
}

int main(int argc, char **argv) {
  mas_agent *agent = example_new(argc, argv, "host", "math.primes", "{\"about\":\"counts primes\"}");
  pthread_t workers[kWorkers];
  must(mas_agent_on_message(agent, "primes", on_primes, NULL), "handler");
  must(mas_agent_start(agent, kPatienceMs), "start");
  for (int i = 0; i < kWorkers; ++i) {
    errno = pthread_create(&workers[i], NULL, work, agent);
    must_call(errno == 0 ? 0 : -1, "pthread_create");
  }
  say(agent, "ready");
  must(mas_agent_run(agent), "run"); /* until SIGTERM calls mas_agent_quit */

  /* First the workers, then the agent: they still reply. */
  pthread_mutex_lock(&queue.mutex);
  queue.closed = true;
  pthread_cond_broadcast(&queue.changed);
  pthread_mutex_unlock(&queue.mutex);
  for (int i = 0; i < kWorkers; ++i) pthread_join(workers[i], NULL);
  return example_end(agent);
}
