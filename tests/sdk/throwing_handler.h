/* A handler that a C program cannot write. */
#ifndef TESTS_SDK_THROWING_HANDLER_H
#define TESTS_SDK_THROWING_HANDLER_H

#include <mas.h>

#ifdef __cplusplus
extern "C" {
#endif

mas_status throwing_handler(mas_agent *agent, const mas_message *message, void *user);

#ifdef __cplusplus
}
#endif

#endif /* TESTS_SDK_THROWING_HANDLER_H */
