// Exit codes of the daemons; the values above 63 are those of sysexits.h, which systemd names in its logs.
#pragma once

namespace mas::common {

enum ExitCode : int {
  kExitOk = 0,            ///< stopped and drained, or the question was answered (--help, --check-config)
  kExitUndrained = 1,     ///< stopped before the drain was finished: time-out, or a second signal
  kExitUsage = 64,        ///< the command line is wrong
  kExitUnavailable = 69,  ///< the HTTP address cannot be listened on
  kExitInternal = 70,     ///< the event loop could not be made
  kExitConfig = 78,       ///< the configuration is wrong
};

}  // namespace mas::common
