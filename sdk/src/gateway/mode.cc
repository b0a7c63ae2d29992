// Time, receipts and the end in gateway mode.
#include "sdk/src/gateway/mode.h"

#include <algorithm>
#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/credentials.h"
#include "proto/wire/partitions.h"
#include "sdk/src/gateway/outage.h"
#include "sdk/src/gateway/setup_op.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {

GatewayMode::GatewayMode(AgentContext& agent)
    : GatewayMode(agent, std::make_shared<GatewayOutbox>(agent.config, agent.keys, agent.clock, agent.tracer,
                                                         agent.instances)) {}

GatewayMode::GatewayMode(AgentContext& agent, const std::shared_ptr<GatewayOutbox>& frames)
    : Mode({.entry_name = "gateway", .keeps_all = true, .redelivers = true}, frames),
      agent_(agent),
      outbox_(*frames),
      deliveries_(agent.config) {}

GatewayMode::Live::Live(GatewayMode& mode, ModeHost& its_host)
    : host(its_host),
      dedupe(mode.agent_.config.dedupe_messages),
      reader(InboxReader::make(host, mode.deliveries_, dedupe)),
      reports(host, mode.outbox_, mode.deliveries_, dedupe),
      timer(host.loop(), [&mode] { mode.on_timer(); }),
      patience(host.loop(), [&mode] { mode.try_finish(true); }) {}

/// Read at every start, so that a new key needs no new process.
Status GatewayMode::load() {
  const std::string path = agent_.config.credentials.value_or("");
  if (path.empty()) return outbox_.use(std::nullopt), Status();
  auto credentials = read_credentials(path);
  if (!credentials) return credentials.error();
  const std::string& id = agent_.config.id;
  if (credentials->agent_id != id)
    return Error{Errc::kInvalidArgument, "the credentials in " + path + " belong to '" +
                                             printable(credentials->agent_id) + "', and this agent is '" + id + "'"};
  outbox_.use(std::move(*credentials));
  return {};
}

void GatewayMode::began(const mas_message& message) {
  if (message.share().delivery != nullptr) deliveries_.began(message.share(), message.size(), mono_now());
}

bool GatewayMode::ended(const mas_message& message) {
  return message.share().delivery == nullptr || deliveries_.ended(message.share());
}

void GatewayMode::handled(mas_message& message, bool failed, std::string_view why) {
  const Share share = message.take_share();
  if (share.delivery != nullptr) deliveries_.handled(share, message.size(), failed, why);
}

std::string GatewayMode::channel() const { return agent_.keys.receipts(agent_.config.id, agent_.instance()); }

std::unique_ptr<Op> GatewayMode::prepare(std::function<void(Status)> done) {
  return std::make_unique<GatewaySetupOp>(live_->host,
                                          [this, done = std::move(done)](const Result<GatewaySetup>& setup) {
                                            if (setup) live_->partitions = setup->partitions;
                                            if (setup) live_->reader->prepared(*setup);
                                            done(setup ? Status() : setup.error());
                                          });
}

/// On a cluster the reply streams are in other slots, and their reader renews them.
void GatewayMode::add_lease(redis::Command& lease) const {
  if (agent_.keys.layout() == KeyLayout::kOneServer) lease.add(reply_stream_lease(agent_));
}

void GatewayMode::open() {
  Runtime& runtime = live_->host.runtime();
  outbox_.on_change([this] { keep_time(); });
  outbox_.on_obstacle([this](const std::string& why) { agent_.debug("the gateway makes no decision: " + why); });
  outbox_.on_report([this](const Id128& id, const SendOutcome& outcome) { live_->reports.on_outcome(id, outcome); });
  outbox_.open(live_->host, runtime.shared_from_this(), [this, &runtime] { runtime.post([this] { outbox_.pump(); }); });
  deliveries_.open([this, &runtime] { runtime.post([this] { on_handled(); }); });
  live_->reports.open();
}

void GatewayMode::on_handled() {
  live_->reports.send();
  live_->reader->on_handled();
}

void GatewayMode::up(const Secret& token) {
  live_->token = token;
  live_->reader->up();
  outbox_.up(live_->host.commands(), live_->partitions, live_->token);
  keep_time();
}

void GatewayMode::down() {
  outbox_.down();
  live_->reader->listen_no_more();
}

void GatewayMode::on_payload(std::string_view payload) {
  apply(outbox_.on_receipt(payload));
  keep_time();
  try_finish(false);
}

void GatewayMode::apply(FrameWindow::Effect effect) {
  if (effect == FrameWindow::Effect::kUnknownFrame) agent_.counters.stray_receipts.add();
  if (effect == FrameWindow::Effect::kWrongTime) live_->host.ask_time();
  const bool lost = effect == FrameWindow::Effect::kLost;
  if (!lost && effect != FrameWindow::Effect::kStuck) return;
  outbox_.down();
  if (lost && forgotten_after_outage())
    return live_->host.begin_anew("the gateway has forgotten this instance after an outage");
  InDoubt doubt = outbox_.take_in_doubt();
  if (doubt.any()) live_->host.in_doubt(std::move(doubt), "Redis lost data: the gateway does not know them any more");
  live_->host.begin_anew(lost ? "the gateway waits for messages that had their receipts: Redis lost data"
                              : "the gateway refused a frame and does not answer for those around it");
}

/// The messages are where they were. A Redis that came back without data after as long an outage is told apart by what
/// the streams lack.
bool GatewayMode::forgotten_after_outage() const {
  const auto since = outbox_.unknown_since();
  return since && agent_.loss_found_at <= *since && forgotten_in_outage(agent_.lease, *since, mono_now());
}

void GatewayMode::renamed(const std::string& before) {
  outbox_.restart();
  live_->reader->renamed(before);
}

void GatewayMode::keep_time() {
  auto next = outbox_.next_time();
  if (!next || (live_->timer.armed() && live_->armed_until <= *next)) return;
  live_->armed_until = *next;
  live_->timer.once(std::max(*next - mono_now(), Duration::zero()));
}

void GatewayMode::on_timer() {
  if (outbox_.may_be_misrouted()) ask_partitions();
  apply(outbox_.on_time());
  keep_time();
}

/// Whoever waits too long may be sending to the wrong place: an operator may have changed the number of partitions.
void GatewayMode::ask_partitions() {
  if (std::exchange(live_->asking, true)) return;
  redis::Command command("HGET", agent_.keys.config(), "partitions");
  const auto answer = redis::reply_to<&GatewayMode::on_partitions>(this, 0, kConfigTextBytes);
  live_->asking = live_->host.commands().send(command, answer).ok();
}

void GatewayMode::renewed() {
  live_->reader->on_lease();
  if (live_->reader->misses_partitions()) ask_partitions();
}

void GatewayMode::on_partitions(uint64_t, const redis::Answer& answer) {
  live_->asking = false;
  auto reply = redis::checked(answer);
  if (!reply) return;
  auto partitions = parse_partitions((*reply)->text);
  if (!partitions || *partitions == live_->partitions) return;
  live_->partitions = *partitions;
  live_->reader->prepared({*partitions});
  outbox_.set_partitions(live_->partitions);
}

// ---- The end

void GatewayMode::finish(Duration patience, std::function<void(Status)> done) {
  live_->finished = std::move(done);
  live_->reports.send();
  live_->reader->stop();
  outbox_.hurry();
  if (patience > Duration::zero()) live_->patience.once(patience);
  try_finish(patience == Duration::zero());
}

void GatewayMode::try_finish(bool out_of_time) {
  if (!live_->finished) return;
  size_t left = outbox_.waiting();
  if (left > 0 && !out_of_time) return;
  live_->patience.stop();
  live_->reader->stop();  // what was reported meanwhile
  live_->reader->say_farewell();
  Status status;
  if (left > 0)
    status = Error{Errc::kTimeout, std::to_string(left) + " messages have no receipt: whether they arrived is unknown"};
  std::exchange(live_->finished, nullptr)(status);
}

void GatewayMode::close() {
  live_->finished = nullptr;
  live_->timer.stop();
  live_->patience.stop();
  live_->host.commands().forget(this);
  live_->reports.close();
  live_->reader->stop();
  deliveries_.close();
  outbox_.close();
}

}  // namespace mas::sdk
