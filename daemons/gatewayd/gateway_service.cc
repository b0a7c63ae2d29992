// The service: which partitions it owns, and what it tells the turn loop and the keeper.
#include "daemons/gatewayd/gateway_service.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "daemons/gatewayd/replay/replay_frame.h"
#include "proto/wire/events.h"

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;

constexpr Duration kTick = 100ms;  // how soon a lease that was lost by its own clock is noticed
constexpr unsigned kTicksOfPeriod = 10, kTicksOfSurvey = 5;
constexpr Duration kSurveyPeriod = kTick * kTicksOfSurvey;
constexpr std::string_view kNotLookedAt = "Redis's settings have not been looked at yet";
constexpr unsigned kNearFull = 80;              // percent of the dead letters' bound
constexpr size_t kMostRestingTold = 64;         // with their reasons, in a heartbeat
constexpr Duration kGrace = 3 * kSurveyPeriod;  // a healthy gateway sees a free partition within one period

}  // namespace

GatewayService::GatewayService(common::Frame& frame, const Settings& settings)
    : frame_(frame),
      settings_(settings),
      policy_(settings.policy()),
      partitioner_(frame.instance(), kGrace),
      survey_(frame.redis(), frame.keys(), [this](const Result<View>& result) { on_survey(result); }),
      watch_(frame.redis(), frame.keys(), [this](const RedisHealth& health) { on_health(health); }),
      shared_secret_(frame.redis(), frame.keys(), [this](const Result<MasterKey>& secret) { on_secret(secret); }),
      archive_trim_(frame),
      agent_sweep_(frame),
      keeper_(frame, settings.audit.placed()),
      partitions_(frame.metrics().gauge("partitions", "Partitions of the whole system.")),
      owned_(frame.metrics().gauge("partitions_owned", "Partitions whose lease this gateway holds.")),
      resting_(frame.metrics().gauge("partitions_resting", "Partitions owned that have a key which needs repair.")),
      gateways_(frame.metrics().gauge("gateways", "Gateways with a heartbeat.")),
      suspected_(frame.metrics().gauge("gateways_suspected", "Gateways with a heartbeat that take no partition.")),
      lag_(frame.metrics().gauge("waiting_elements", "Frames that wait in the lists of the partitions owned.")),
      dead_letters_(frame.metrics().gauge("dead_letters", "Entries of the dead-letter queue.")),
      dead_letters_near_full_(
          frame.metrics().gauge("dead_letters_near_full", "1 while the dead-letter queue is at 80 % of its bound.")),
      memory_low_(frame.metrics().gauge("memory_low", "1 while frames are refused for lack of memory in Redis.")),
      retries_(frame.metrics().gauge("retries_waiting",
                                     "Messages that wait to be delivered again, of the partitions owned.")),
      cached_agents_(frame.metrics().gauge("cached_agents", "Agents whose facts are in memory.")),
      gained_(frame.metrics().counter("partition_gains_total", "Leases gained.")),
      lost_(frame.metrics().counter("partition_losses_total", "Leases lost or given up.")),
      surveys_(frame.metrics().counter("surveys_total", "Looks at the shared state.", {{"result", "ok"}})),
      failed_surveys_(frame.metrics().counter("surveys_total", "Looks at the shared state.", {{"result", "failed"}})),
      timer_(frame.loop(), [this] { tick(); }) {
  for (size_t i = 0; i < circuits_.size(); ++i)
    circuits_[i] =
        &frame.metrics().gauge("circuits", "Circuits that this gateway knows, of targets that it decided messages for.",
                               {{"state", std::string(kCircuitStateNames[i])}});
}

GatewayService::~GatewayService() = default;

void GatewayService::start() {
  AuditSettings audit = settings_.audit.placed();
  frame_.log().info("files", {{"master_key", settings_.master_key_place()},
                              {"audit_key", audit.signing_key},
                              {"audit_heads", audit.heads_file},
                              {"audit_archive", audit.archive_dir}});
  if (production()) unsafe_ = kNotLookedAt;
  prepare();
  if (!production())
    frame_.log().warn(
        "profile_development",
        {{"what", "unsigned messages are taken, and who has neither lists nor roles may send to everybody"}});
  timer_.every(kTick);
}

void GatewayService::on_redis_up() {
  for (auto& lease : leases_) lease->hurry();
  if (!draining_) survey_.start();
  look_around();
}

void GatewayService::on_redis_down() {  // leases end by their own clock
  survey_.cancel();
  watch_.cancel();
  if (replays_) replays_->cancel();
  keeper_.on_redis_down();
  if (production()) unsafe_ = kNotLookedAt;  // what comes back may be another Redis
  tell_turns();
}

void GatewayService::on_secret(const Result<MasterKey>& secret) {
  if (secret_ || draining_) return;
  if (!secret) return refuse(secret.error().message);
  secret_ = *secret;
  prepare();
}

/// All that deciding needs besides Redis: keys, rules. What cannot be read is tried again once a period: a file may be put
/// right, or was being replaced.
void GatewayService::prepare() {
  if (prepared_ || draining_) return;
  Status status = read_master_key();
  if (status.ok() && !secret_) return unprepared_.clear();  // it is asked for
  if (status.ok() && turns_ == nullptr) make_turns();
  if (status.ok()) status = fill_turns();
  unprepared_ = status.ok() ? std::string() : status.error().message;
  if (!status.ok()) {
    if (unprepared_repeat_.should_log(unprepared_, mono_now()))
      frame_.log().error("not_prepared", {{"why", unprepared_}});
    return;
  }
  prepared_ = true;
  malloc_trim(0);  // compiling the patterns took megabytes that nobody will need again
  turns_->set_policy(policy_, settings_.default_limits());
  turns_->start();
  tell_turns();
}

/// Where one is configured and cannot be read, the gateways' shared secret must not take its place.
Status GatewayService::read_master_key() {
  if (master_read_) return {};
  auto key = settings_.master_key();
  if (!key) return key.error().in("gateway.master_key_file");
  master_ = *key;
  secret_ = master_;
  master_read_ = true;
  return {};
}

void GatewayService::make_turns() {
  tickets_.emplace(secret_->derive("mas.ticket.v2"), settings_.redis_namespace);
  payload_key_.emplace(secret_->derive("mas.audit.payload.v1"));
  replay_key_.emplace(secret_->derive(kReplayLabel));
  replays_.emplace(frame_, settings_.redis_namespace, *replay_key_, settings_.max_envelope);
  TurnOptions options;
  options.ns = settings_.redis_namespace;
  options.policy = policy_;
  options.default_limits = settings_.default_limits();
  options.max_envelope = settings_.max_envelope;
  options.messages = static_cast<size_t>(settings_.turn_messages);
  options.bytes = settings_.turn_bytes;
  options.cached_agents = static_cast<size_t>(settings_.cached_agents);
  options.wait_replicas = settings_.wait_replicas;
  options.wait_timeout = settings_.wait_timeout;
  turns_ =
      std::make_unique<TurnLoop>(frame_, std::move(options), master_ ? &*master_ : nullptr, *tickets_, *payload_key_);
  turns_->set_replay_key(&*replay_key_);
  turns_->set_partitions(leases_.size());
}

Status GatewayService::fill_turns() {
  if (auto status = renew_archive(); !status) return status.error().in("archive");
  if (auto status = renew_dlp(); !status) return status.error().in("dlp");
  return {};
}

/// What looks at payloads is made anew from the settings; where it cannot be, what there is stays. The policy's digest names
/// the rules in force, too.
Status GatewayService::renew_dlp() {
  Status status;
  if (settings_.dlp_mode == Mode::kOff) {
    dlp_rules_ = nullptr;
    turns_->set_dlp(nullptr);
  } else if (auto stage = make_dlp(); stage) {
    turns_->set_dlp(std::move(*stage));
  } else {
    status = stage.error();
  }
  dlp_problem_ = status ? std::string() : status.error().message;
  policy_.digest = settings_.policy().digest;
  if (dlp_rules_ != nullptr)
    policy_.digest = sha256(std::string(view_of(policy_.digest)).append(view_of(dlp_rules_->digest)));
  return status;
}

Result<std::unique_ptr<dlp::Stage>> GatewayService::make_dlp() {
  common::Problems problems;
  auto rules = settings_.dlp_rules(problems);
  if (rules == nullptr) return Error{Errc::kInvalidArgument, problems.empty() ? "dlp: no rules" : problems.front()};
  auto key = settings_.dlp_key();
  if (!key) return key.error();
  auto stage = dlp::Stage::make(rules, std::move(*key), *payload_key_, settings_.max_envelope);
  if (stage) dlp_rules_ = rules;
  return stage;
}

/// The keys of the archive are read anew. Where one cannot be, those that there are stay.
Status GatewayService::renew_archive() {
  auto key = settings_.archive.key();
  auto old = settings_.archive.old_key();
  if (!key) return key.error();
  if (!old) return old.error();
  archive_key_ = *key ? std::make_shared<const archive::Key>(std::move(**key)) : nullptr;
  old_archive_key_ = std::move(*old);
  turns_->set_archive(archive_key_);
  replays_->set_archive_keys(archive_key_.get(), old_archive_key_ ? &*old_archive_key_ : nullptr);
  return {};
}

void GatewayService::tick() {
  tell_turns();
  ++ticks_;
  if (ticks_ % kTicksOfSurvey == 0 && frame_.redis_up() && !draining_) survey_.start();
  if (ticks_ % kTicksOfPeriod == 0) look_around();
}

void GatewayService::look_around() {
  tell_keeper();
  prepare();
  if (ownership_changed_) announce_ownership();
  if (!frame_.redis_up() || draining_) return;
  if (master_read_ && !secret_) shared_secret_.ask();  // it could not be written or read when Redis came up
  watch_.look(leases_.size());
  const bool first = !leases_.empty() && leases_.front()->active();  // one gateway is enough
  bool moves_replays = replays_ && first;
  if (policy_.memory_low) moves_replays = false;  // they would be refused
  if (moves_replays) replays_->look(leases_.size());
  if (turns_ != nullptr) archive_trim_.look(turns_->deciding(), leases_.size(), settings_.archive, mono_now());
  agent_sweep_.look(first, settings_.forget_agents, mono_now());
}

void GatewayService::tell_keeper() {
  if (turns_ == nullptr || draining_) return;
  uint64_t blocks = turns_->stats().audit_blocks();
  keeper_.committed(blocks - std::exchange(told_blocks_, blocks));
  keeper_.set_owned(turns_->deciding(), static_cast<unsigned>(leases_.size()));
  if (frame_.redis_up()) keeper_.tick(mono_now());
}

/// What the turn loop may decide: leases that are held at this moment.
void GatewayService::tell_turns() {
  if (turns_ == nullptr || draining_) return;
  std::vector<bool> mine;
  for (const auto& lease : leases_) mine.push_back(lease->active() && unsafe_.empty());
  turns_->set_owned(mine);
}

void GatewayService::on_health(const RedisHealth& health) {
  if (draining_) return;
  waiting_ = health.waiting;
  const bool informed = health.info_problem.empty();
  if (!informed && full_repeat_.should_log(health.info_problem, mono_now()))
    frame_.log().error("redis_tells_nothing", {{"why", health.info_problem}});
  Policy next = policy_;
  if (informed) next.memory_low = health.memory_percent() >= static_cast<unsigned>(settings_.memory_high_water);
  if (health.dead_letters_known) {
    watch_dead_letters(health);
    next.dead_letters_full = dead_letters_percent(health) >= 100;
    next.dead_letters_closed = next.dead_letters_full || !health.dead_letters_problem.empty();
  }
  memory_low_.set(next.memory_low ? 1 : 0);
  if (next.memory_low && full_repeat_.should_log("memory", mono_now()))
    frame_.log().error("redis_memory_low", {{"used", health.used_memory}, {"maxmemory", health.max_memory}});
  if (!health.dead_letters_problem.empty() && full_repeat_.should_log(health.dead_letters_problem, mono_now()))
    frame_.log().error("dead_letters_unusable", {{"why", frame_.keys().dead_letters() + ": " +
                                                             health.dead_letters_problem + "; expected a stream"}});
  bool changed = next.memory_low != policy_.memory_low || next.dead_letters_closed != policy_.dead_letters_closed ||
                 next.dead_letters_full != policy_.dead_letters_full;
  policy_ = next;
  if (changed && turns_ != nullptr) turns_->set_policy(policy_, settings_.default_limits());
  if (informed) unsafe_ = unsafe(health);
  tell_turns();
  if (!unsafe_.empty() && unsafe_repeat_.should_log(unsafe_, mono_now()))
    frame_.log().error("redis_unsafe", {{"why", unsafe_}});
}

/// Of the bound that is nearer.
uint64_t GatewayService::dead_letters_percent(const RedisHealth& health) const {
  return std::max(100 * health.dead_letters / static_cast<uint64_t>(settings_.max_dead_letters),
                  100 * health.dead_letter_bytes / settings_.max_dead_letter_bytes);
}

/// Operators hear of a queue near its bound before anything is refused: in the log, again and again, and once on
/// mas.system, from the gateway that owns partition 0.
void GatewayService::watch_dead_letters(const RedisHealth& health) {
  const uint64_t percent = dead_letters_percent(health);
  unsigned reached = percent >= 100 ? 100 : percent >= kNearFull ? kNearFull : 0;
  dead_letters_.set(static_cast<double>(health.dead_letters));
  dead_letters_near_full_.set(reached > 0 ? 1 : 0);
  if (reached < dead_letters_alerted_) dead_letters_alerted_ = reached;
  if (reached == 0) return;
  std::string event = reached == 100 ? "dead_letters_full" : "dead_letters_near_full";
  if (full_repeat_.should_log(event, mono_now()))
    frame_.log().error(event, {{"entries", health.dead_letters},
                               {"bound", settings_.max_dead_letters},
                               {"bytes", health.dead_letter_bytes},
                               {"bytes_bound", settings_.max_dead_letter_bytes}});
  bool speaks = !leases_.empty() && leases_.front()->active();
  if (!speaks || reached <= dead_letters_alerted_) return;
  std::string text = "the dead-letter queue has " + std::to_string(health.dead_letters) + " of " +
                     std::to_string(settings_.max_dead_letters) + " letters and " +
                     std::to_string(health.dead_letter_bytes) + " of " +
                     std::to_string(settings_.max_dead_letter_bytes) + " bytes" +
                     (reached == 100 ? "; what would be kept there is refused (DLQ_FULL)" : "");
  redis::Command command("PUBLISH", frame_.keys().system_channel(), alert_event("gatewayd", text, wall_now()));
  if (frame_.redis().send(command, redis::ReplyTo{})) dead_letters_alerted_ = reached;
}

/// What production does not accept: accepted messages that Redis drops, or forgets when it stops.
std::string GatewayService::unsafe(const RedisHealth& health) const {
  if (!production()) return {};
  if (health.max_memory > 0 && health.eviction != "noeviction")
    return "Redis has maxmemory-policy " + health.eviction + "; profile production needs noeviction";
  if (!health.append_only) return "Redis has no append-only file; profile production needs appendonly yes";
  return {};
}

/// Once a period, not once per partition.
void GatewayService::announce_ownership() {
  ownership_changed_ = false;
  frame_.log().info("partitions_owned", {{"owned", owned()}, {"partitions", leases_.size()}});
  frame_.beat();
}

size_t GatewayService::owned() const {
  size_t count = 0;
  for (const auto& lease : leases_) count += lease->active() ? 1 : 0;
  return count;
}

void GatewayService::on_survey(const Result<View>& result) {
  if (draining_) return;
  (result.ok() ? surveys_ : failed_surveys_).add();
  if (!result) return result.error().code == Errc::kRefused ? refuse(result.error().message) : void();
  if (!leases_.empty() && result->owners.size() != leases_.size())
    return refuse("mas.config now has " + std::to_string(result->owners.size()) +
                  " partitions; this gateway works with " + std::to_string(leases_.size()) + " until it is restarted");
  if (!not_ready_.empty()) frame_.log().info("partitions_agreed", {{"partitions", result->owners.size()}});
  not_ready_.clear();
  repeat_.reset();
  make_leases(result->owners.size());
  follow(partitioner_.plan(*result, mono_now()));
  gateways_.set(static_cast<double>(result->gateways.size()));
}

/// Nothing that this gateway decided under another agreement would be right: it gives everything up.
void GatewayService::refuse(const std::string& why) {
  not_ready_ = why;
  if (repeat_.should_log(why, mono_now())) frame_.log().error("config_refused", {{"why", why}});
  follow(std::vector<bool>(leases_.size(), false));
}

void GatewayService::make_leases(size_t partitions) {
  for (auto p = static_cast<unsigned>(leases_.size()); p < partitions; ++p)
    leases_.push_back(std::make_unique<common::Lease>(frame_.loop(), frame_.redis(), frame_.keys().partition_lease(p),
                                                      frame_.instance(), settings_.lease_ttl, *this));
  if (turns_ != nullptr) turns_->set_partitions(leases_.size());
}

void GatewayService::follow(const std::vector<bool>& mine) {
  for (size_t p = 0; p < leases_.size(); ++p) {
    common::Lease& lease = *leases_[p];
    if (mine[p])
      lease.start();
    else if (lease.state() == common::Lease::State::kStandby || lease.state() == common::Lease::State::kActive)
      lease.release();
  }
}

void GatewayService::on_lease_gained(common::Lease& lease) {
  ownership_changed_ = true;
  tell_turns();
  gained_.add();
  frame_.log().debug("partition_gained", {{"lease", lease.key()}});
}

void GatewayService::on_lease_lost(common::Lease& lease, std::string_view why) {
  ownership_changed_ = true;
  tell_turns();
  lost_.add();
  auto level = why == common::kLeaseReleased ? common::LogLevel::kDebug : common::LogLevel::kWarn;
  frame_.log().write(level, "partition_lost", {{"lease", lease.key()}, {"why", why}});
}

common::Readiness GatewayService::readiness() const {
  if (!not_ready_.empty()) return {false, not_ready_};
  if (!unsafe_.empty()) return {false, unsafe_};
  if (!unprepared_.empty()) return {false, unprepared_};
  if (turns_ == nullptr) return {false, "the gateways' secret has not been read yet"};
  if (!dlp_problem_.empty() && dlp_rules_ == nullptr)
    return {false, "data-loss prevention did not start, every message is UNAVAILABLE: " + dlp_problem_};
  const Resting& resting = turns_->resting();
  if (turns_->obstacle().empty() && resting.size() > 0 && turns_->deciding().empty())
    return {false, "no partition is decided, keys need repair: " + resting.reasons().begin()->second};
  return {turns_->obstacle().empty(), turns_->obstacle()};
}

void GatewayService::describe(JsonWriter& json) const {
  bool running = turns_ != nullptr && prepared_ && turns_->obstacle().empty() && unsafe_.empty();
  json.key("pipeline").string(running ? "running" : "waiting");
  json.key("profile").string(kProfileNames[static_cast<size_t>(settings_.profile)]);
  if (settings_.dlp_mode != Mode::kOff) {
    json.key("dlp").string(dlp_problem_.empty() ? "running" : dlp_rules_ != nullptr ? "former rules" : "not started");
    if (!dlp_problem_.empty()) json.key("dlp_problem").string(dlp_problem_);
  }
  json.key("partitions").unsigned_integer(leases_.size());
  json.key("owned").begin_array();
  for (size_t p = 0; p < leases_.size(); ++p)
    if (leases_[p]->active()) json.unsigned_integer(p);
  json.end_array();
  if (turns_ == nullptr) return;
  json.key("deciding").begin_array();
  for (unsigned p : turns_->deciding()) json.unsigned_integer(p);
  json.end_array();
  json.key("resting").begin_object();
  size_t told = 0;
  for (const auto& [p, why] : turns_->resting().reasons())
    if (++told <= kMostRestingTold) json.key(std::to_string(p)).string(why);
  json.end_object();
  if (const auto& lost = turns_->lost(); lost.at != 0) json.key("lost_data").string(lost.what);
  const TurnStats& stats = turns_->stats();
  json.key("turns").unsigned_integer(stats.turns());
  json.key("messages").unsigned_integer(stats.messages());
  json.key("round_trips").unsigned_integer(stats.round_trips.value());
  json.key("decided").begin_object();
  for_each_decision([&](Decision decision) {
    if (uint64_t count = stats.decided(decision); count > 0) json.key(decision_text(decision)).unsigned_integer(count);
  });
  json.end_object();
}

void GatewayService::collect() {
  partitions_.set(static_cast<double>(leases_.size()));
  owned_.set(static_cast<double>(owned()));
  suspected_.set(static_cast<double>(partitioner_.suspected()));
  resting_.set(turns_ == nullptr ? 0 : static_cast<double>(turns_->resting().size()));
  uint64_t lag = 0;
  for (size_t p = 0; p < std::min(waiting_.size(), leases_.size()); ++p)
    if (leases_[p]->active()) lag += waiting_[p];
  lag_.set(static_cast<double>(lag));
  if (turns_ == nullptr) return;
  retries_.set(static_cast<double>(turns_->waiting_retries()));
  cached_agents_.set(static_cast<double>(turns_->cached_agents()));
  const auto circuits = turns_->known_circuits();
  for (size_t i = 0; i < circuits.size(); ++i) circuits_[i]->set(static_cast<double>(circuits[i]));
}

void GatewayService::reload(const common::Settings& next) {
  bool memory_low = policy_.memory_low;
  bool closed = policy_.dead_letters_closed;
  bool full = policy_.dead_letters_full;
  settings_ = static_cast<const Settings&>(next);
  keeper_.reload(settings_.audit.placed());
  policy_ = settings_.policy();
  policy_.memory_low = memory_low;
  policy_.dead_letters_closed = closed;
  policy_.dead_letters_full = full;
  if (turns_ == nullptr) return;
  if (auto status = renew_dlp(); !status)  // check() has seen them: a file that changed since
    frame_.log().error(dlp_rules_ == nullptr ? "dlp_not_started" : "dlp_rules_kept", {{"why", status.error().message}});
  if (auto status = renew_archive(); !status)
    frame_.log().error("archive_keys_kept", {{"why", status.error().message}});
  malloc_trim(0);
  turns_->set_policy(policy_, settings_.default_limits());
  prepare();
}

void GatewayService::drain() {
  draining_ = true;
  timer_.stop();
  survey_.cancel();
  watch_.cancel();
  if (replays_) replays_->cancel();
  if (turns_ == nullptr) return release_leases();
  turns_->drain([this] { keeper_.shutdown([this] { release_leases(); }); });
}

void GatewayService::release_leases() {
  releasing_ = leases_.size() + 1;
  for (auto& lease : leases_) lease->release([this] { on_released(); });
  on_released();
}

void GatewayService::on_released() {
  if (--releasing_ == 0) frame_.drained();
}

}  // namespace mas::gateway
