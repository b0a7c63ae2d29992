// Ctrl-C and SIGTERM during a benchmark: remembered, so that it can end in order and clean up.
#pragma once

namespace mas::ctl {

/// From now on the two signals interrupt system calls and are remembered.
void remember_interrupts();
bool interrupted();

}  // namespace mas::ctl
