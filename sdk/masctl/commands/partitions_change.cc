// The steps of the change.
#include "sdk/masctl/commands/partitions_change.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/wire/forget_agent.h"
#include "proto/wire/partitions.h"
#include "proto/wire/waiting_retry.h"
#include "sdk/masctl/commands/replayed_frames.h"
#include "sdk/masctl/redis/bounded_reads.h"
#include "sdk/masctl/redis/gateway_reader.h"
#include "sdk/masctl/redis/operator_audit.h"

namespace mas::ctl {

namespace {

constexpr size_t kFieldsAtOnce = 500, kMembersAtOnce = 64;  // members may be large
constexpr int kLeaseMillis = 60'000;
constexpr Duration kRenewAfter = std::chrono::seconds(1);

// KEYS: mas.config. ARGV: what `partitions` has to be, and what it becomes; empty: none. @return whether it was so.
constexpr std::string_view kReplace = R"lua(
if (redis.call('HGET', KEYS[1], 'partitions') or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], 'partitions')
else
  redis.call('HSET', KEYS[1], 'partitions', ARGV[2])
end
return 1
)lua";

// KEYS: the lease. ARGV: owner, milliseconds. @return whether it is the owner's.
constexpr std::string_view kRenew = R"lua(
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
)lua";

// KEYS: a partition's epoch, another key of it. ARGV: the epoch as it must be, a command and its words behind the key.
constexpr std::string_view kFenced = R"lua(
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED somebody else works with the partition')
end
return redis.call(ARGV[2], KEYS[2], unpack(ARGV, 3))
)lua";

constexpr size_t kKeyOfFenced = 4;  // EVAL, the script, the number of keys, the epoch, the other key

// KEYS: the lease. ARGV: owner.
constexpr std::string_view kGiveBack = R"lua(
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
)lua";

/// Sends commands of any slots. @return the first error reply, with the key.
Result<std::vector<Value>> ask_all(SyncRedis& redis, const redis::Command& command) {
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies;
  for (size_t i = 0; i < replies->size(); ++i) {
    if (!(*replies)[i].is_error()) continue;
    const auto words = arguments_of(command.bytes(), i, kKeyOfFenced + 1);
    return (*replies)[i].error().in(printable(words[words[0] == "EVAL" ? kKeyOfFenced : 1]));
  }
  return replies;
}

Error refused(const std::string& why) { return {Errc::kRefused, why}; }

}  // namespace

Result<unsigned> PartitionsChange::run() {
  if (auto status = take_lease(); !status.ok()) return status.error();
  auto before = change();
  give_lease_back();
  return before;
}

Status PartitionsChange::take_lease() {
  lease_owner_ = "masctl:" + new_instance_id().hex();
  auto taken = redis_.ask_one(redis::Command("SET", keys_.lease("partitions"), lease_owner_, "NX", "PX", kLeaseMillis));
  if (!taken.ok()) return taken.error();
  renewed_ = mono_now();
  if (!taken->is_nil()) return {};
  return refused("the number of partitions is being changed by somebody else, or was until a minute ago; try again");
}

/// Called again and again, in all that may take long: the lease stays this command's.
Status PartitionsChange::hold() { return mono_now() - renewed_ < kRenewAfter ? Status() : renew_lease(); }

Status PartitionsChange::renew_lease() {
  auto renewed =
      redis_.ask_one(redis::Command("EVAL", kRenew, 1, keys_.lease("partitions"), lease_owner_, kLeaseMillis));
  if (!renewed.ok()) return renewed.error();
  renewed_ = mono_now();
  return renewed->integer == 1 ? Status() : refused("the lease of the change was lost; somebody else may be at work");
}

/// If it cannot be given back, it ends by itself.
void PartitionsChange::give_lease_back() {
  static_cast<void>(redis_.ask_one(redis::Command("EVAL", kGiveBack, 1, keys_.lease("partitions"), lease_owner_)));
}

Result<unsigned> PartitionsChange::change() {
  auto found = redis_.ask_one(redis::Command("HGET", keys_.config(), "partitions"));
  if (!found.ok()) return found.error();
  auto field = PartitionsField::parse(found->text);
  if (!field.ok()) return refused(field.error().message);
  const unsigned before = field->most();
  mark_ = {to_, std::max(before, to_)};
  if (auto status = replicas_.find(); !status.ok()) return status.error();
  if (auto status = look(); !status.ok()) return status.error();
  if (auto status = hold(); !status.ok()) return status.error();
  if (auto status = record(before); !status.ok()) return status.error();
  Status status = replace(found->text, mark_.text());
  if (!status.ok()) return status.error().code == Errc::kRefused ? status.error() : unfinished(status.error());
  status = begin(found->text, field->changing.has_value());
  if (!status.ok()) return status.error();
  status = move_all();
  if (status.ok()) status = replace(mark_.text(), std::to_string(to_));
  if (status.ok()) return before;
  return unfinished(status.error());
}

/// From the mark to the first move. Unless the change goes on from an earlier one, a failure takes the mark away; but
/// not without the lease, since another command for the same number has the same mark.
/// @param found what the mark stands in the place of. @param begun an earlier change was not finished.
Status PartitionsChange::begin(const std::string& found, bool begun) {
  Status status = replicas_.confirm();
  if (status.ok()) status = fence();
  if (status.ok()) status = look();
  if (status.ok()) status = replicas_.confirm();
  if (status.ok()) status = renew_lease();  // so whoever takes it later raises the epochs again
  if (status.ok()) return {};
  if (!begun && renew_lease().ok() && replace(mark_.text(), found).ok()) return status;
  return unfinished(status.error());
}

/// The mark stands, or may: nobody knows what became of a command without an answer.
Error PartitionsChange::unfinished(const Error& why) const {
  return Error{why.code, "the change to " + std::to_string(to_) +
                             " partitions has begun and is not finished; gateways decide nothing until it is. Run the "
                             "command again. " +
                             why.message};
}

Status PartitionsChange::look() {
  if (auto status = nobody_works(); !status.ok()) return status;
  return nothing_waits();
}

/// While a gateway holds a partition, its memory of senders is in two places.
Status PartitionsChange::nobody_works() {
  auto gateways = read_gateway_snapshots(redis_, keys_);
  if (!gateways.ok()) return gateways.error();
  if (!gateways->empty()) return refused(std::to_string(gateways->size()) + " gateways run; stop all of them first");
  std::vector<std::string> leases;
  for (unsigned p = 0; p < mark_.most; ++p) leases.push_back(keys_.partition_lease(p));
  auto owners = read_texts(redis_, leases, kNameBytes);
  if (!owners.ok()) return owners.error();
  for (unsigned p = 0; p < mark_.most; ++p)
    if (!(*owners)[p].is_nil())
      return refused("the lease of partition " + std::to_string(p) + " has not ended; try again soon");
  return {};
}

/// What would be lost, or overtaken by newer messages.
Status PartitionsChange::nothing_waits() {
  redis::Command command;
  for (unsigned p = 0; p < mark_.most; ++p) command.add("LLEN", keys_.replays(p));
  for (unsigned p = to_; p < mark_.most; ++p) command.add("XLEN", keys_.dead_letters(p));
  auto counts = ask_all(redis_, command);
  if (!counts.ok()) return counts.error();
  for (unsigned i = 0; i < counts->size(); ++i) {
    const int64_t count = (*counts)[i].integer;
    if (count == 0) continue;
    const bool request = i < mark_.most;
    const std::string place = " in partition " + std::to_string(request ? i : i - mark_.most + to_);
    if (request)
      return refused(std::to_string(count) + " requests for replay wait" + place +
                     "; let a gateway take them, then stop it again");
    return refused(std::to_string(count) + " dead letters are" + place +
                   ", which would go, and could not be replayed any more; replay or drop them first");
  }
  if (auto status = no_replayed_frames(redis_, keys_, mark_.most); !status.ok()) return status;
  return no_message_waits();
}

/// A stream is of the partition that its senders are in: of two messages of one sender the newer could be handled
/// first, and an agent that starts later looks at the partitions that there are.
Status PartitionsChange::no_message_waits() {
  uint64_t waiting = 0;
  std::string agent;
  Status problem;
  auto take = [&](const std::vector<Value>& names) {
    redis::Command command;
    std::vector<std::string_view> ids;
    for (const Value& name : names) {
      const std::string_view id = name.is_text() ? agent_id_of_lane(keys_, name.text) : std::string_view();
      if (id.empty()) continue;
      command.add("XLEN", name.text);
      ids.push_back(id);
    }
    problem = hold();
    if (!problem.ok() || ids.empty()) return problem.ok();
    auto lengths = ask_all(redis_, command);
    if (!lengths.ok()) problem = lengths.error();
    for (size_t i = 0; problem.ok() && i < ids.size(); ++i) {
      if ((*lengths)[i].integer == 0) continue;
      waiting += static_cast<uint64_t>((*lengths)[i].integer);
      if (agent.empty()) agent = ids[i];
    }
    return problem.ok() && waiting == 0;
  };
  auto walked = each_key_page(redis_, lane_scan_pattern(keys_), "stream", take);
  if (!problem.ok()) return problem;
  if (waiting > 0)
    return refused(
        "messages wait for '" + agent +
        "', and maybe others, which newer ones would overtake; let their agents handle them first, or remove "
        "them by masctl agents forget --discard");
  return walked;
}

Status PartitionsChange::replace(const std::string& expected, const std::string& by) {
  auto replaced = redis_.ask_one(redis::Command("EVAL", kReplace, 1, keys_.config(), expected, by));
  if (!replaced.ok()) return replaced.error();
  if (replaced->integer == 1) return {};
  return refused("mas.config was changed by somebody else at the same time; try again");
}

Status PartitionsChange::record(unsigned before) {
  redis::Command command;
  append_operator_record(command, keys_, who_, "partitions.set", "mas.config",
                         "partitions=" + std::to_string(to_) + ", before " + std::to_string(before));
  auto written = redis_.ask_one(command);
  return written.ok() ? Status() : Status(written.error());
}

/// A gateway that still works by the old number commits nothing, and reads mas.config when it fences again.
Status PartitionsChange::fence() {
  redis::Command command;
  for (unsigned p = 0; p < mark_.most; ++p) command.add("INCR", keys_.partition_epoch(p));
  auto raised = ask_all(redis_, command);
  if (!raised.ok()) return raised.error();
  for (const Value& epoch : *raised) epochs_.push_back(std::to_string(epoch.integer));
  return {};
}

void PartitionsChange::append_fenced(redis::Command& command, unsigned partition, const std::string& key,
                                     const std::vector<std::string_view>& words) const {
  const std::string epoch = keys_.partition_epoch(partition);
  std::vector<std::string_view> all = {"EVAL", kFenced, "2", epoch, key, epochs_[partition]};
  all.insert(all.end(), words.begin(), words.end());
  command.add(redis::Command::of(all));
}

Status PartitionsChange::move_all() {
  for (unsigned p = 0; p < mark_.most; ++p) {
    if (auto status = hold(); !status.ok()) return status;
    redis::Command drop;
    append_fenced(drop, p, keys_.ingress(p), {"DEL"});
    if (auto gone = redis_.ask_one(drop); !gone.ok()) return gone.error().in(keys_.ingress(p));
    if (auto status = move_senders(p); !status.ok()) return status;
    if (auto status = move_retries(p); !status.ok()) return status;
  }
  return {};
}

/// Copies there, then deletes here; in between the replicas have the copies.
/// @param key of the partition. @param remove the command that deletes, without the key.
Status PartitionsChange::flush(unsigned partition, const std::string& key, const redis::Command& copies,
                               const std::vector<std::string_view>& remove) {
  if (copies.count() == 0) return {};
  if (auto status = hold(); !status.ok()) return status;
  if (auto copied = ask_all(redis_, copies); !copied.ok()) return copied.error();
  if (auto status = replicas_.confirm(); !status.ok()) return status;
  redis::Command removal;
  append_fenced(removal, partition, key, remove);
  if (auto gone = redis_.ask_one(removal); !gone.ok()) return gone.error().in(key);
  return {};
}

/// Every field of mas.sender:{p} goes to the partition that its sender has from now on.
Status PartitionsChange::move_senders(unsigned partition) {
  const std::string key = keys_.senders(partition);
  auto state = redis_.ask_one(redis::Command("HGETALL", key));
  if (!state.ok()) return state.error().in(key);
  for (size_t at = 0; at + 1 < state->elements.size();) {
    std::map<unsigned, std::vector<std::string_view>> copies;  // by partition
    std::vector<std::string_view> remove{"HDEL"};
    for (; at + 1 < state->elements.size() && remove.size() <= kFieldsAtOnce; at += 2) {
      const std::string_view field = state->elements[at].text;
      const unsigned to = partition_of(field.substr(0, field.find('/')), to_);
      if (to == partition) continue;
      auto& words = copies.try_emplace(to, std::vector<std::string_view>{"HSET"}).first->second;
      words.insert(words.end(), {field, state->elements[at + 1].text});
      remove.push_back(field);
    }
    redis::Command command;
    for (const auto& [to, words] : copies) append_fenced(command, to, keys_.senders(to), words);
    if (auto status = flush(partition, key, command, remove); !status.ok()) return status;
  }
  return {};
}

/// Every message that waits to be delivered again goes to the partition that its agent has from now on.
Status PartitionsChange::move_retries(unsigned partition) {
  const std::string key = keys_.retries(partition);
  for (size_t stay = 0;;) {
    auto page = redis_.ask_one(redis::Command("ZRANGE", key, stay, stay + kMembersAtOnce - 1, "WITHSCORES"));
    if (!page.ok()) return page.error().in(key);
    redis::Command copies;
    std::vector<std::string_view> remove{"ZREM"};
    for (size_t i = 0; i + 1 < page->elements.size(); i += 2) {
      const std::string& member = page->elements[i].text;
      auto waiting = WaitingRetry::decode(member);
      const unsigned to = waiting.ok() ? partition_of(waiting->agent, to_) : 0;  // a gateway tells what cannot be read
      if (to == partition) {
        ++stay;
        continue;
      }
      append_fenced(copies, to, keys_.retries(to), {"ZADD", page->elements[i + 1].text, member});
      remove.push_back(member);
    }
    if (auto status = flush(partition, key, copies, remove); !status.ok()) return status;
    if (page->elements.size() < 2 * kMembersAtOnce) return {};
  }
}

}  // namespace mas::ctl
