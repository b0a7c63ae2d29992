// doctor's judgement of what every server must have.
#include "sdk/masctl/doctor/servers.h"

#include <algorithm>
#include <string_view>

#include "proto/base/ids.h"
#include "proto/wire/agent_functions.h"
#include "sdk/masctl/doctor/findings.h"

namespace mas::ctl {

namespace {

using Library = ServerFact::Library;

template <typename Lacks>
std::string names_of(const std::vector<ServerFact>& servers, Lacks lacks) {
  std::string names;
  for (const auto& server : servers)
    if (!server.unreachable && lacks(server)) names += (names.empty() ? "" : ", ") + server.name();
  return names;
}

/// What healthd listens to: expired keys, on channels named by the event.
bool sends_events(const ServerFact& server) {
  const std::string& flags = *server.events;
  return flags.find('E') != std::string::npos && flags.find_first_of("xA") != std::string::npos;
}

}  // namespace

void check_events(const Facts& facts, std::vector<Finding>& out) {
  const std::string on = names_of(facts.servers, [](const auto& one) { return one.events && sends_events(one); });
  const std::string off = names_of(facts.servers, [](const auto& one) { return one.events && !sends_events(one); });
  if (on.empty() && off.empty()) return;  // check_limits says that CONFIG GET is not allowed
  if (!on.empty() && !off.empty()) {
    out.push_back({Level::kWarn, "keyspace events", "off at " + off + ", on at " + on,
                   "Set notify-keyspace-events Ex on all of them: each may serve after a fail-over, and healthd would "
                   "notice later that an agent died."});
  } else {
    out.push_back({Level::kOk, "keyspace events",
                   on.empty() ? "off: healthd checks each agent when its heartbeat is due" : "on at " + on, ""});
  }
}

void check_library(const Facts& facts, std::vector<Finding>& out) {
  const std::string library(kAgentLibrary);
  for (const auto& server : facts.servers) {
    if (!server.unreachable) continue;
    out.push_back({Level::kWarn, "server", server.name() + " was not checked: " + server.unreachable->message,
                   "It may take over. Run doctor where it can be reached, or see why it does not answer."});
  }
  const auto with = [](Library what) { return [what](const ServerFact& one) { return one.library == what; }; };
  const std::string missing = names_of(facts.servers, with(Library::kMissing));
  const std::string forbidden = names_of(facts.servers, with(Library::kForbidden));
  const bool daemons =
      std::any_of(facts.daemons.begin(), facts.daemons.end(), [](const DaemonFact& one) { return one.beats; });
  if (!forbidden.empty())
    out.push_back({Level::kWarn, "functions", "unknown at " + forbidden + ": this user may not run FUNCTION LIST",
                   "Let this user run it (ACL +function|list)."});
  if (!missing.empty() && daemons) {
    out.push_back({Level::kWarn, "functions", library + " is missing at " + missing,
                   "Daemons load it into each primary within five seconds, and Redis into replicas. If it stays away, "
                   "see agent_library_not_loaded in their logs, and the replica's link to its primary."});
  } else if (!missing.empty()) {
    out.push_back({Level::kOk, "functions", "not loaded at " + missing + "; the first daemon does so", ""});
  } else if (const std::string there = names_of(facts.servers, with(Library::kThere)); !there.empty()) {
    out.push_back({Level::kOk, "functions", library + " at " + there, ""});
  }
}

void check_protocol_number(const Facts& facts, std::vector<Finding>& out) {
  if (facts.protocol.empty()) return;  // the first gateway, or agent in gateway mode, writes it
  std::string outside;
  for (const auto& daemon : facts.daemons) {
    if (!daemon.beats || check_protocol(facts.protocol, "", daemon.protocol)) continue;
    outside += (outside.empty() ? "" : ", ") + daemon.name + " " + daemon.instance + " (" +
               std::to_string(daemon.protocol) + ")";
  }
  const std::string found = "mas.config has " + printable(facts.protocol, 64);
  if (outside.empty()) {
    out.push_back({Level::kOk, "protocol", found, ""});
  } else {
    out.push_back({Level::kFail, "protocol", found + ", by which these do not work: " + outside,
                   "See masctl protocol show, and docs/OPERATIONS.md on upgrading."});
  }
}

void check_partitions(const Facts& facts, std::vector<Finding>& out) {
  if (!facts.partitions.ok()) {
    out.push_back({Level::kFail, "partitions", facts.partitions.error().message,
                   "Gateways decide nothing. Put the number back that it was (HSET mas.config partitions N)."});
  } else if (facts.partitions->changing) {
    out.push_back({Level::kWarn, "partitions", facts.partitions->settled().error().message,
                   "Gateways decide nothing, and agents in gateway mode do not start, until it has finished."});
  } else if (facts.partitions->agreed > 0) {
    out.push_back({Level::kOk, "partitions", std::to_string(facts.partitions->agreed), ""});
  }
}

}  // namespace mas::ctl
