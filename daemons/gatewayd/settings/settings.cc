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

  table.section("gateway", "What kind of system this is.");
  table.choice("profile", profile, kProfileNames, Apply::kRestart,
               "development: tokens suffice, and who has neither lists nor roles may send to everybody. production: "
               "frames must be signed, nothing is allowed by default, registry tokens are refused, and so is a Redis "
               "that evicts keys or has no append-only file; limits are needed, of messages and of bytes.");
  table.text("master_key_file", master_key_file, Apply::kRestart,
             "File with the master key, the same for all gateways; must not be accessible to others. A name without "
             "'/' is a systemd credential of the unit. Signing keys of agents are sealed under it. Empty: the unit's "
             "credential mas.master-key, if it has that; else gateways share a secret that is kept in Redis. Needed in "
             "production.");

  table.section("lease", "Ownership of partitions.");
  table.duration("ttl", lease_ttl, {1s, 1min}, Apply::kRestart,
                 "How long a partition stays with a gateway that has gone silent. Shorter fails over faster and asks "
                 "Redis more often: a renewal per partition every third of it.");

  table.section("auth", "Who a sender is.");
  table.duration("drift", auth_drift, {1s, 1h}, Apply::kReload,
                 "How far a frame's timestamp may be from Redis's clock; what is further is REPLAYED.");
  table.flag(
      "registry_tokens", auth_registry_tokens, Apply::kReload,
      "Whether a sender without identity may use the plaintext token of its registry entry. Never in production.");

  table.section("authorisation", "Who may send to whom: allowed and blocked targets, roles.");
  table.choice("mode", authorisation_mode, kModeNames, Apply::kReload,
               "enforce; shadow: denials are counted and audited, and the message goes on; off.");

  table.section("limits", "How much a sender may send. 0 is no limit. ratelimit:{id}:limits goes before these.");
  table.choice("mode", limits_mode, kModeNames, Apply::kReload, "enforce, shadow or off, as for authorisation.");
  table.integer("per_minute", limits_per_minute, {0, kMaxRate}, Apply::kReload, "Messages a minute.");
  table.integer("per_hour", limits_per_hour, {0, kMaxRate}, Apply::kReload, "Messages an hour.");
  table.integer("burst", limits_burst, {0, kMaxRate}, Apply::kReload,
                "Messages at once; 0: as many as the rate it belongs to.");
  table.size("bytes_per_minute", limits_bytes_per_minute, {0, kMaxByteRate}, Apply::kReload,
             "Bytes of envelopes a minute.");
  table.size("burst_bytes", limits_burst_bytes, {0, kMaxByteRate}, Apply::kReload,
             "Bytes at once; 0: a minute's. A larger message is never accepted.");

  table.section("dlp", "Data-loss prevention: what payloads hold (docs/DLP.md).");
  table.choice(
      "mode", dlp_mode, kModeNames, Apply::kReload,
      "enforce: messages are blocked, masked or encrypted by what is found in them; shadow: that is audited, and "
      "they go on as they are; off: nobody looks.");
  table.text(
      "rules_file", dlp_rules_file, Apply::kReload,
      "TOML file with actions by type, overrides, rules of your own and allow-lists; empty: the built-in rules. It "
      "is read again at every reload.");
  table.text("encryption_key_file", dlp_key_file, Apply::kReload,
             "File with the key that values are encrypted under, for agents that hold it, too; a name without '/' is a "
             "systemd credential. Without one, what is to be encrypted is masked.");
  table.text("encryption_key_id", dlp_key_id, Apply::kReload, "What that key is called in what is encrypted.");
  table.section("guard",
                "Agents that answer each other, or pass the same work round, for ever. Over a limit: LOOP_DETECTED.");
  table.choice("mode", guard_mode, kModeNames, Apply::kReload, "enforce, shadow or off, as for authorisation.");
  table.integer("max_hops", guard.max_hops, {1, 1000}, Apply::kReload, "How often a message may have been passed on.");
  table.integer(
      "max_visits", guard.max_visits, {0, limits::kChainAgents}, Apply::kReload,
      "How often the target may stand in the message's chain: how often it was part of the same work already.");
  table.integer("conversation", guard.conversation, {0, WindowTable::kMaxCount}, Apply::kReload,
                "Messages of one sender with one conversation_id in a window; 0: no limit.");
  table.integer("pair", guard.pair, {0, WindowTable::kMaxCount}, Apply::kReload,
                "Messages from one sender to one target in a window; 0: no limit.");
  table.duration("window", guard.window, {1s, 1h}, Apply::kReload,
                 "The window that slides over both; a change begins to count anew.");
  table.integer(
      "counters", guard.counters, {1024, 16'777'216}, Apply::kReload,
      "Conversations and pairs that are counted, 24 bytes each; past it, those that are used least are forgotten.");

  table.section(
      "breaker",
      "Circuit breakers: targets that fail are left alone for a while (docs/GATEWAY.md). CIRCUIT_OPEN meanwhile.");
  table.choice("mode", breaker_mode, kModeNames, Apply::kReload,
               "enforce; shadow: circuits open and close, and what would have been refused is counted, audited and "
               "goes on; off: nobody looks at circuits, not even at those that an operator opened.");
  table.duration("window", breaker.window, {1s, 1h}, Apply::kReload,
                 "In which what becomes of messages to a target counts, in each gateway.");
  table.integer("failures", breaker.failures, {1, 1'000'000}, Apply::kReload,
                "A circuit opens with so many failures in the window at least,");
  table.integer("ratio", breaker.ratio, {1, 100}, Apply::kReload,
                "when they are so many percent of what became of messages at least,");
  table.integer("volume", breaker.volume, {1, 1'000'000}, Apply::kReload,
                "and something became of so many messages at least.");
  table.duration("open", breaker.open, {100ms, 1h}, Apply::kReload,
                 "How long it stays open the first time; each further time in a row is twice as long,");
  table.duration("max_open", breaker.max_open, {100ms, 24h}, Apply::kReload, "and never longer than this.");
  table.integer(
      "trials", breaker.trials, {1, 10'000}, Apply::kReload,
      "Messages that a half-open circuit lets through, in each gateway; it closes when as many were handled.");
  table.duration("patience", breaker.patience, {1s, 1h}, Apply::kReload,
                 "How long it waits for that; then it opens again.");
  table.duration("grace", breaker.grace, {0s, 720h}, Apply::kReload,
                 "How long messages are accepted for an agent that is not active (QUEUED_OFFLINE); then its circuit "
                 "opens until it is back. 0: for ever.");
  table.choice("on_open", breaker.on_open, kOnOpenNames, Apply::kReload,
               "What becomes of a message meanwhile. refuse: its sender has it back; dead_letter: it is refused, and "
               "kept in the dead-letter queue.");

  table.section("priority", "Which lanes senders may use. Who asks for more is put to the highest that it may use.");
  table.choice("mode", priority_mode, kModeNames, Apply::kReload,
               "enforce; shadow: what would have been put to another lane is counted and audited; off.");
  table.choice("highest", priority_highest, kLaneNames, Apply::kReload,
               "The most urgent lane of senders that have no role with priority:LANE.");
  table.flag(
      "from_data", priority_from_data, Apply::kReload,
      "Whether the text priority in data names the lane where meta.priority is absent, as in the Python framework.");

  table.section("retry",
                "Messages whose handler failed: delivered again after a wait that doubles, then dead letters.");
  table.integer("attempts", retry_attempts, {1, kMostAttempts}, Apply::kReload,
                "Deliveries of a message, the first included; ratelimit:{id}:limits goes before this.");
  table.duration("base", retry_base, {10ms, 1h}, Apply::kReload, "What the wait grows from; it has jitter.");
  table.duration("cap", retry_cap, {10ms, 24h}, Apply::kReload, "No wait is longer.");
  table.integer("max_waiting", retry_waiting, {1, 100'000'000}, Apply::kReload,
                "Messages of a partition's agents that may wait; past it, who fails is a dead letter at once.");

  table.section("delivery", "What is delivered, and how much may wait.");
  table.size("max_envelope", max_envelope, {1024, limits::kMaxEnvelopeBytes}, Apply::kRestart,
             "Larger envelopes are TOO_LARGE.");
  table.duration("reply_window", reply_window, {1s, 24h}, Apply::kReload,
                 "How long a reply may take where the request has no deadline.");
  table.integer("max_backlog", max_backlog, {1, 100'000'000}, Apply::kReload,
                "Messages that may wait in one of an agent's streams; past it, TARGET_OVERLOADED.");
  table.size("max_backlog_bytes", max_backlog_bytes, {64 * 1024, 1ull << 40}, Apply::kReload,
             "Bytes that may wait there.");
  table.integer("sender_share", sender_share, {1, 100}, Apply::kReload,
                "Percent of both that one sender may fill; past it, TARGET_OVERLOADED for that sender alone.");
  table.integer("max_dead_letters", max_dead_letters, {1, 100'000'000}, Apply::kReload,
                "Entries of the dead-letter queue; past it, what would be kept there is DLQ_FULL and audited only.");
  table.size("max_dead_letter_bytes", max_dead_letter_bytes, {1024 * 1024, 1ull << 40}, Apply::kReload,
             "Memory of the dead-letter queue in Redis; likewise.");
  table.integer("wait_replicas", wait_replicas, {0, 16}, Apply::kRestart,
                "Receipts wait until so many replicas have the commit.");
  table.duration("wait_timeout", wait_timeout, {10ms, 10s}, Apply::kRestart,
                 "How long they wait; a receipt that is withheld is asked for again by the sender.");
  table.integer("memory_high_water", memory_high_water, {50, 100}, Apply::kReload,
                "Percent of Redis's maxmemory from which on frames are refused as UNAVAILABLE.");
  table.duration("forget_agents", forget_agents, {0s, 876'000h}, Apply::kReload,
                 "How long the empty streams of an agent stay after it stopped; then senders without them hear "
                 "TARGET_NOT_FOUND, unless it has an identity. 0s: for ever. Less than 10s is taken as 10s.");

  audit.describe(table);
  archive.describe(table);

  table.section(
      "turn",
      "How much is decided at once where much waits: larger turns cost less, keep Redis longer, and take memory, "
      "about ten times `bytes` at most.");
  table.integer(
      "messages", turn_messages, {1, 50'000}, Apply::kRestart,
      "Messages, about. Redis is busy for about a microsecond with each; a partition gives about 4,000 at most.");
  table.size("bytes", turn_bytes, {64 * 1024, 64u * 1024 * 1024}, Apply::kRestart, "Bytes, about.");
  table.integer("cached_agents", cached_agents, {100, 10'000'000}, Apply::kRestart,
                "Agents whose facts are kept in memory between turns.");
}

void Settings::check(common::Problems& problems) const {
  common::Settings::check(problems);
  audit.check(problems);
  archive.check(problems);
  dlp_rules(problems);
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

  Settings copy = *this;  // a table points into settings that it may set
  common::OptionTable table;
  copy.describe(table);
  policy.digest = policy_digest(table);
  return policy;
}

}  // namespace mas::gateway
