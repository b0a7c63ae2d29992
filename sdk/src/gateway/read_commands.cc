// XREADGROUP, the claiming function, and the trial of both.
#include "sdk/src/gateway/read_commands.h"

#include <algorithm>
#include <span>

#include "sdk/src/gateway/setup_op.h"

namespace mas::sdk {
namespace {

constexpr Duration kAfterRenewal = std::chrono::milliseconds(100);
constexpr int kMaxHolders = 3;  // instances that may end with an entry before it is the entry's fault

std::vector<std::string> group_read(const AgentContext& agent) {
  return {"XREADGROUP", "GROUP", std::string(kGroup), agent.instance()};
}

}  // namespace

redis::Command claim_command(const AgentContext& agent, std::span<const std::string> streams, size_t entries,
                             std::span<const std::string> dead) {
  const bool leases_elsewhere = agent.keys.layout() == KeyLayout::kCluster;
  std::vector<std::string> arguments{std::string(kGroup),
                                     agent.instance(),
                                     leases_elsewhere ? "" : agent.keys.alive(agent.config.id, ""),
                                     std::to_string(entries),
                                     std::to_string(kMaxHolders),
                                     leases_elsewhere ? "" : agent.keys.instances(agent.config.id),
                                     agent.lease.steady(mono_now()) ? "1" : "0"};
  arguments.insert(arguments.end(), dead.begin(), dead.end());
  const std::span<const std::string> lanes = streams.subspan(1);  // nobody else's replies
  return agent.functions.call(kClaimFunction, lanes, arguments);
}

redis::Command trial_command(const AgentContext& agent, std::span<const std::string> streams) {
  constexpr std::string_view kBefore = "0-1", kBehind = "18446744073709551615-18446744073709551615";
  redis::Command trial = claim_command(agent, streams, 0);
  std::vector<std::string> read = group_read(agent);
  read.emplace_back("STREAMS");
  read.insert(read.end(), streams.begin(), streams.end());
  read.insert(read.end(), streams.size(), std::string(kBehind));
  trial.add(redis::Command::of(read));
  const std::string& own = agent.instance();
  for (const auto& stream : streams) {
    trial.add("XPENDING", stream, kGroup, "-", "+", 1, own).add("XCLAIM", stream, kGroup, own, 0, kBefore);
    trial.add("XACK", stream, kGroup, kBefore).add("XDEL", stream, kBefore);
  }
  return trial;
}

redis::Command read_command(const AgentContext& agent, const std::vector<ReadFrom>& from, size_t entries,
                            Duration block) {
  std::vector<std::string> args = group_read(agent);
  args.insert(args.end(), {"COUNT", std::to_string(entries)});
  if (block > Duration::zero()) args.insert(args.end(), {"BLOCK", std::to_string(to_millis(block))});
  args.emplace_back("STREAMS");
  for (const ReadFrom& each : from) args.emplace_back(each.stream);
  for (const ReadFrom& each : from) args.emplace_back(each.id);
  return redis::Command::of(args);
}

redis::Command pending_command(const AgentContext& agent, std::string_view stream, size_t in_hand) {
  return redis::Command("XPENDING", stream, kGroup, "-", "+", in_hand + 1, agent.instance());
}

size_t room_for_entries(const AgentContext& agent, const Deliveries& deliveries) {
  return deliveries.room_for({limits::kFrameRecords, std::max(limits::kFrameBytes, agent.config.max_envelope)});
}

size_t entries_at_once(const AgentContext& agent, const Deliveries& deliveries, size_t streams, size_t reserved) {
  const size_t room = room_for_entries(agent, deliveries);
  return std::clamp<size_t>((room - std::min(room, reserved)) / streams, 1, kMaxEntries);
}

bool group_gone(const redis::Reply& error) {
  return error.error_code() == "NOGROUP" || error.error_code() == "UNBLOCKED" ||
         error.text.starts_with("ERR no such key");
}

Duration block_for(const AgentContext& agent) {
  const Duration proven = agent.lease.left(mono_now());
  const Duration renewal = proven - (kLeaseTtl - kLeaseRenewal);
  const Duration wanted = renewal > Duration::zero() ? renewal + kAfterRenewal : kMaxBlock;
  return std::max<Duration>(std::min(wanted, proven), std::chrono::milliseconds(1));
}

}  // namespace mas::sdk
