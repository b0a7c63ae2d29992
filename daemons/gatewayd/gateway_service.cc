// The wiring of the parts.
#include "daemons/gatewayd/gateway_service.h"

#include <utility>

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;

constexpr Duration kTick = 100ms;  // how soon a lease that was lost by its own clock is noticed
constexpr unsigned kTicksOfSecond = 10, kTicksOfSurvey = Ownership::kSurveyPeriod / kTick;
constexpr size_t kMaxRestingTold = 64;  // with their reasons, in a heartbeat

HealthBounds bounds_of(const Settings& settings) {
  return {.production = settings.profile == Profile::kProduction,
          .memory_percent = static_cast<unsigned>(settings.memory_high_water),
          .dead_letters = {settings.max_dead_letters, settings.max_dead_letter_bytes}};
}

}  // namespace

GatewayService::GatewayService(common::Frame& frame, const Settings& settings)
    : frame_(frame),
      settings_(settings),
      setup_(frame, settings_, chains_, [this](const Status& status) { on_secret(status); }),
      ownership_(frame, settings.lease_ttl, *this),
      health_(frame, bounds_of(settings), [this] { on_health(); }),
      archive_trim_(frame),
      agent_sweep_(frame),
      keeper_(frame, chains_, settings.audit.placed()),
      resting_(frame.metrics().gauge("partitions_resting", "Owned partitions at rest because a key needs repair.")),
      retries_(frame.metrics().gauge("retries_waiting",
                                     "Messages that wait to be delivered again, of the partitions owned.")),
      cached_agents_(frame.metrics().gauge("cached_agents", "Agents whose facts are in memory.")),
      timer_(frame.loop(), [this] { tick(); }) {
  for (size_t i = 0; i < circuits_.size(); ++i)
    circuits_[i] = &frame.metrics().gauge("circuits", "Circuits cached by this gateway, by state.",
                                          {{"state", std::string(kCircuitStateNames[i])}});
}

GatewayService::~GatewayService() = default;

void GatewayService::start() {
  AuditSettings audit = settings_.audit.placed();
  frame_.log().info("files", {{"master_key", settings_.master_key_place()},
                              {"audit_key", audit.signing_key},
                              {"audit_heads", audit.heads_file},
                              {"audit_retired", audit.retired_dir}});
  prepare();
  if (settings_.profile != Profile::kProduction)
    frame_.log().warn(
        "profile_development",
        {{"what",
          "unsigned messages are accepted, and a sender with neither allow list nor roles may send to every agent"}});
  timer_.every(kTick);
}

void GatewayService::on_redis_up() {
  const redis::Connection* server = frame_.redis().connection();
  const bool again = server != nullptr ? server->generation() > 1 : had_redis_;
  had_redis_ = true;
  if (auto* turns = setup_.turns(); turns != nullptr && again) turns->renew_link();
  ownership_.on_redis_up();
  each_second();
}

void GatewayService::on_redis_down() {
  ownership_.on_redis_down();
  health_.on_redis_down();
  cancel_moves();
  keeper_.on_redis_down();
  tell_turns();
}

void GatewayService::on_partitions(size_t count) {
  if (auto* turns = setup_.turns()) turns->set_partitions(count);
}

void GatewayService::cancel_moves() {
  if (auto* replays = setup_.replays()) replays->cancel();
  if (auto* verdicts = setup_.verdicts()) verdicts->cancel();
}

void GatewayService::on_health() {
  if (auto* turns = setup_.turns(); turns != nullptr && health_.held()) turns->held_seen(*health_.held());
  setup_.set_shortages(health_.shortages());
  tell_turns();
}

void GatewayService::on_secret(const Status& status) {
  if (draining_) return;
  status ? prepare() : ownership_.give_up(status.error().message);
}

void GatewayService::prepare() {
  if (!draining_ && setup_.prepare(ownership_.partitions())) tell_turns();
}

void GatewayService::tick() {
  tell_turns();
  ++ticks_;
  if (ticks_ % kTicksOfSurvey == 0) ownership_.survey();
  if (ticks_ % kTicksOfSecond == 0) each_second();
}

void GatewayService::each_second() {
  tell_keeper();
  prepare();
  ownership_.announce();
  if (!frame_.redis_up() || draining_) return;
  const size_t partitions = ownership_.partitions();
  const bool leads = ownership_.leads();  // one gateway is enough
  setup_.ask_secret();
  health_.look(partitions, leads);
  // Where memory is low, what is replayed would be refused.
  if (leads && !health_.shortages().memory_low) move_back(partitions);
  if (auto* turns = setup_.turns()) archive_trim_.look(turns->deciding(), partitions, settings_.archive, mono_now());
  agent_sweep_.look(leads, settings_.forget_agents, partitions, mono_now());
}

void GatewayService::move_back(size_t partitions) {
  if (auto* replays = setup_.replays()) replays->look(partitions);
  if (auto* verdicts = setup_.verdicts()) verdicts->look(partitions, settings_.approval.expires);
}

void GatewayService::tell_keeper() {
  auto* turns = setup_.turns();
  if (turns == nullptr || draining_) return;
  uint64_t blocks = turns->stats().audit_blocks();
  keeper_.committed(blocks - std::exchange(told_blocks_, blocks));
  keeper_.set_owned(turns->deciding(), static_cast<unsigned>(ownership_.partitions()));
  if (frame_.redis_up()) keeper_.tick(mono_now());
}

/// What the turn loop may decide: leases that are held at this moment.
void GatewayService::tell_turns() {
  auto* turns = setup_.turns();
  if (turns == nullptr || draining_) return;
  turns->set_owned(health_.obstacle().empty() ? ownership_.owned() : std::vector<bool>(ownership_.partitions()));
}

common::Readiness GatewayService::readiness() const {
  for (const std::string& why : {ownership_.obstacle(), health_.obstacle(), setup_.obstacle()})
    if (!why.empty()) return {false, why};
  const TurnLoop& turns = *setup_.turns();
  const Resting& resting = turns.resting();
  if (turns.obstacle().empty() && resting.size() > 0 && turns.deciding().empty())
    return {false, "all owned partitions are at rest because keys need repair: " + resting.reasons().begin()->second};
  if (!turns.obstacle().empty()) return {false, turns.obstacle()};
  const std::string replicas = turns.replicas_problem();
  return {replicas.empty(), replicas};
}

void GatewayService::describe(JsonWriter& json) const {
  const bool running = setup_.prepared() && setup_.turns()->obstacle().empty() && health_.obstacle().empty();
  json.key("pipeline").string(running ? "running" : "waiting");
  json.key("profile").string(kProfileNames[static_cast<size_t>(settings_.profile)]);
  setup_.describe(json);
  ownership_.describe(json);
  if (setup_.turns() != nullptr) describe_turns(json);
}

void GatewayService::describe_turns(JsonWriter& json) const {
  TurnLoop& turns = *setup_.turns();
  json.key("deciding").begin_array();
  for (unsigned p : turns.deciding()) json.unsigned_integer(p);
  json.end_array();
  json.key("resting").begin_object();
  size_t told = 0;
  for (const auto& [p, why] : turns.resting().reasons())
    if (++told <= kMaxRestingTold) json.key(std::to_string(p)).string(why);
  json.end_object();
  if (const auto& lost = turns.lost(); lost.at != 0) json.key("lost_data").string(lost.what);
  if (const std::string why = turns.replicas_problem(); !why.empty()) json.key("receipts_withheld").string(why);
  const TurnStats& stats = turns.stats();
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
  ownership_.collect();
  health_.collect(ownership_.owned());
  const auto* turns = setup_.turns();
  if (turns == nullptr) return;
  resting_.set(static_cast<double>(turns->resting().size()));
  retries_.set(static_cast<double>(turns->waiting_retries()));
  cached_agents_.set(static_cast<double>(turns->cached_agents()));
  const auto circuits = turns->known_circuits();
  for (size_t i = 0; i < circuits.size(); ++i) circuits_[i]->set(static_cast<double>(circuits[i]));
}

void GatewayService::reload(const common::Settings& next) {
  settings_ = static_cast<const Settings&>(next);
  keeper_.reload(settings_.audit.placed());
  health_.set_bounds(bounds_of(settings_));
  setup_.reload();
  prepare();
}

void GatewayService::drain() {
  draining_ = true;
  timer_.stop();
  ownership_.stop();
  health_.cancel();
  cancel_moves();
  auto* turns = setup_.turns();
  if (turns == nullptr) return release_leases();
  turns->drain([this] { keeper_.shutdown([this] { release_leases(); }); });
}

void GatewayService::release_leases() {
  ownership_.release([this] { frame_.drained(); });
}

}  // namespace mas::gateway
