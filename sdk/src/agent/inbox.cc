// Queues towards the application.
#include "sdk/src/agent/inbox.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sdk/src/agent/requests.h"
#include "sdk/src/core/wait.h"

namespace mas::sdk {
namespace {

constexpr size_t kRun = 64;
constexpr size_t kConnectionChanges = 64;
constexpr size_t kDoubts = 16;

}  // namespace

Inbox::Inbox(const AgentConfig& config, bool keeps_all)
    : bound_(config.inbound), drops_(!keeps_all), receipt_bound_(config.outbound.messages) {}

Inbox::~Inbox() {
  if (fd_ >= 0) close(fd_);
}

Status Inbox::open() {
  fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd_ >= 0) return {};
  return Error{Errc::kNoMemory, std::string("cannot create an event descriptor: ") + strerror(errno)};
}

void Inbox::wake() const { wake_descriptor(fd_); }

void Inbox::signal() {
  if (!std::exchange(readable_, true)) wake();
}

bool Inbox::push(Lane lane, MessagePtr message) {
  MessagePtr victim;  // freed outside the lock
  std::lock_guard lock(mutex_);
  message_bytes_ += message->size();
  messages_.push(lane, {next_++, std::move(message)});
  while (drops_ && past_bound()) {
    victim = messages_.pop_least().value;
    message_bytes_ -= victim->size();
    ++dropped_;
    total_dropped_.store(total_dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (!std::exchange(overflow_noticed_, true)) notices_.push({next_++, Notice{}});
  }
  return !std::exchange(readable_, true);
}

void Inbox::push(Receipt receipt) {
  std::lock_guard lock(mutex_);
  receipts_.push({next_++, std::move(receipt)});
  if (receipts_.size() > receipt_bound_) receipts_.pop();
  signal();
}

void Inbox::push(ConnectionChange change) {
  std::lock_guard lock(mutex_);
  changes_.push({next_++, std::move(change)});
  if (changes_.size() > kConnectionChanges) changes_.pop();
  signal();
}

void Inbox::push(Doubt doubt) {
  std::lock_guard lock(mutex_);
  doubts_.push({next_++, std::move(doubt)});
  if (doubts_.size() > kDoubts) {
    const InDoubt dropped = doubts_.pop().value.messages;
    doubts_.front().value.messages.forgotten += dropped.ids.size() + dropped.forgotten;
  }
  signal();
}

void Inbox::push(Notice notice) {
  std::lock_guard lock(mutex_);
  notices_.push({next_++, std::move(notice)});
  signal();
}

template <typename Queue, typename T>
void Inbox::take_run(Queue& from, std::vector<T>& to, uint64_t end) {
  while (!from.empty() && from.front().number < end && to.size() < kRun) to.push_back(from.pop().value);
}

void Inbox::take(Taken& out, uint64_t end) {
  std::lock_guard lock(mutex_);
  uint64_t message = first_number(messages_);
  uint64_t receipt = first_number(receipts_);
  uint64_t change = first_number(changes_);
  uint64_t doubt = first_number(doubts_);
  uint64_t notice = first_number(notices_);
  uint64_t first = std::min({message, receipt, change, doubt, notice});
  if (first >= end) return;
  if (first == message) {
    take_run(messages_, out.messages, messages_.mixed() ? end : std::min({end, receipt, change, doubt, notice}));
    for (const auto& taken : out.messages) message_bytes_ -= taken->size();
  } else if (first == receipt) {
    take_run(receipts_, out.receipts, std::min({end, message, change, doubt, notice}));
  } else if (first == change) {
    take_run(changes_, out.changes, std::min({end, message, receipt, doubt, notice}));
  } else if (first == doubt) {
    take_run(doubts_, out.doubts, std::min({end, message, receipt, change, notice}));
  } else {
    take_run(notices_, out.notices, std::min({end, message, receipt, change, doubt}));
  }
}

std::vector<MessagePtr> Inbox::take_messages() {
  std::vector<MessagePtr> taken;
  std::lock_guard lock(mutex_);
  while (!messages_.empty()) taken.push_back(messages_.pop().value);
  message_bytes_ = 0;
  return taken;
}

void Inbox::Taken::clear() {
  messages.clear();
  receipts.clear();
  changes.clear();
  doubts.clear();
  notices.clear();
}

uint64_t Inbox::next_number() const {
  std::lock_guard lock(mutex_);
  return next_;
}

uint64_t Inbox::take_dropped() {
  std::lock_guard lock(mutex_);
  overflow_noticed_ = false;
  return std::exchange(dropped_, 0);
}

void Inbox::settle(bool idle) {
  std::lock_guard lock(mutex_);
  if (!nothing_waits()) {
    if (idle && readable_) wake();
    return;
  }
  if (!readable_ && !idle) return;
  clear_descriptor(fd_);
  readable_ = false;
}

}  // namespace mas::sdk
