// Exit codes: the table as data, and which error means which.
#include "sdk/masctl/cli/exit_code.h"

namespace mas::ctl {

namespace {
constexpr ExitCodeDoc kDocs[] = {
#define MASCTL_EXIT(name, value, text) {value, text},
#include "sdk/masctl/cli/exit_codes.def"
#undef MASCTL_EXIT
};
}  // namespace

std::span<const ExitCodeDoc> exit_code_docs() { return kDocs; }

ExitCode exit_code_of(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return ExitCode::kUsage;
    case Errc::kUnreachable:
    case Errc::kConnectionLost:
    case Errc::kAuthFailed:
    case Errc::kProtocol:
      return ExitCode::kUnreachable;
    case Errc::kTimeout:
      return ExitCode::kTimedOut;
    case Errc::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace mas::ctl
