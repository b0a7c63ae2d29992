// doctor's judgement of Sentinel: whether it can fail over, and what that may lose.
#include "sdk/masctl/doctor/sentinels.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "proto/base/numbers.h"
#include "proto/redis/reply_values.h"
#include "sdk/masctl/doctor/findings.h"

namespace mas::ctl {

namespace {

constexpr long long kFewestSentinels = 3;
constexpr long long kHastyMs = 1000, kSlowMs = 10'000;  // of down-after-milliseconds
constexpr long long kLongLag = 3;                       // seconds

/// A replica as INFO has it: "ip=10.0.0.2,port=6379,state=online,offset=14,lag=0".
struct Replica {
  bool online = false;
  long long offset = 0;
  long long lag = 0;  ///< seconds since it was heard
};

long long number_in(std::string_view line, std::string_view name) {
  const auto at = line.find(name);
  return at == std::string_view::npos ? 0 : leading_number<long long>(line.substr(at + name.size()));
}

std::vector<Replica> replicas_of(const Facts& facts) {
  std::vector<Replica> replicas;
  const auto count = leading_number<long long>(redis::info_value(facts.info, "connected_slaves"));
  for (long long i = 0; i < count; ++i) {
    const std::string_view line = redis::info_value(facts.info, "slave" + std::to_string(i));
    replicas.push_back(
        {line.find("state=online") != std::string_view::npos, number_in(line, "offset="), number_in(line, "lag=")});
  }
  return replicas;
}

/// @return a whole number of the configuration; -1 when it is unknown.
long long config_number(const Facts& facts, std::string_view name) {
  auto value = facts.config_value(name);
  return value ? std::atoll(value->c_str()) : -1;
}

std::string count_text(size_t count, std::string_view of) {
  return std::to_string(count) + " " + std::string(of) + (count == 1 ? "" : "s");
}

void check_agreement(const std::vector<SentinelFact>& sentinels, std::vector<Finding>& out) {
  std::set<std::string> primaries;
  std::string silent;
  size_t answered = 0;
  long long known = 0;
  for (const auto& sentinel : sentinels) {
    if (sentinel.unreachable) {
      silent += (silent.empty() ? "" : "; ") + sentinel.address + ": " + sentinel.unreachable->message;
      continue;
    }
    ++answered;
    primaries.insert(sentinel.primary);
    known = std::max(known, sentinel.others + 1);
  }
  std::string found = std::to_string(answered) + " of " + count_text(sentinels.size(), "sentinel") + " answer";
  for (const auto& primary : primaries)
    found += (primary.empty() ? ", one does not know the name" : ", primary " + primary);
  if (primaries.size() > 1) {
    out.push_back({Level::kFail, "sentinels", found,
                   "They disagree. Just after a fail-over this passes within seconds. If it stays, compare the "
                   "sentinels' configurations, and whether they reach each other."});
  } else if (!silent.empty()) {
    out.push_back({Level::kWarn, "sentinels", found + "; no answer from " + silent,
                   "Start them, check sentinel_user and the password, or take them out of the URL."});
  } else if (known < kFewestSentinels) {
    out.push_back({Level::kWarn, "sentinels", found + ", " + std::to_string(known) + " known",
                   "With fewer than three sentinels none can be lost. Run three, on different machines."});
  } else {
    out.push_back({Level::kOk, "sentinels", found, ""});
  }
}

void check_quorum(const SentinelFact& sentinel, std::vector<Finding>& out) {
  if (!sentinel.has_quorum) {
    out.push_back({Level::kWarn, "quorum", "unknown: " + sentinel.address + ": " + sentinel.quorum,
                   "Let this user run SENTINEL CKQUORUM."});
  } else if (*sentinel.has_quorum) {
    out.push_back({Level::kOk, "quorum", sentinel.quorum, ""});
  } else {
    out.push_back({Level::kFail, "quorum", sentinel.address + ": " + sentinel.quorum,
                   "Nothing fails over as it is. Start the sentinels that are missing."});
  }
}

void check_patience(const SentinelFact& sentinel, std::vector<Finding>& out) {
  const long long ms = sentinel.down_after_ms;
  const std::string found = "begins " + std::to_string(ms) + " ms after the primary fell silent";
  if (ms == 0) {
    out.push_back({Level::kWarn, "fail-over", "unknown", "Let this user run SENTINEL MASTER."});
  } else if (ms < kHastyMs) {
    out.push_back({Level::kWarn, "fail-over", found,
                   "A primary that is busy for a moment is taken for dead. Set down-after-milliseconds to 5000."});
  } else if (ms > kSlowMs) {
    out.push_back({Level::kWarn, "fail-over", found,
                   "Nothing is decided for so long. Set down-after-milliseconds to 5000, if the network allows it."});
  } else {
    out.push_back({Level::kOk, "fail-over", found, ""});
  }
}

}  // namespace

void check_sentinels(const Facts& facts, std::vector<Finding>& out) {
  if (facts.sentinels.empty()) return;
  check_agreement(facts.sentinels, out);
  auto answered = std::find_if(facts.sentinels.begin(), facts.sentinels.end(),
                               [](const SentinelFact& sentinel) { return !sentinel.unreachable; });
  if (answered == facts.sentinels.end()) return;
  check_quorum(*answered, out);
  check_patience(*answered, out);
}

void check_replicas(const Facts& facts, std::vector<Finding>& out) {
  if (facts.sentinels.empty() && facts.nodes.empty()) return;
  if (redis::info_value(facts.info, "connected_slaves").empty()) {
    out.push_back({Level::kWarn, "replicas", "unknown", "Let this user run INFO (ACL +info)."});
    return;
  }
  const auto replicas = replicas_of(facts);
  const auto written = leading_number<long long>(redis::info_value(facts.info, "master_repl_offset"));
  size_t online = 0;
  long long lag = 0, behind = 0;
  for (const auto& replica : replicas) {
    online += replica.online ? 1 : 0;
    lag = std::max(lag, replica.lag);
    behind = std::max(behind, written - replica.offset);
  }
  const std::string found = count_text(online, "replica") + " online, at most " + std::to_string(behind) +
                            " bytes and " + std::to_string(lag) + " s behind";
  if (online == 0) {
    out.push_back({Level::kFail, "replicas", "no replica is online",
                   "Nothing can take over. Start a replica (replicaof HOST PORT), or see its log."});
  } else if (online < replicas.size() || lag > kLongLag) {
    out.push_back({Level::kWarn, "replicas", found + ", of " + count_text(replicas.size(), "replica"),
                   "A replica that is behind loses the difference when it takes over. See its log and the network."});
  } else {
    out.push_back({Level::kOk, "replicas", found, ""});
  }
}

void check_loss_window(const Facts& facts, std::vector<Finding>& out) {
  if (facts.sentinels.empty() && facts.nodes.empty()) return;
  const long long needed = config_number(facts, "min-replicas-to-write");
  const long long lag = config_number(facts, "min-replicas-max-lag");
  const std::string always = "a primary that dies loses what no replica has yet, unless delivery.wait_replicas is set";
  if (needed < 0) {
    out.push_back({Level::kWarn, "loss window", "unknown: this user may not run CONFIG GET",
                   "Let an administrator run doctor, or allow it: ACL SETUSER … +config|get."});
  } else if (needed == 0 || lag == 0) {
    out.push_back({Level::kWarn, "loss window",
                   always + "; one that is cut off loses all that it accepts until it is reached again",
                   "Set min-replicas-to-write 1 and min-replicas-max-lag 3: a primary that is cut off then stops "
                   "accepting writes."});
  } else {
    out.push_back({Level::kOk, "loss window",
                   always + "; one that is cut off loses at most what it accepts in " + std::to_string(lag) +
                       " s (min-replicas-max-lag)",
                   ""});
  }
}

}  // namespace mas::ctl
