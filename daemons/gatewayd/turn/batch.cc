// Elements, frames and envelopes of a turn.
#include "daemons/gatewayd/turn/batch.h"

#include <algorithm>
#include <cstring>

#include "daemons/gatewayd/turn/replay.h"
#include "proto/wire/limits.h"

namespace mas::gateway {

namespace {

constexpr size_t kKeptBufferBytes = 8 * 1024 * 1024;  // a larger one was for a large element

/// Hears of the last member `priority`.
class PriorityMember final : public JsonVisitor {
 public:
  void member(std::string_view key, const JsonValue& value) override {
    if (key == "priority") lane = value.kind == JsonKind::kString ? parse_any_case(value.text) : std::nullopt;
  }
  std::optional<Lane> lane;

 private:
  static std::optional<Lane> parse_any_case(std::string_view text) {
    std::string lower(text.substr(0, 16));
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return parse_lane(lower);
  }
};

/// @param data an object that was read already. A second look, so only where its bytes have the name.
std::optional<Lane> lane_in_data(std::string_view data) {
  if (data.find("\"priority\"") == std::string_view::npos) return std::nullopt;
  PriorityMember found;
  if (!JsonReader::local().visit(data, found)) return std::nullopt;
  return found.lane;
}

}  // namespace

void Batch::start() {
  frames_.clear();
  messages_.clear();
  records_.clear();
  elements_.clear();
  texts_.release();
  bytes_.clear();
  if (bytes_.capacity() > kKeptBufferBytes) bytes_.shrink_to_fit();
}

void Batch::append(unsigned partition, std::string_view element) {
  elements_.push_back({partition, bytes_.size(), element.size()});
  bytes_.append(element);
}

void Batch::decode(size_t messages, size_t bytes) {
  for (const Element& element : elements_) {
    if (messages_.size() >= messages || element.begin >= std::max<size_t>(bytes, 1)) return;
    decode_element(element);
  }
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
  frame.element = std::string_view(bytes_).substr(element.begin, element.size);
  frame.first = messages_.size();
  auto status = decode_frame(frame.element, scratch_);
  frame.header = scratch_.header;
  frame.mac = scratch_.mac;
  frame.from_archive = claims_archive(frame.header);
  frame.replay = frame.from_archive || claims_replay(frame.header);
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
  message.wanted = parse_lane(envelope->meta.priority).value_or(Lane::kNormal);
  if (priority_in_data_ && envelope->meta.priority.empty())
    message.wanted = lane_in_data(envelope->data).value_or(Lane::kNormal);
  message.is_reply = envelope->meta.is_reply;
  message.expects_reply = envelope->meta.expects_reply;
  if (envelope->sender_id != frame.header.sender)
    message.fault = Fault{Decision::kMalformed, "sender_id is not the sender of the frame"};
  else if (!check_agent_id(message.target).ok())
    message.fault = Fault{Decision::kTargetNotFound, "target_id is not an id that the gateway delivers to"};
  else if ((message.flags & Record::kReplayed) != 0 && !frame.replay)
    message.fault = Fault{Decision::kMalformed, "a sender does not mark its own records as replayed"};
}

}  // namespace mas::gateway
