/* The signal handler of the examples in C ends with its agent: after that, a signal has its earlier effect. */
#include "../../sdk/examples/example.h"

static volatile sig_atomic_t counted;
static void count(int number) {
  (void)number;
  ++counted;
}

static void expect(int signals, const char* when) {
  if (counted == signals) return;
  fprintf(stderr, "%s, %d signals came to the earlier handler; expected %d\n", when, (int)counted, signals);
  exit(1);
}

int main(void) {
  signal(SIGTERM, count);
  mas_agent* agent = example_new(0, NULL, "quitter", NULL, "{}");
  raise(SIGTERM);
  expect(0, "while there is an agent");
  if (example_end(agent) != 0) return 1;
  raise(SIGTERM);
  expect(1, "after its end");
  return 0;
}
