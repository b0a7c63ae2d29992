// The gateway's options, described and checked.
#include "daemons/gatewayd/settings/settings.h"

#include "daemons/common/unit_files.h"
#include "daemons/gatewayd/dlp/config.h"
#include "daemons/gatewayd/settings/policy_digest.h"

namespace mas::gateway {

using namespace std::chrono_literals;
using common::Apply;

void Settings::describe(common::OptionTable& table) {
  common::Settings::describe(table);

  table.section("gateway", "The kind of system, and its master key.");
  table.choice("profile", profile, kProfileNames, Apply::kRestart,
               "Set of requirements. development: tokens suffice, and a sender with neither allow list nor roles may "
               "send to every agent. production: frames must be signed; a sender may send only to permitted targets; "
               "plaintext registry tokens are refused; a Redis that evicts keys or has no append-only file is refused; "
               "limits of messages and of bytes are required.");
  table.text("master_key_file", master_key_file, Apply::kRestart,
             "File with the master key, which seals the agents' signing keys. It must be the same for all gateways and "
             "must not be accessible to others. A name without '/' is a systemd credential of the unit. Empty: "
             "the unit's credential mas.master-key, if there is one; otherwise the gateways share a secret that is "
             "stored in Redis. Profile production requires a master key.");

  table.section("lease", "Ownership of partitions.");
  table.duration("ttl", lease_ttl, {1s, 1min}, Apply::kRestart,
                 "Time after which a silent gateway loses a partition. A shorter time makes failover faster and costs "
                 "more commands: a gateway renews each lease three times in this time.");

  table.section("auth", "Authentication of senders.");
  table.duration(
      "drift", auth_drift, {1s, 1h}, Apply::kReload,
      "Maximum difference between a frame's timestamp and Redis's clock. A frame outside it is refused as REPLAYED.");
  table.flag("registry_tokens", auth_registry_tokens, Apply::kReload,
             "Whether a sender without an identity may authenticate with the plaintext token of its registry entry. "
             "Profile production ignores this option and refuses such tokens.");

  table.section("authorisation", "Which sender may send to which target: allow lists, block lists and roles.");
  table.choice("mode", authorisation_mode, kModeNames, Apply::kReload,
               "enforce: messages that are not permitted are refused. shadow: they are delivered, and the refusal that "
               "would have happened is counted and audited. off: the policy is not evaluated.");

  table.section("limits",
                "Rate limits of each sender. 0 means no limit. Values in ratelimit:{id}:limits (masctl limit set) "
                "override these defaults.");
  table.choice("mode", limits_mode, kModeNames, Apply::kReload, "enforce, shadow or off; see authorisation.mode.");
  table.integer("per_minute", limits_per_minute, {0, kMaxRate}, Apply::kReload, "Messages per minute.");
  table.integer("per_hour", limits_per_hour, {0, kMaxRate}, Apply::kReload, "Messages per hour.");
  table.integer("burst", limits_burst, {0, kMaxRate}, Apply::kReload,
                "Messages that a sender may send at once. 0: as many as the rate allows in its minute or hour.");
  table.size("bytes_per_minute", limits_bytes_per_minute, {0, kMaxByteRate}, Apply::kReload,
             "Bytes of envelopes per minute.");
  table.size(
      "burst_bytes", limits_burst_bytes, {0, kMaxByteRate}, Apply::kReload,
      "Bytes that a sender may send at once; a larger message is always refused. 0: the value of bytes_per_minute.");

  table.section("dlp", "Data-loss prevention: sensitive values in payloads (docs/DLP.md).");
  table.choice("mode", dlp_mode, kModeNames, Apply::kReload,
               "enforce: a message with a finding is blocked, or the value is masked or encrypted, as the rules say. "
               "shadow: findings are audited, and messages pass unchanged. off: payloads are not scanned.");
  table.text("rules_file", dlp_rules_file, Apply::kReload,
             "TOML file with actions by type, overrides, patterns of your own and allow-lists. Empty: the built-in "
             "rules. Every reload reads the file again.");
  table.text("encryption_key_file", dlp_key_file, Apply::kReload,
             "File with the key that values are encrypted under; agents that decrypt need the same key. A name without "
             "'/' is a systemd credential. Without a key, a value that should be encrypted is masked.");
  table.text("encryption_key_id", dlp_key_id, Apply::kReload, "Name of that key, written into each encrypted value.");
  table.section("guard",
                "The runaway guard against agents that answer each other or pass the same work on without end. A "
                "message over a limit is refused as LOOP_DETECTED.");
  table.choice("mode", guard_mode, kModeNames, Apply::kReload, "enforce, shadow or off; see authorisation.mode.");
  table.integer("max_hops", guard.max_hops, {1, 1000}, Apply::kReload,
                "Maximum number of agents that passed a message on.");
  table.integer("max_visits", guard.max_visits, {0, limits::kChainAgents}, Apply::kReload,
                "Maximum number of times that the target may appear in the message's chain, which lists the agents "
                "whose messages led to this one.");
  table.integer("conversation", guard.conversation, {0, WindowTable::kMaxCount}, Apply::kReload,
                "Maximum number of messages with one conversation_id per sender and window. 0: no limit.");
  table.integer("pair", guard.pair, {0, WindowTable::kMaxCount}, Apply::kReload,
                "Maximum number of messages from one sender to one target per window. 0: no limit.");
  table.duration("window", guard.window, {1s, 1h}, Apply::kReload,
                 "Length of the sliding window of `conversation` and `pair`. A change resets all counts.");
  table.integer("counters", guard.counters, {1024, 16'777'216}, Apply::kReload,
                "Number of conversations and pairs that are counted, at 24 bytes each. When all are in use, the least "
                "used counts are dropped.");

  table.section("breaker",
                "Circuit breakers: a failing target gets no messages for a while (docs/GATEWAY.md). Its senders get "
                "CIRCUIT_OPEN.");
  table.choice("mode", breaker_mode, kModeNames, Apply::kReload,
               "enforce: messages to a target with an open circuit are refused. shadow: circuits open and close, and "
               "messages pass; refusals that would have happened are counted and audited. off: circuits are ignored, "
               "including those that an operator opened.");
  table.duration("window", breaker.window, {1s, 1h}, Apply::kReload,
                 "Time over which each gateway counts the outcomes of a target's messages.");
  table.integer("failures", breaker.failures, {1, 1'000'000}, Apply::kReload,
                "Minimum number of failures in the window before a circuit may open.");
  table.integer("ratio", breaker.ratio, {1, 100}, Apply::kReload,
                "Minimum percentage of failures among the outcomes in the window before a circuit may open.");
  table.integer("volume", breaker.volume, {1, 1'000'000}, Apply::kReload,
                "Minimum number of outcomes in the window before a circuit may open.");
  table.duration("open", breaker.open, {100ms, 1h}, Apply::kReload,
                 "Time that a circuit stays open the first time. Each time in a row doubles it, up to max_open.");
  table.duration("max_open", breaker.max_open, {100ms, 24h}, Apply::kReload, "Longest time that a circuit stays open.");
  table.integer("trials", breaker.trials, {1, 10'000}, Apply::kReload,
                "Number of messages that each gateway lets through while a circuit is half-open. When as many were "
                "handled, the circuit closes.");
  table.duration("patience", breaker.patience, {1s, 1h}, Apply::kReload,
                 "Time that a half-open circuit waits for these messages to be handled. After that it opens again.");
  table.duration("grace", breaker.grace, {0s, 720h}, Apply::kReload,
                 "Time during which messages for an inactive agent are accepted (QUEUED_OFFLINE). After that its "
                 "circuit opens until the agent is back. 0: no limit.");
  table.choice("on_open", breaker.on_open, kOnOpenNames, Apply::kReload,
               "What happens to a message while the circuit is open. refuse: the message is refused. dead_letter: it "
               "is refused and also kept in the dead-letter queue.");

  approval.describe(table);

  table.section("priority",
                "Which lanes a sender may use. A higher lane than permitted is lowered to the highest permitted one.");
  table.choice("mode", priority_mode, kModeNames, Apply::kReload,
               "enforce: lanes are lowered. shadow: lanes stay as requested, and changes that would have happened are "
               "counted and audited. off: every lane is permitted.");
  table.choice("highest", priority_highest, kLaneNames, Apply::kReload,
               "Most urgent lane of a sender that has no role with priority:LANE.");
  table.flag("from_data", priority_from_data, Apply::kReload,
             "Whether the text `priority` in `data` names the lane when meta.priority is absent. Agents of the Python "
             "framework write it there.");

  table.section("retry",
                "Redelivery of messages whose handler failed: after delays that grow exponentially, and as dead "
                "letters after the last attempt.");
  table.integer("attempts", retry_attempts, {1, kMaxAttempts}, Apply::kReload,
                "Maximum number of deliveries of a message, including the first. ratelimit:{id}:limits (masctl limit "
                "set --attempts) overrides it for one agent.");
  table.duration("base", retry_base, {10ms, 1h}, Apply::kReload,
                 "Initial delay. Later delays grow exponentially, with jitter.");
  table.duration("cap", retry_cap, {10ms, 24h}, Apply::kReload, "Longest delay.");
  table.integer("max_waiting", retry_waiting, {1, 100'000'000}, Apply::kReload,
                "Maximum number of messages per partition that wait for redelivery. Past it, a message whose handler "
                "fails becomes a dead letter at once.");

  table.section("delivery", "Sizes, backlogs, the dead-letter queue, and confirmation by replicas.");
  table.size("max_envelope", max_envelope, {1024, limits::kMaxEnvelopeBytes}, Apply::kRestart,
             "Maximum size of an envelope. A larger one is refused as TOO_LARGE.");
  table.duration("reply_window", reply_window, {1s, 24h}, Apply::kReload,
                 "Time in which a reply may arrive, for requests without a deadline.");
  table.integer("max_backlog", max_backlog, {1, 100'000'000}, Apply::kReload,
                "Maximum number of messages that wait in one stream of an agent. Past it, messages are refused as "
                "TARGET_OVERLOADED.");
  table.size("max_backlog_bytes", max_backlog_bytes, {64 * 1024, 1ull << 40}, Apply::kReload,
             "Maximum number of bytes that wait in one stream of an agent. Past it, messages are refused as "
             "TARGET_OVERLOADED.");
  table.integer(
      "sender_share", sender_share, {1, 100}, Apply::kReload,
      "Percentage of both maxima that one sender may fill. Past it, only this sender gets TARGET_OVERLOADED.");
  table.integer("max_dead_letters", max_dead_letters, {1, 100'000'000}, Apply::kReload,
                "Maximum number of entries in the dead-letter queue. Past it, a message that would be kept there is "
                "refused as DLQ_FULL and only audited.");
  table.size("max_dead_letter_bytes", max_dead_letter_bytes, {1024 * 1024, 1ull << 40}, Apply::kReload,
             "Maximum memory of the dead-letter queue in Redis. Past it, the same happens as past max_dead_letters.");
  table.integer("wait_replicas", wait_replicas, {0, 16}, Apply::kRestart,
                "Number of replicas that must confirm a commit before its receipts are sent. 0: receipts do not wait. "
                "While fewer replicas confirm, no receipt is sent and the gateway is not ready.");
  table.duration("wait_timeout", wait_timeout, {10ms, 10s}, Apply::kRestart,
                 "Maximum time that a commit waits for replicas. Past it, receipts are withheld until enough replicas "
                 "confirm, and further commits hardly wait.");
  table.integer("memory_high_water", memory_high_water, {50, 100}, Apply::kReload,
                "Percentage of Redis's maxmemory from which frames are refused as UNAVAILABLE.");
  table.duration(
      "forget_agents", forget_agents, {0s, 876'000h}, Apply::kReload,
      "Time after an agent's stop when its empty streams are removed. After that, messages to an agent without an "
      "identity are refused as TARGET_NOT_FOUND. 0s: never. The minimum is 10s; a shorter time counts as 10s.");

  audit.describe(table);
  archive.describe(table);

  table.section("turn",
                "How much one turn decides when much is waiting. A larger turn costs less per message, blocks Redis "
                "longer, and needs more memory: at most about ten times `bytes`.");
  table.integer("messages", turn_messages, {1, 50'000}, Apply::kRestart,
                "Approximate maximum number of messages in a turn. Each blocks Redis for about a microsecond. One "
                "partition contributes at most about 4,000.");
  table.size("bytes", turn_bytes, {64 * 1024, 64u * 1024 * 1024}, Apply::kRestart,
             "Approximate maximum number of bytes in a turn.");
  table.integer("cached_agents", cached_agents, {100, 10'000'000}, Apply::kRestart,
                "Number of agents whose facts (entry, identity, rules, limits, circuit) are cached in memory.");
}

void Settings::check(common::Problems& problems) const {
  common::Settings::check(problems);
  audit.check(problems);
  archive.check(problems);
  const auto rules = dlp_rules(problems);
  approval.check(problems, dlp_mode, rules.get());
  if (auto key = dlp_key(); !key) problems.push_back("dlp.encryption_key_file: " + key.error().message);
  if (profile == Profile::kProduction && master_key_place().empty())
    problems.push_back(
        "gateway.master_key_file: profile production needs a master key, here or as the unit's credential "
        "mas.master-key");
  if (profile == Profile::kProduction) check_limits(problems);
  if (auto key = master_key(); !key) problems.push_back("gateway.master_key_file: " + key.error().message);
}

/// Where one agent can fill Redis, every other one waits.
void Settings::check_limits(common::Problems& problems) const {
  if (limits_mode != Mode::kEnforce) problems.push_back("limits.mode: profile production needs enforce");
  if (limits_per_minute == 0 && limits_per_hour == 0)
    problems.push_back("limits.per_minute: profile production needs a limit of messages, here or as limits.per_hour");
  if (limits_bytes_per_minute == 0)
    problems.push_back("limits.bytes_per_minute: profile production needs a limit of bytes");
}

std::string Settings::master_key_place() const { return common::or_credential(master_key_file, "mas.master-key"); }

Result<std::optional<MasterKey>> Settings::master_key() const {
  std::string place = master_key_place();
  if (place.empty()) return std::optional<MasterKey>();
  auto key = MasterKey::read(place);
  if (!key) return key.error();
  return std::optional<MasterKey>(std::move(*key));
}

std::shared_ptr<const dlp::Rules> Settings::dlp_rules(common::Problems& problems) const {
  return dlp::load_rules(dlp_rules_file, problems);
}

Result<std::optional<DataKey>> Settings::dlp_key() const {
  if (dlp_key_file.empty()) return std::optional<DataKey>();
  auto key = DataKey::read(dlp_key_id, dlp_key_file);
  if (!key) return key.error();
  return std::optional<DataKey>(std::move(*key));
}

LimitSettings Settings::default_limits() const {
  return {static_cast<uint32_t>(limits_per_minute), static_cast<uint32_t>(limits_per_hour),
          static_cast<uint32_t>(limits_burst), limits_bytes_per_minute, limits_burst_bytes};
}

Policy Settings::policy() const {
  bool production = profile == Profile::kProduction;
  Policy policy;
  policy.auth.drift = auth_drift;
  policy.auth.require_signature = production;
  policy.auth.accept_registry_token = auth_registry_tokens && !production;
  policy.default_rule = production ? DefaultRule::kDeny : DefaultRule::kAllowWithoutAny;
  policy.authorisation = authorisation_mode;
  policy.limits = limits_mode;
  policy.dlp = dlp_mode;
  policy.guard_mode = guard_mode;
  policy.guard = guard;
  policy.breaker_mode = breaker_mode;
  policy.breaker = breaker;
  policy.retry = {retry_base, retry_cap, static_cast<uint32_t>(retry_attempts)};
  policy.max_retries = static_cast<uint64_t>(retry_waiting);
  policy.priorities = priority_mode;
  policy.highest_lane = priority_highest;
  policy.priority_in_data = priority_from_data;
  policy.reply_window = reply_window;
  policy.max_backlog_records = static_cast<uint64_t>(max_backlog);
  policy.max_backlog_bytes = max_backlog_bytes;
  policy.sender_share = static_cast<uint64_t>(sender_share);
  policy.refusal_records = audit.refusals;
  approval.set_policy(policy);

  Settings copy = *this;  // a table points into settings that it may set
  common::OptionTable table;
  copy.describe(table);
  policy.digest = policy_digest(table);
  return policy;
}

}  // namespace mas::gateway
