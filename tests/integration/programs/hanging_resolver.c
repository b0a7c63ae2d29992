/* A resolver that hangs, for LD_PRELOAD: names other than addresses are never found. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>
#include <unistd.h>

int getaddrinfo(const char* name, const char* service, const struct addrinfo* hints, struct addrinfo** found) {
  static int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**);
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (name == NULL || (hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0))
    return real(name, service, hints, found);
  for (;;) pause();
}
