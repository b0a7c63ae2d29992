/* What the host programs of this folder have in common, besides their loops: an agent, and work of their own.
 *
 * The work: each line of the standard input goes to the agent `listener` as {"line":"…"}. The agent: it answers `lines`
 * with the number of lines so far. A program ends at the end of its input and on SIGTERM; it deregisters then.
 *
 *   usage: example_embedding_… [ID]        MAS_REDIS_URL names Redis
 */
#ifndef MAS_EMBEDDING_HOST_H
#define MAS_EMBEDDING_HOST_H

#include "../example.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

enum { kPatienceMs = 10000, kMaxLine = 400 };

static int host_lines; /* sent so far */

/* The handler. It runs in the loop's thread, inside mas_agent_poll. */
static mas_status host_on_lines(mas_agent *agent, const mas_message *request, void *user) {
  char answer[64];
  (void)agent, (void)user;
  snprintf(answer, sizeof answer, "{\"lines\":%d}", host_lines);
  return mas_message_reply(request, "lines", answer, MAS_STRLEN);
}

/* Makes and starts the agent; the input does not block from now on. */
static mas_agent *host_started(int argc, char **argv) {
  mas_agent *agent = example_new(argc, argv, "host", "host.lines", "{\"about\":\"counts lines\"}");
  must(mas_agent_on_message(agent, "lines", host_on_lines, NULL), "handler");
  must(mas_agent_start(agent, kPatienceMs), "start");
  int flags = must_call(fcntl(STDIN_FILENO, F_GETFL), "standard input");
  must_call(fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK), "standard input");
  say(agent, "ready");
  return agent;
}

static void host_send_line(mas_agent *agent, const char *line) {
  char json[kMaxLine + 16];
  snprintf(json, sizeof json, "{\"line\":\"%s\"}", line); /* a real program escapes quotes and backslashes */
  mas_status status = mas_agent_send(agent, "listener", "line", json, MAS_STRLEN, NULL);
  if (status != MAS_OK) say(agent, "cannot send: %s", mas_error_detail());
  ++host_lines;
}

/* Reads what there is of the input and sends its lines. @return false at the end of the input, and where it cannot be
 * read. */
static bool host_read_input(mas_agent *agent) {
  static char line[kMaxLine];
  static size_t size;
  for (;;) {
    char byte;
    ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) continue; /* a signal came; the input is as it was */
    if (got < 0 && errno == EAGAIN) return true;
    if (got < 0) perror("standard input");
    bool last = got <= 0;
    if (!last && byte != '\n' && size < sizeof line - 1) line[size++] = byte;
    if (!last && byte != '\n') continue;
    line[size] = '\0';
    if (!last || size > 0) host_send_line(agent, line); /* the last line may lack its newline */
    size = 0;
    if (last) return false;
  }
}

#endif /* MAS_EMBEDDING_HOST_H */
