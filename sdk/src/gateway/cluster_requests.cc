// EXISTS, XGROUP CREATE, XREADGROUP, the claiming function.
#include "sdk/src/gateway/cluster_requests.h"

#include <vector>

#include "sdk/src/gateway/read_commands.h"
#include "sdk/src/gateway/setup_op.h"

namespace mas::sdk {
namespace {

std::vector<std::string> names_of(std::span<const std::string> streams, StreamSet set) {
  std::vector<std::string> names;
  for (size_t place = 0; place < streams.size(); ++place)
    if (set[place]) names.push_back(streams[place]);
  return names;
}

/// @return the place of the n-th stream of the set.
size_t nth(StreamSet set, size_t n) {
  size_t place = 0;
  while (place + 1 < kInboxStreams && (!set[place] || n-- > 0)) ++place;
  return place;
}

Part part_at(Part::Kind kind, size_t place) { return {kind, StreamSet().set(place), place}; }

redis::Command group_command(const std::string& stream) {
  return redis::Command("XGROUP", "CREATE", stream, kGroup, "0");
}

redis::Command exists_command(std::span<const std::string> streams, StreamSet set) {
  std::vector<std::string> words = names_of(streams, set);
  words.insert(words.begin(), "EXISTS");
  return redis::Command::of(words);
}

}  // namespace

redis::Command inbox_request(const AgentContext& agent, std::span<const std::string> streams,
                             const PartitionInbox& inbox, const PartitionInbox::Ask& ask, size_t entries,
                             std::span<const std::string> dead) {
  if (ask.claim.any()) return claim_command(agent, streams, entries, dead);
  redis::Command command;
  for (size_t place = 0; place < streams.size(); ++place)
    if (ask.strays[place]) command.add(pending_command(agent, streams[place], entries));
  std::vector<ReadFrom> from;
  for (size_t place = 0; place < streams.size(); ++place) {
    if (ask.own[place]) from.push_back({streams[place], inbox.own_from(place)});
    if (ask.read[place]) from.push_back({streams[place], kNewEntries});
  }
  if (ask.probe.any()) command.add(exists_command(streams, ask.probe));
  if (!from.empty()) command.add(read_command(agent, from, entries, {}));
  for (size_t place = 0; place < streams.size(); ++place) {
    if (!ask.make[place]) continue;
    command.add(group_command(streams[place]));
    const std::string_view behind = inbox.reads_own(place) ? std::string_view(inbox.own_from(place)) : kNewEntries;
    command.add(read_command(agent, {{streams[place], behind}}, entries, {}));
  }
  return command;
}

Part part_of(const PartitionInbox::Ask& ask, size_t index) {
  if (ask.claim.any()) return {Part::Kind::kClaim, ask.claim};
  if (ask.own.any()) return {Part::Kind::kRead, ask.own};
  if (ask.strays.any()) return part_at(Part::Kind::kStrays, nth(ask.strays, index));
  if (ask.probe.any() && index-- == 0) return {Part::Kind::kProbe, {}};
  if (ask.read.any() && index-- == 0) return {Part::Kind::kRead, ask.read};
  return part_at(index % 2 == 0 ? Part::Kind::kMakeGroup : Part::Kind::kRead, nth(ask.make, index / 2));
}

redis::Command rights_trial(const AgentContext& agent, std::span<const std::string> streams) {
  redis::Command trial = trial_command(agent, streams);
  trial.add(exists_command(streams, ~StreamSet()));
  trial.add(group_command(streams[stream_of_lane(0, Lane::kNormal)]));
  return trial;
}

redis::Command inbox_farewell(const AgentContext& agent, std::span<const std::string> streams, StreamSet groups) {
  std::vector<ReadFrom> from;
  for (size_t place = 1; place < streams.size(); ++place)
    if (groups[place]) from.push_back({streams[place], kBehindAll});
  redis::Command farewell;
  if (!from.empty()) farewell.add(read_command(agent, from, 1, {}));
  if (groups[0]) farewell.add("DEL", streams[0]);
  return farewell;
}

bool stream_missing(const redis::Reply& error) {
  return group_gone(error) || error.error_code() == "BUSYGROUP" ||
         error.text.starts_with("ERR The XGROUP subcommand requires the key to exist");
}

}  // namespace mas::sdk
