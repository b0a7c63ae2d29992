// Who gets which reply, and who is told what when there is none.
#include "proto/redis/run_queue.h"

namespace mas::redis {

Status RunQueue::full(size_t bytes) const {
  auto text = [](size_t held, size_t most, const char* what) {
    return "the outgoing queue is full (" + std::to_string(held) + " of " + std::to_string(most) + what;
  };
  const bool by_bytes = outgoing_.size() + bytes > max_bytes_;
  return Error{Errc::kWouldBlock,
               by_bytes ? text(outgoing_.size(), max_bytes_, " bytes)") : text(commands_, max_commands_, " commands)")};
}

void RunQueue::add_transaction(const Run& run, std::string_view body) {
  outgoing_.append(kMulti, 0);
  outgoing_.append(body, 0);
  outgoing_.append(kExec, counted());
  push(run);
}

ReplyTo RunQueue::take(bool is_error, bool& ret_last) {
  Run& run = pending_.front();
  ReplyTo to = run.to;
  --commands_;
  ret_last = --run.remaining == 0;
  if (!run.transaction) {
    ++run.to.tag;
  } else if (ret_last || is_error) {
    run.to.fn = nullptr;  // that was its one answer
  } else {
    to.fn = nullptr;
  }
  if (ret_last) pending_.pop_front();
  return to;
}

void RunQueue::fail_sent(const Error& first, const Error& rest) {
  outgoing_.drop_begun();
  const auto end = pending_.end() - static_cast<std::ptrdiff_t>(outgoing_.runs());
  failing_.insert(failing_.end(), pending_.begin(), end);
  pending_.erase(pending_.begin(), end);
  answer_failing(first, rest);
}

void RunQueue::fail_all(const Error& why) {
  outgoing_.clear();
  fail_sent(why, why);
}

void RunQueue::fail_unsent_transactions(const Error& why) {
  if (cut_out_transactions())
    answer_failing(why, why);
  else
    fail_all(why);
}

/// @return false where their bytes cannot be told from the rest.
bool RunQueue::cut_out_transactions() {
  std::deque<Run> kept, dropped;
  size_t at = 0;
  for (const Run& run : pending_) {
    if (run.transaction && !outgoing_.erase_run(at, run.bytes)) return false;
    at += run.transaction ? 0 : run.bytes;
    (run.transaction ? dropped : kept).push_back(run);
  }
  if (dropped.empty()) return true;
  pending_.swap(kept);
  failing_.insert(failing_.end(), dropped.begin(), dropped.end());
  return true;
}

/// One command after the other, so that a receiver that is forgotten in between hears no more. What a receiver does may
/// lead here again; that goes on where this one stands.
void RunQueue::answer_failing(const Error& first, const Error& rest) {
  for (bool head = true; !failing_.empty();) {
    Run& run = failing_.front();
    const ReplyTo to = run.to;
    const size_t answered = run.transaction ? run.remaining : 1;
    const Answer outcome = head ? first : rest;
    ++run.to.tag;
    run.remaining -= answered;
    commands_ -= answered;
    if (run.remaining == 0) {
      failing_.pop_front();
      head = false;
    }
    if (to.fn != nullptr) to.fn(to.self, to.tag, outcome);
  }
}

size_t RunQueue::expire_unsent(MonoTime now, const Error& why) {
  size_t bytes = 0, expired = 0;
  while (!pending_.empty() && pending_.front().deadline <= now) {
    bytes += pending_.front().bytes;
    failing_.push_back(pending_.front());
    pending_.pop_front();
    ++expired;
  }
  outgoing_.drop_runs(expired, bytes);
  answer_failing(why, why);
  return expired;
}

void RunQueue::forget(const void* self) {
  for (auto* queue : {&pending_, &failing_})
    for (Run& run : *queue)
      if (run.to.self == self) run.to.fn = nullptr;
}

}  // namespace mas::redis
