// Ctrl-C and SIGTERM during a command that goes on for long: remembered, so that it can end in order and clean up.
#pragma once

namespace mas::ctl {

/// From now on the two signals interrupt system calls and are remembered.
void remember_interrupts();
bool interrupted();

}  // namespace mas::ctl
