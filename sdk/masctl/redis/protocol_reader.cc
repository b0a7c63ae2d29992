// Daemons by their heartbeats; instances of agents by a walk over the registry, those that have a lease.
#include "sdk/masctl/redis/protocol_reader.h"

#include <vector>

#include "proto/base/numbers.h"
#include "proto/wire/json.h"
#include "proto/wire/partitions.h"
#include "sdk/masctl/redis/bounded_reads.h"

namespace mas::ctl {

namespace {

constexpr std::string_view kInstancesSuffix = ":instances";

/// @param said the JSON object in which it says what it is. @param version_member names its version there.
Speaker speaker_of(std::string kind, std::string_view said, std::string_view version_member) {
  Speaker speaker{std::move(kind), "", kFirstProtocol};
  auto members = JsonReader::local().members(said);
  if (!members.ok()) return speaker;
  for (const auto& [name, token] : *members) {
    if (name == version_member) std::get<1>(speaker) = json_text(token);
    if (name == "protocol") std::get<2>(speaker) = parse_number<unsigned>(token).value_or(kFirstProtocol);
  }
  return speaker;
}

Status add_daemons(SyncRedis& redis, const Keys& keys, ProtocolView& view) {
  auto members = read_members(redis, keys.daemons());
  if (!members.ok()) return members.error();
  std::vector<std::string> kinds, heartbeats;
  for (const auto& member : *members) {
    const size_t colon = member.find(':');
    if (colon == std::string::npos) continue;
    kinds.push_back(member.substr(0, colon));
    heartbeats.push_back(keys.daemon(kinds.back(), member.substr(colon + 1)));
  }
  auto texts = read_texts(redis, heartbeats, kSnapshotBytes);
  if (!texts.ok()) return texts.error();
  for (size_t i = 0; i < kinds.size(); ++i)
    if ((*texts)[i].is_text()) ++view.speakers[speaker_of(kinds[i], (*texts)[i].text, "version")];
  return {};
}

Status add_instances(SyncRedis& redis, const Keys& keys, std::string_view id, ProtocolView& view) {
  auto instances = read_pairs(redis, keys.instances(id));
  if (!instances.ok()) return instances.error();
  redis::Command leases;
  for (const auto& [instance, said] : *instances) leases.add("EXISTS", keys.alive(id, instance));
  if (instances->empty()) return {};
  auto alive = redis.ask(leases);
  if (!alive.ok()) return alive.error();
  for (size_t i = 0; i < instances->size(); ++i)
    if ((*alive)[i].integer == 1) ++view.speakers[speaker_of("agent", (*instances)[i].second, "sdk")];
  return {};
}

Status add_agents(SyncRedis& redis, const Keys& keys, ProtocolView& view) {
  const std::string pattern = keys.instances("*"), first = keys.instances("");
  auto ids = names_matching(redis, pattern, "hash", [&](std::string_view key) {
    const size_t prefix = first.size() - kInstancesSuffix.size();
    return key.size() > first.size() ? key.substr(prefix, key.size() - first.size()) : std::string_view();
  });
  if (!ids.ok()) return ids.error();
  for (const auto& id : *ids) {
    if (id.empty()) continue;
    if (auto status = add_instances(redis, keys, id, view); !status) return status;
  }
  return {};
}

}  // namespace

std::optional<unsigned> ProtocolView::number() const {
  const auto parsed = agreed ? parse_number<unsigned>(*agreed) : std::nullopt;
  return parsed && *parsed >= kFirstProtocol ? parsed : std::nullopt;
}

Result<ProtocolView> read_protocol(SyncRedis& redis, const Keys& keys) {
  auto agreed = redis.ask_one(redis::Command("HGET", keys.config(), "protocol"));
  if (!agreed.ok()) return agreed.error();
  ProtocolView view;
  if (!agreed->is_nil()) view.agreed = std::move(agreed->text);
  if (auto status = add_daemons(redis, keys, view); !status) return status.error();
  if (auto status = add_agents(redis, keys, view); !status) return status.error();
  return view;
}

}  // namespace mas::ctl
