/* Puts a process's wall clock forward or back while it runs, for LD_PRELOAD: by the seconds, a 64-bit integer, that the
 * file holds which MAS_CLOCK_FILE names. The monotonic clock stays as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t seconds(void) {
  static const volatile int64_t* mapped;
  if (mapped == NULL) {
    int file = open(getenv("MAS_CLOCK_FILE"), O_RDONLY);
    void* place = mmap(NULL, sizeof *mapped, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (place == MAP_FAILED) abort();
    mapped = place;
  }
  return *mapped;
}

int gettimeofday(struct timeval* time, void* zone) {
  static int (*real)(struct timeval*, void*);
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "gettimeofday");
  int status = real(time, zone);
  time->tv_sec += seconds();
  return status;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  static int (*real)(clockid_t, struct timespec*);
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "clock_gettime");
  int status = real(clock, time);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec += seconds();
  return status;
}

time_t time(time_t* result) {
  struct timeval now;
  gettimeofday(&now, NULL);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}
