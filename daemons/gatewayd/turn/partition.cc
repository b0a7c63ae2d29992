// A partition's memory, loaded and looked up.
#include "daemons/gatewayd/turn/partition.h"

#include <algorithm>
#include <utility>

#include "proto/base/ids.h"

namespace mas::gateway {
namespace {

constexpr char kBetween = '/';  // agent ids have none

std::string_view key_of(const Id128& instance) { return view_of(instance.bytes); }

/// @return nullopt unless `hex` is 32 lower-case hexadecimal digits.
std::optional<Id128> instance_of(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  auto digest = digest_from_hex(std::string(hex) + std::string(32, '0'));
  if (!digest) return std::nullopt;
  Id128 id;
  std::copy_n(digest->begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace

Partition::Partition(unsigned p, const Keys& keys)
    : number(p),
      epoch_key(keys.partition_epoch(p)),
      ingress_key(keys.ingress(p)),
      senders_key(keys.senders(p)),
      audit_key(keys.audit(p)),
      retries_key(keys.retries(p)),
      archive_key(keys.archive(p)),
      trial_key(keys.trial(p)) {}

void Partition::forget() {
  epoch.clear();
  epoch_number = 0;
  next_block = audit::kFirstBlock;
  previous_hash = audit::kGenesisPrevious;
  retries = 0;
  next_retry = kNoRetry;
  reports.clear();
  strangers = {};
  counting.clear();
  next_summary = kNoSummary;
  retries_moved = false;
  senders.clear();
  forgettable.clear();
  block_epoch = 0;
  lost.reset();
  beyond_doubt = false;
  list_bytes = 0;
  weight = {};
  fits = kAnyNumber;
}

std::string_view Partition::expected_at(std::string_view key) const {
  if (key == epoch_key) return "a whole number";
  if (key == ingress_key) return "a list of frames";
  if (key == senders_key) return "a hash of senders' states";
  if (key == audit_key) return "a stream of audit blocks";
  if (key == retries_key) return "a sorted set of retries";
  if (key == archive_key) return "a stream of delivered messages";
  return {};
}

std::vector<std::string> Partition::take_forgettable(WallMicros silent_since) {
  std::vector<std::string> fields;
  for (const auto& [id, key] : std::exchange(forgettable, {})) {
    auto found = senders.find(id);
    if (found == senders.end()) continue;
    Sender& sender = found->second;
    if (auto it = sender.instances.find(key); it != sender.instances.end()) {
      if (it->second.state.active() >= silent_since || it->second.changed) continue;  // it has spoken meanwhile
      fields.push_back(it->second.field);
      sender.wrote(it->second, 0);
      sender.instances.erase(it);
    } else if (key.empty() && sender.instances.empty() && !sender.limiter_changed && !sender.refusals.counting()) {
      fields.push_back(std::string(limiter_field(id)));
      senders.erase(found);
    }
  }
  return fields;
}

std::optional<uint64_t> Partition::last_of(std::string_view field) const {
  const auto between = field.find(kBetween);
  const auto id = instance_of(field.substr(between + 1));
  auto owner = senders.find(field.substr(0, between));
  if (owner == senders.end() || !id) return std::nullopt;
  auto known = owner->second.instances.find(key_of(*id));
  if (known == owner->second.instances.end()) return std::nullopt;
  return known->second.state.last();
}

Sender& Partition::sender(std::string_view id) {
  auto found = senders.find(id);
  return found != senders.end() ? found->second : senders.try_emplace(std::string(id)).first->second;
}

Sender::Instance& Partition::instance(Sender& sender, std::string_view id, const Id128& instance, const Keys& keys) {
  auto [it, fresh] = sender.instances.try_emplace(std::string(key_of(instance)));
  if (fresh) {
    std::string hex = instance.hex();
    it->second.field = std::string(id) + kBetween + hex;
    it->second.receipts = keys.receipts(id, hex);
    it->second.owner = &sender;
  }
  return it->second;
}

Status Partition::load_senders(const std::vector<std::pair<std::string_view, std::string_view>>& fields,
                               const Keys& keys) {
  for (const auto& [field, value] : fields) {
    auto between = field.find(kBetween);
    std::string where = senders_key + " field " + printable(field);
    if (between == std::string_view::npos) {
      auto state = LimiterState::decode(value);
      if (!state) return state.error().in(where);
      sender(field).limiter = *state;
      continue;
    }
    auto id = instance_of(field.substr(between + 1));
    auto state = SenderState::decode(value);
    if (!id) return Error{Errc::kMalformed, where + ": expected sender/instance"};
    if (!state) return state.error().in(where);
    Sender& owner = sender(field.substr(0, between));
    Sender::Instance& known = instance(owner, field.substr(0, between), *id, keys);
    known.state = std::move(*state);
    owner.wrote(known, value.size());
  }
  return {};
}

Status Partition::load_audit_head(std::string_view block, std::string_view ns) {
  next_block = audit::kFirstBlock;
  previous_hash = audit::kGenesisPrevious;
  if (block.empty()) return {};
  auto head = audit::block_head(block);
  if (!head) return head.error().in(audit_key);
  if (auto status = audit::check_namespace_of(block, ns); !status) return status.error().in(audit_key);
  next_block = head->number + 1;
  previous_hash = head->hash;
  block_epoch = audit::block_epoch(block);
  return {};
}

}  // namespace mas::gateway
