// The table of requests and the ways they end.
#include "sdk/src/agent/requests.h"

#include <cstring>

#include "proto/wire/error_reply.h"
#include "sdk/src/agent/inbox.h"
#include "sdk/src/core/cause.h"
#include "sdk/src/core/error.h"
#include "sdk/src/loop/presence.h"

namespace mas::sdk {
namespace {

thread_local bool direct_callback = false;

class DirectCallback {
 public:
  DirectCallback() : before_(std::exchange(direct_callback, true)) {}
  ~DirectCallback() { direct_callback = before_; }
  DirectCallback(const DirectCallback&) = delete;
  DirectCallback& operator=(const DirectCallback&) = delete;

 private:
  const bool before_;
};

}  // namespace

bool in_direct_callback() { return direct_callback; }

bool AsyncRequest::finish(mas_agent* agent) {
  State expected = State::kEnded;
  if (!state_.compare_exchange_strong(expected, State::kFinished)) return false;
  if (outcome_ != MAS_OK) fail(outcome_, detail_);
  note_receipt(note_);
  note_error_reply(error_reply_);
  const mas_message* reply = reply_.get();
  if (!direct_) {
    call_out(fn_, agent, outcome_, reply, user_);
    return true;
  }
  const DirectCallback inside;
  Absence outside;  // not cancellable: the thread may be in the midst of the loop
  Tracer::Hold no_observer;
  const WithoutCause own;  // the thread that leads the loop may be in a handler
  fn_(agent, outcome_, reply, user_);
  return true;
}

bool AsyncRequest::cancel() {
  for (State from : {State::kWaiting, State::kEnded})
    if (state_.compare_exchange_strong(from, State::kCancelled)) return true;
  return false;
}

class Requests::Ending {
 public:
  explicit Ending(Requests& requests) : requests_(requests), lock_(requests.mutex_) {}
  ~Ending() {
    auto ended = std::exchange(requests_.direct_ended_, {});
    lock_.unlock();
    for (const auto& request : ended) request->finish(nullptr);
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  Requests& requests_;
  std::unique_lock<std::mutex> lock_;
};

Requests::Waiter::Waiter(Requests& requests, const Id128& id, std::string_view asked)
    : requests_(requests), id_(id), asked_(asked) {
  std::lock_guard lock(requests_.mutex_);
  requests_.table_[id].waiter = this;
}

Requests::Waiter::~Waiter() { requests_.remove(id_); }

bool Requests::Waiter::ended() {
  std::lock_guard lock(requests_.mutex_);
  return result_.has_value();
}

Result<MessagePtr> Requests::Waiter::wait(const Deadline& deadline) {
  Absence waiting;
  std::unique_lock lock(requests_.mutex_);
  auto ended = [this] { return result_.has_value(); };
  Duration left = deadline.left();
  if (left < Duration::zero())
    ended_.wait(lock, ended);
  else
    ended_.wait_for(lock, left, ended);
  // Under the same lock: whoever ends it later learns that nobody waits.
  if (auto it = requests_.table_.find(id_); it != requests_.table_.end())
    requests_.settle_late(requests_.extract(it), {Errc::kTimeout, "no reply in time"});
  note_receipt(note_);
  note_error_reply(error_reply_);
  return std::move(*result_);
}

Result<bool> Requests::add(const std::shared_ptr<AsyncRequest>& request, std::optional<MonoTime> deadline) {
  std::lock_guard lock(mutex_);
  if (unpolled_.load() >= limit_)
    return Error{Errc::kWouldBlock, std::to_string(limit_) + " requests are under way or waiting to be polled"};
  ++unpolled_;
  PendingRequest& entry = table_[request->id()];
  entry.request = request;
  entry.deadline = deadline;
  if (!deadline) return false;
  auto it = deadlines_.insert({*deadline, request->id()}).first;
  return it == deadlines_.begin();
}

Requests::PendingRequest Requests::extract(Table::iterator it) {
  PendingRequest entry = std::move(it->second);
  if (entry.deadline) deadlines_.erase({*entry.deadline, it->first});
  table_.erase(it);
  return entry;
}

void Requests::remove(const Id128& id) {
  std::lock_guard lock(mutex_);
  auto it = table_.find(id);
  if (it == table_.end()) return;
  if (extract(it).request != nullptr) --unpolled_;
}

/// An error reply says more than that there was no other.
void Requests::settle_late(PendingRequest entry, const Error& late) {
  if (entry.error == nullptr) return settle(std::move(entry), late);
  const ErrorReplyNote& error = *entry.error;
  Error failure = error_of_reply(entry.asked(), error.code, error.text);
  const std::unique_ptr<ErrorReplyNote> said = std::move(entry.error);
  settle(std::move(entry), std::move(failure), {}, std::move(*said));
}

void Requests::settle(PendingRequest entry, Result<MessagePtr> result, ReceiptNote note, ErrorReplyNote error) {
  if (tracer->on()) trace_end(entry, result);
  if (entry.waiter != nullptr) {
    entry.waiter->error_reply_ = std::move(error);
    entry.waiter->note_ = std::move(note);
    entry.waiter->result_ = std::move(result);
    entry.waiter->ended_.notify_one();
    return;
  }
  AsyncRequest& request = *entry.request;
  request.note_ = std::move(note);
  request.error_reply_ = std::move(error);
  if (result) {
    request.outcome_ = MAS_OK;
    request.reply_ = std::move(*result);
  } else {
    request.outcome_ = status_of(result.error().code);
    request.detail_ = result.error().message;
  }
  auto expected = AsyncRequest::State::kWaiting;
  if (!request.state_.compare_exchange_strong(expected, AsyncRequest::State::kEnded)) return void(--unpolled_);
  if (!request.direct_) return inbox_->push(Notice{std::move(entry.request)});
  --unpolled_;
  direct_ended_.push_back(std::move(entry.request));
}

/// A waiter for a receipt is no request.
void Requests::trace_end(const PendingRequest& entry, const Result<MessagePtr>& result) {
  if (entry.asked().empty()) return;
  const Id128& id = entry.waiter != nullptr ? entry.waiter->id_ : entry.request->id();
  const bool ended = tracer->end(id, result ? MAS_OK : status_of(result.error().code));
  if (ended && entry.request != nullptr && entry.request->direct_) inbox_->wake();
}

Requests::Answered Requests::answer(const Id128& id, MessagePtr& reply, bool sole) {
  Ending ending(*this);
  auto it = table_.find(id);
  if (it == table_.end()) return Answered::kNobodyWaits;
  PendingRequest& entry = it->second;
  const std::string_view asked = entry.asked();
  if (asked.empty() || asked != reply->sender()) return Answered::kNotAsked;
  const EnvelopeError& error = reply->error();
  if (error.code.empty()) {
    settle(extract(it), std::move(reply));
    return Answered::kTaken;
  }
  ++entry.error_replies;
  if (entry.error == nullptr)
    entry.error = std::make_unique<ErrorReplyNote>(ErrorReplyNote{std::string(error.code), error_text(error.message)});
  reply.reset();
  if (sole || entry.refused_by_all()) settle_late(extract(it), {Errc::kTimeout, {}});
  return Answered::kTaken;
}

void Requests::handed_over(const Id128& id, uint32_t receivers) {
  Ending ending(*this);
  auto it = table_.find(id);
  if (it == table_.end()) return;
  it->second.receivers = receivers;
  if (it->second.refused_by_all()) settle_late(extract(it), {Errc::kTimeout, {}});
}

bool Requests::end(const Id128& id, Result<MessagePtr> result, ReceiptNote note) {
  Ending ending(*this);
  auto it = table_.find(id);
  if (it == table_.end()) return false;
  settle(extract(it), std::move(result), std::move(note));
  return true;
}

void Requests::end_all(const Error& why) {
  Ending ending(*this);
  while (!table_.empty()) settle(extract(table_.begin()), why);
}

std::optional<MonoTime> Requests::expire(MonoTime now, const Error& late) {
  Ending ending(*this);
  while (!deadlines_.empty() && deadlines_.begin()->first <= now)
    settle_late(extract(table_.find(deadlines_.begin()->second)), late);
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

std::optional<mas_status> Requests::outcome_of(const AsyncRequest& request) {
  std::lock_guard lock(mutex_);
  if (table_.contains(request.id())) return std::nullopt;
  return request.outcome_;
}

size_t Requests::Hash::operator()(const Id128& id) const {
  size_t random;
  std::memcpy(&random, id.bytes.data() + 8, sizeof random);
  return random;
}

std::optional<Id128> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Id128 id;
  size_t digit = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (c == '-')) return std::nullopt;
    if (dash) continue;
    int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (value < 0) return std::nullopt;
    auto& byte = id.bytes[digit / 2];
    byte = static_cast<unsigned char>(digit % 2 == 0 ? value << 4 : byte | value);
    ++digit;
  }
  return id;
}

}  // namespace mas::sdk
