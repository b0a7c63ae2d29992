// Which look is next.
#include "daemons/registryd/index_requests.h"

namespace mas::registry {

// Events and the full pass take turns, so that neither starves.
IndexRequests::Look IndexRequests::next(size_t most, MonoTime now) {
  const Duration rest = spacing_.wait(now);
  const bool events = !named_.empty() && rest == Duration(0);
  const bool walk = !walk_.empty() && (!events || from_ != From::kWalk);
  if (!walk && !events) return {From::kNone, {}, named_.empty() ? Duration(0) : rest};
  from_ = walk ? From::kWalk : From::kEvents;
  if (walk) return {from_, std::exchange(walk_, {}), {}};
  spacing_.begin(now);
  return {from_, named_.take(most), {}};
}

}  // namespace mas::registry
