// Throws what no catch of std::exception sees.
#include "throwing_handler.h"

mas_status throwing_handler(mas_agent *, const mas_message *, void *) { throw 7; }
