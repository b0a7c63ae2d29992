// Starting threads: with every signal blocked, so that the program's handlers never run on them and a broken pipe raises
// no SIGPIPE there; and an error, not an exception, where there is no room for one more.
#pragma once

#include <functional>
#include <thread>

#include "proto/base/result.h"

namespace mas {

/// @param name at most 15 characters. @return join or detach it; kNoMemory with the system's words.
Result<std::thread> start_thread(const char* name, std::function<void()> body);

}  // namespace mas
