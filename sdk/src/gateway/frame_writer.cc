// Header, proof and records of each frame, behind one another.
#include "sdk/src/gateway/frame_writer.h"

#include <utility>

#include "proto/redis/command.h"
#include "sdk/src/gateway/send_batch.h"

namespace mas::sdk {
namespace {

constexpr size_t kCommandOverhead = 64;  // what RESP adds to two arguments
constexpr size_t kHeaderOverhead = 128;  // of a frame, a MAC included, without sender and credential

/// A record's flags and ticket, as the MAC covers them; its envelope is covered by the digest.
Record head_of(std::string_view record) {
  Record head;
  RecordReader(record).next(head);
  return head;
}

/// What a probe holds: it is not decided, so anything that a gateway can read will do.
constexpr std::string_view kProbe = "{}";

const std::string& probe_record() {
  static const std::string& record = *new std::string([] {
    std::string bytes;
    append_record(bytes, kProbe, {}, 0);
    return bytes;
  }());
  return record;
}

}  // namespace

FrameWriter::FrameWriter(const AgentConfig& config, const Keys& keys, const Instances& instances,
                         const RedisClock& clock)
    : keys_(keys), instances_(instances), clock_(clock), sender_(config.id), ns_(config.ns.value_or("")) {}

FrameWriter::~FrameWriter() {
  for (auto* buffer : {&header_, &frames_, &command_}) wipe(*buffer);
}

void FrameWriter::use(std::optional<Credentials> credentials) {
  credentials_ = std::move(credentials);
  key_.reset();
  if (credentials_ && credentials_->has_key()) key_.emplace(credentials_->key);
}

void FrameWriter::set_partitions(unsigned partitions) {
  partition_ = partition_of(sender_, partitions);
  ingress_ = keys_.ingress(partition_);
}

Id128 FrameWriter::append(const FrameWindow& window, FrameWindow::Range range) {
  FrameHeader header;
  header.id = new_instance_id();
  header.kind = key_ ? CredentialKind::kKey : CredentialKind::kToken;
  header.instance = instances_.current().id;
  header.first_sequence = range.first;
  header.timestamp = clock_.of(wall_now());
  header.sender = sender_;
  header.credential = key_ ? credentials_->key_id : credentials_ ? credentials_->token : token_.text();
  bodies_.clear();
  digests_.clear();
  for (uint64_t n = range.first; n < range.first + range.count; ++n) {
    const SendSlot& slot = window.slot(n);
    bodies_.push_back(slot.batch->record(slot));
    digests_.push_back(slot.digest);
  }
  if (bodies_.empty()) {
    bodies_.push_back(probe_record());
    digests_.push_back(sha256(kProbe));
  }
  size_t bytes = 0;
  for (std::string_view body : bodies_) bytes += body.size();

  const std::optional<Digest> mac = sign(header);
  header_.clear();
  reserve_wiping(header_, kHeaderOverhead + header.sender.size() + header.credential.size());
  append_frame(header_, header, mac ? &*mac : nullptr, bodies_.size(), {});
  reserve_wiping(frames_, frames_.size() + kCommandOverhead + header_.size() + bytes);
  redis::append_length(frames_, '$', header_.size() + bytes);
  frames_.append(header_);
  for (std::string_view body : bodies_) frames_.append(body);
  frames_.append("\r\n", 2);
  return header.id;
}

std::optional<Digest> FrameWriter::sign(const FrameHeader& header) {
  if (!key_) return std::nullopt;
  heads_.clear();
  for (std::string_view body : bodies_) heads_.push_back(head_of(body));
  mac_input_.clear();
  append_frame_mac_input(mac_input_, ns_, partition_, header, heads_, digests_);
  return key_->tag(mac_input_);
}

std::string& FrameWriter::command(size_t count) {
  command_.clear();
  reserve_wiping(command_, kCommandOverhead + ingress_.size() + frames_.size());
  redis::append_length(command_, '*', 2 + count);
  redis::append_argument(command_, std::string_view("RPUSH"));
  redis::append_argument(command_, ingress_);
  command_.append(frames_);
  return command_;
}

void FrameWriter::trim(size_t most) {
  for (auto* buffer : {&frames_, &command_}) {
    if (buffer->capacity() <= most) continue;
    wipe(*buffer);
    *buffer = std::string();
  }
}

}  // namespace mas::sdk
