// What operations have in common.
#include "sdk/src/core/op.h"

namespace mas::sdk {

void Op::limit(Duration timeout) {
  if (timeout < Duration::zero()) return;
  auto ms = std::to_string(to_millis(timeout));
  deadline_ = std::make_unique<redis::Timer>(host_.loop(), [this, ms] {
    cancel(Error{Errc::kTimeout, "Redis did not answer within " + ms + " ms"});
  });
  deadline_->once(timeout);
}

Status Op::send(const redis::Command& command, uint64_t tag, size_t text_bytes) {
  return host_.commands().send(command, replies(tag, text_bytes));
}

Status Op::scatter(const redis::Command& commands, uint64_t tag, size_t text_bytes) {
  return host_.commands().scatter(commands, replies(tag, text_bytes));
}

Status Op::transaction(const redis::Command& body, uint64_t tag) {
  return host_.commands().transaction(body, replies(tag));
}

void Op::retire() {
  host_.commands().forget(this);
  if (deadline_ != nullptr) deadline_->stop();
  host_.retire(*this);
}

}  // namespace mas::sdk
