/* A secret does not outlive its agent in the program's memory: afterwards a core dump or a stray read finds none. */
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway_case.h"

enum { kTokenSize = 32, kLargest = 900000 };

/* The token is made on the server, of this again and again, so that nothing but the library has ever held the whole. */
static const char kPiece[] = "Q7zK";
enum { kPieceSize = sizeof kPiece - 1 };

static bool token_at(const char *place) {
  for (int i = 0; i < kTokenSize; ++i)
    if (place[i] != kPiece[i % kPieceSize]) return false;
  return true;
}

/* How often the token stands in what this program may write: heap, data, stacks. */
static int copies_of_token(void) {
  static char block[1 << 16];
  int copies = 0;
  char line[512];
  FILE *maps = fopen("/proc/self/maps", "r");
  FILE *memory = fopen("/proc/self/mem", "r");
  CHECK(maps != NULL && memory != NULL);
  setvbuf(memory, NULL, _IONBF, 0);
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long begin, end;
    char rights[5];
    CHECK(sscanf(line, "%lx-%lx %4s", &begin, &end, rights) == 3);
    if (strncmp(rights, "rw", 2) != 0) continue;
    for (unsigned long at = begin; at + kTokenSize <= end; at += sizeof block - kTokenSize) {
      if (at <= (uintptr_t)block + sizeof block && (uintptr_t)block <= at + sizeof block) continue;
      size_t want = end - at < sizeof block ? end - at : sizeof block;
      if (fseek(memory, (long)at, SEEK_SET) != 0 || fread(block, 1, want, memory) != want) continue;
      for (size_t i = 0; i + kTokenSize <= want; ++i)
        if (token_at(block + i)) ++copies;
    }
  }
  fclose(maps);
  fclose(memory);
  return copies;
}

static void send_of_size(mas_agent *agent, size_t size) {
  char *data = malloc(size + 10);
  CHECK(data != NULL);
  memcpy(data, "{\"x\":\"", 6);
  memset(data + 6, 'x', size);
  memcpy(data + 6 + size, "\"}", 3);
  CHECK_OK(mas_agent_send_wait(agent, "alice", "note", data, MAS_STRLEN, 5000, NULL));
  free(data);
}

/* The child has the agent, its parent the gateway, which reads the token as well. */
static void live_and_die(void) {
  mas_agent *agent = gateway_agent("alice");
  for (int i = 0; i < 20; ++i) CHECK_OK(mas_agent_send_wait(agent, "alice", "note", NULL, 0, 5000, NULL));
  for (size_t size = 1000; size <= kLargest; size *= 3) send_of_size(agent, size); /* buffers grow */
  CHECK(copies_of_token() > 0); /* it is looked for in the right way */
  CHECK_OK(mas_agent_stop(agent, 5000));
  mas_agent_free(agent);
  int left = copies_of_token();
  if (left != 0) printf("the token stands in memory %d times\n", left);
  CHECK(left == 0);
}

static void a_token_does_not_outlive_its_agent(void) {
  int status = 1;
  pid_t child;
  redis("EVAL", "return redis.call('HSET', KEYS[1], 'token', string.rep(ARGV[1], 8))", "1", "agent:alice", kPiece,
        NULL);
  child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    live_and_die();
    fflush(NULL);
    _exit(0);
  }
  mock_gateway *gateway = mock_gateway_start();
  CHECK(waitpid(child, &status, 0) == child);
  mock_gateway_stop(gateway);
  CHECK(status == 0);
}

static const test_case tests[] = {
    {"a token does not outlive its agent", a_token_does_not_outlive_its_agent},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, tests); }
