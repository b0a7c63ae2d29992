// Starts threads with every signal blocked, so that the program's signal handlers never run on them and a broken pipe
// raises no SIGPIPE there. If no thread can be created, the caller gets an error, not an exception.
#pragma once

#include <functional>
#include <thread>

#include "proto/base/result.h"

namespace mas {

/// @param name at most 15 characters. @return join or detach it; kNoMemory with the system's words.
Result<std::thread> start_thread(const char* name, std::function<void()> body);

}  // namespace mas
