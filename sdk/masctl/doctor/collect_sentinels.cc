// Asks sentinels for what doctor judges. Reads only.
#include "proto/base/numbers.h"
#include "proto/redis/sentinel/access.h"
#include "sdk/masctl/doctor/sentinels.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

namespace {

/// @return a member of a flat list of names and values; empty when it has none.
std::string_view member(const Value& list, std::string_view name) {
  for (size_t i = 0; i + 1 < list.elements.size(); i += 2)
    if (list.elements[i].text == name) return list.elements[i + 1].text;
  return {};
}

/// @param answer to SENTINEL CKQUORUM. @return nullopt where it says nothing of the quorum: a missing right, say.
std::optional<bool> quorum_of(const Value& answer) {
  if (!answer.is_error()) return true;
  if (answer.text.starts_with("NOQUORUM")) return false;
  return std::nullopt;
}

SentinelFact ask(const Settings& settings, const redis::Node& node) {
  SentinelFact fact;
  fact.address = node.text();
  auto options = redis::sentinel_options(settings.endpoint, node, "masctl", settings.timeout);
  if (!options) return fact.unreachable = options.error(), fact;
  Settings own = settings;
  own.endpoint = options->endpoint;
  SyncRedis sentinel(own);
  const std::string& name = settings.endpoint.sentinel.master_name;
  redis::Command question("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name);
  question.add("SENTINEL", "CKQUORUM", name).add("SENTINEL", "MASTER", name);
  auto answers = sentinel.ask(question);
  if (!answers) return fact.unreachable = answers.error(), fact;
  const Value& address = (*answers)[0];
  if (address.is_error()) return fact.unreachable = address.error(), fact;
  if (address.elements.size() == 2) {
    const auto port = parse_number<uint16_t>(address.elements[1].text).value_or(0);
    fact.primary = redis::Node{address.elements[0].text, port}.text();
  }
  fact.has_quorum = quorum_of((*answers)[1]);
  fact.quorum = (*answers)[1].text;
  fact.down_after_ms = leading_number<long long>(member((*answers)[2], "down-after-milliseconds"));
  fact.others = leading_number<long long>(member((*answers)[2], "num-other-sentinels"));
  return fact;
}

}  // namespace

std::vector<SentinelFact> collect_sentinels(const Settings& settings) {
  std::vector<SentinelFact> facts;
  if (settings.endpoint.topology != redis::Topology::kSentinel) return facts;
  for (const auto& node : settings.endpoint.nodes) facts.push_back(ask(settings, node));
  return facts;
}

}  // namespace mas::ctl
