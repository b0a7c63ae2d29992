// Elements, frames and envelopes of a turn.
#include "daemons/gatewayd/turn/batch.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "daemons/gatewayd/authz/wanted_lane.h"
#include "daemons/gatewayd/replay/replay_frame.h"
#include "proto/wire/limits.h"

namespace mas::gateway {

namespace {

constexpr size_t kLikelyBytes = 128;  // of a record; a turn of shorter ones makes room as it goes

}  // namespace

void Batch::Read::clear() {
  elements.clear();
  due.clear();
  due_bytes = bytes = 0;
  partition_bytes.clear();
  texts.clear();
}

void Batch::start() { next_.clear(); }

void Batch::append(unsigned partition, std::string_view element) { append_element(partition, element, 0); }

void Batch::append_oversized(unsigned partition, uint64_t bytes, std::string_view head) {
  append_element(partition, head, bytes);
}

void Batch::append_element(unsigned partition, std::string_view text, uint64_t oversized) {
  if (next_.partition_bytes.size() <= partition) next_.partition_bytes.resize(partition + 1);
  size_t& bytes = next_.partition_bytes[partition];
  if (next_.bytes >= max_bytes_ || bytes >= kPartitionBytes) return;
  next_.elements.push_back({.partition = partition, .text = next_.texts.keep(text), .oversized = oversized});
  bytes += text.size();
  next_.bytes += text.size();
}

void Batch::give_up() {
  for (Element& element : next_.elements) element.given_up = true;
}

void Batch::append_due(unsigned partition, std::string_view member) {
  next_.due.push_back({.partition = partition, .text = next_.texts.keep(member)});
  next_.due_bytes += member.size();
}

void Batch::begin(size_t messages, size_t bytes) {
  frames_.clear();
  messages_.clear();
  records_.clear();
  due_.clear();
  ++number_;
  texts_.release();
  std::swap(turn_, next_);
  next_.clear();
  chunks_.shrink(turn_.texts.chunks());
  most_messages_ = messages;
  most_bytes_ = std::max<size_t>(bytes, 1);
  next_element_ = decoded_bytes_ = 0;
  taken_.clear();
  // At once, and not by doubling: then twice would be there for a moment. Pages that are not used take no memory.
  messages_.reserve(std::min(messages, turn_.bytes / kLikelyBytes) + limits::kFrameRecords);
  records_.reserve(messages_.capacity());
  for (const Element& element : turn_.due) decode_due(element);
}

redis::Lent Batch::lend() {
  std::shared_ptr<TextStore> store(new TextStore(chunks_), [](TextStore* lent) {
    lent->clear();
    delete lent;
  });
  std::swap(*store, turn_.texts);
  std::vector<std::string_view> places = store->places();
  return {std::move(store), std::move(places)};
}

bool Batch::decode_some(MonoTime until) {
  while (next_element_ < turn_.elements.size() && !full()) {
    take_element(turn_.elements[next_element_++]);
    if (mono_now() >= until) return false;
  }
  return true;
}

/// Those of a partition are in order: when one has no room, neither have the others.
void Batch::take_element(const Element& element) {
  if (taken_.size() <= element.partition) taken_.resize(element.partition + 1);
  Taken& taken = taken_[element.partition];
  if (taken.messages >= kPartitionMessages || taken.bytes >= kPartitionBytes) return;
  const size_t before = messages_.size();
  decode_element(element);
  ++taken.elements;
  taken.messages += messages_.size() - before;
  taken.bytes += element.text.size();
  decoded_bytes_ += element.text.size();
}

std::string_view Batch::keep(std::string_view text) {
  if (text.empty()) return {};
  auto* copy = static_cast<char*>(texts_.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

void Batch::decode_element(const Element& element) {
  FrameInTurn frame;
  frame.partition = element.partition;
  frame.element = element.text;
  frame.first = messages_.size();
  auto status = decode_frame(frame.element, scratch_);
  frame.header = scratch_.header;
  frame.mac = scratch_.mac;
  frame.from_archive = claims_archive(frame.header);
  frame.verdict = claimed_verdict(frame.header);
  frame.replay = frame.from_archive || frame.verdict || claims_replay(frame.header);
  if (element.given_up) {
    frame.fault = Fault{Decision::kMalformed, "deciding it repeatedly ended a gateway or took too long"};
    frames_.push_back(frame);
    return;
  }
  if (element.oversized > 0) {
    frame.fault = Fault{Decision::kTooLarge, keep("an element of " + std::to_string(element.oversized) +
                                                  " bytes, more than the maximum; its first bytes are kept")};
    frames_.push_back(frame);
    return;
  }
  if (!status) {
    bool large = status.error().code == Errc::kTooLarge;
    frame.fault = Fault{large ? Decision::kTooLarge : Decision::kMalformed, keep(status.error().message)};
    frames_.push_back(frame);
    return;
  }
  frame.count = scratch_.records.size();
  for (const Record& record : scratch_.records) {
    Message message;
    message.envelope = record.envelope;
    message.ticket = record.ticket;
    message.flags = record.flags;
    if ((record.flags & Record::kFailed) != 0)
      decode_report(message);
    else
      decode_envelope(frame, message);
    messages_.push_back(message);
  }
  records_.insert(records_.end(), scratch_.records.begin(), scratch_.records.end());
  frames_.push_back(frame);
}

void Batch::decode_envelope(const FrameInTurn& frame, Message& message) {
  auto envelope = decoder_.decode(message.envelope, max_envelope_);
  if (!envelope) {
    bool large = envelope.error().code == Errc::kTooLarge;
    message.fault = Fault{large ? Decision::kTooLarge : Decision::kMalformed, keep(envelope.error().message)};
    return;
  }
  message.content = envelope->bare ? envelope->data : message.envelope;
  message.target = keep(envelope->target_id);
  message.type = keep(envelope->message_type);
  message.id = keep(envelope->message_id);
  message.correlation_id = keep(envelope->meta.correlation_id);
  message.deadline = envelope->meta.deadline;
  message.hops = envelope->meta.hops;
  message.conversation = keep(envelope->meta.conversation_id);
  message.chain = envelope->meta.chain;  // a raw token: part of the element
  message.wanted = wanted_lane(*envelope, priority_in_data_);
  message.is_reply = envelope->meta.is_reply;
  message.expects_reply = envelope->meta.expects_reply;
  if (envelope->doubled)  // readers would differ in which one counts, and the other would be seen by nobody
    message.fault = Fault{Decision::kMalformed, "a member of the envelope occurs twice"};
  else if (envelope->sender_id != frame.header.sender)
    message.fault = Fault{Decision::kMalformed, "sender_id is not the sender of the frame"};
  else if (!check_agent_id(message.target).ok())
    message.fault = Fault{Decision::kTargetNotFound, "target_id is not an id that the gateway delivers to"};
  else if ((message.flags & Record::kReplayed) != 0 && !frame.replay)
    message.fault = Fault{Decision::kMalformed, "a sender does not mark its own records as replayed"};
  else if ((message.flags & Record::kRetried) != 0)
    message.fault = Fault{Decision::kMalformed, "a sender does not mark its own records as retried"};
}

// ---- Failed handlers

void Batch::decode_report(Message& message) {
  auto report = FailureReport::decode(message.envelope);
  if (!report || (message.flags & ~Record::kFailed) != 0) {
    std::string_view why = report ? "report of a failed handler: unexpected flags" : keep(report.error().message);
    message.fault = Fault{Decision::kMalformed, why};
    return;
  }
  static_assert(std::is_trivially_destructible_v<FailureReport>);
  void* place = texts_.allocate(sizeof(FailureReport), alignof(FailureReport));
  message.report = new (place) FailureReport(*report);
}

void Batch::decode_due(const Element& element) {
  DueRetry& due = due_.emplace_back();
  due.partition = element.partition;
  due.member = element.text;
  auto waiting = WaitingRetry::decode(due.member);
  if (!waiting) return void(due.fault = keep(waiting.error().message));
  auto envelope = decoder_.decode(waiting->envelope, limits::kMaxEnvelopeBytes);
  if (!envelope) return void(due.fault = keep(envelope.error().message));
  due.waiting = *waiting;
  due.sender = keep(envelope->sender_id);
  due.id = keep(envelope->message_id);
  due.type = keep(envelope->message_type);
  due.correlation_id = keep(envelope->meta.correlation_id);
  due.conversation = keep(envelope->meta.conversation_id);
  const TraceContext trace = valid_context(envelope->meta.traceparent, envelope->meta.tracestate);
  due.trace = {keep(trace.traceparent), keep(trace.tracestate)};
  due.deadline = envelope->meta.deadline;
}

}  // namespace mas::gateway
