/* What the agents of the tests share: they run until SIGTERM, and tell the monotonic clock. */
#pragma once

#include <signal.h>
#include <time.h>

static volatile sig_atomic_t stopping;

static void on_term(int number) {
  (void)number;
  stopping = 1;
}

/** @return the monotonic clock, in seconds. */
static inline double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
