// The blocking peek.
#include "daemons/gatewayd/turn/peek.h"

#include <utility>

#include "daemons/gatewayd/turn/list_weight.h"

namespace mas::gateway {
namespace {

constexpr int kBlockSeconds = 5;
constexpr Duration kPause = std::chrono::milliseconds(100);
constexpr Duration kPatience = std::chrono::seconds(kBlockSeconds + 5);

}  // namespace

Peek::Peek(uv_loop_t* loop, redis::ConnectionOptions options, unsigned partition, std::string key,
           PeekListener& listener)
    : partition_(partition),
      key_(std::move(key)),
      listener_(listener),
      pause_(loop, [this] { notify(); }),
      connection_(loop, std::move(options), this) {
  connection_.start();
}

Peek::~Peek() = default;

void Peek::arm() {
  wanted_ = true;
  ask();
}

void Peek::ask() {
  if (!wanted_ || blocked_ || pause_.armed() || !connection_.ready()) return;
  redis::Command command("BLMOVE", key_, key_, "LEFT", "LEFT", kBlockSeconds);
  command.add("MEMORY", "USAGE", key_, "SAMPLES", ListWeight::kMaxElements);
  blocked_ = connection_.send(command, redis::reply_to<&Peek::on_reply>(this), kPatience).ok();
}

/// An error (a key of another type; Redis out of memory, since BLMOVE writes) counts as work: the turn reads the list
/// and reports what it finds. Not at once, since the next peek may be answered the same.
void Peek::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!answer.ok()) {
    blocked_ = false;
    if (answer.error().code == Errc::kTooLarge) notify(0, true);
    return;  // asked again when the link is back
  }
  const redis::Reply& reply = **answer;
  if (tag == 0) {
    seen_ = !reply.is_nil() && !reply.is_error();
    if (reply.is_error()) pause_.once(kPause);
    return;
  }
  blocked_ = false;
  if (!seen_) return ask();
  notify(reply.is_integer() ? static_cast<uint64_t>(reply.integer) : 0);
}

void Peek::notify(uint64_t list_bytes, bool too_large) {
  if (std::exchange(wanted_, false)) listener_.on_work(partition_, list_bytes, too_large);
}

}  // namespace mas::gateway
