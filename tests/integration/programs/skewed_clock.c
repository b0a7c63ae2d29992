/* Loaded before a program's libraries (LD_PRELOAD): its wall clock is MAS_TEST_CLOCK_SKEW seconds off; the others are not. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec* now) {
  static long skew;
  static int known;
  int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (!known) {
    const char* text = getenv("MAS_TEST_CLOCK_SKEW");
    skew = text == NULL ? 0 : atol(text);
    known = 1;
  }
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += skew;
  return result;
}
