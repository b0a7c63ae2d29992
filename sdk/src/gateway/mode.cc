// Time, receipts and the end in gateway mode.
#include "sdk/src/gateway/mode.h"

#include <algorithm>
#include <utility>

#include "proto/wire/partitions.h"
#include "sdk/src/gateway/setup_op.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {
namespace {

/// No entry has this id or a later one; the very last id means `>`.
constexpr std::string_view kBehindAll = "18446744073709551615-0";

}  // namespace

GatewayPath::GatewayPath(PathHost& host, GatewayOutbox& outbox)
    : host_(host),
      outbox_(outbox),
      reader_(host),
      reports_(host, outbox),
      timer_(host.loop(), [this] { on_timer(); }),
      patience_(host.loop(), [this] { try_finish(true); }) {}

std::string GatewayPath::channel() const {
  const AgentContext& agent = host_.context();
  return agent.keys.receipts(agent.config.id, agent.instance());
}

std::unique_ptr<Op> GatewayPath::prepare(std::function<void(Status)> done) {
  return std::make_unique<GatewaySetupOp>(host_, [this, done = std::move(done)](const Result<GatewaySetup>& setup) {
    if (setup) partitions_ = setup->partitions;
    if (setup && setup->made_lanes) reader_.lanes_made();
    done(setup ? Status() : setup.error());
  });
}

void GatewayPath::open() {
  outbox_.on_change([this] { keep_time(); });
  outbox_.on_obstacle([this](const std::string& why) { host_.context().debug("the gateway decides nothing: " + why); });
  outbox_.open(host_, host_.runtime().shared_from_this(), [this] { host_.runtime().post([this] { drain(); }); });
  host_.context().deliveries.open([this] { host_.runtime().post([this] { on_handled(); }); });
  host_.context().dedupe.clear();  // what the last start had seen and not handled comes again
  reports_.open();
}

void GatewayPath::on_handled() {
  reports_.send();
  reader_.on_handled();
}

void GatewayPath::up(const Secret& token) {
  token_ = token;
  reader_.up();
  outbox_.up(host_.commands(), partitions_, token_);
  keep_time();
}

void GatewayPath::down() {
  outbox_.down();
  reader_.listen_no_more();
}

void GatewayPath::on_payload(std::string_view payload) {
  apply(outbox_.on_receipt(payload));
  keep_time();
  try_finish(false);
}

void GatewayPath::apply(FrameWindow::Effect effect) {
  if (effect == FrameWindow::Effect::kUnknownFrame) host_.context().counters.stray_receipts.add();
  if (effect == FrameWindow::Effect::kWrongTime) host_.ask_time();
  const bool lost = effect == FrameWindow::Effect::kLost;
  if (!lost && effect != FrameWindow::Effect::kStuck) return;
  outbox_.down();
  host_.begin_anew(lost ? "the gateway waits for messages that had their receipts: Redis lost data"
                        : "the gateway refused a frame and does not answer for those around it");
}

void GatewayPath::renamed() {
  outbox_.restart();
  reader_.renamed();
}

void GatewayPath::keep_time() {
  auto next = outbox_.next_time();
  if (!next || (timer_.armed() && armed_until_ <= *next)) return;
  armed_until_ = *next;
  timer_.once(std::max(*next - mono_now(), Duration::zero()));
}

void GatewayPath::on_timer() {
  if (outbox_.doubtful()) ask_partitions();
  apply(outbox_.on_time());
  keep_time();
}

/// Whoever waits too long may be sending to the wrong place: an operator may have changed the number of partitions.
void GatewayPath::ask_partitions() {
  if (std::exchange(asking_, true)) return;
  redis::Command command("HGET", host_.context().keys.config(), "partitions");
  const auto answer = redis::reply_to<&GatewayPath::on_partitions>(this, 0, kConfigTextBytes);
  asking_ = host_.commands().send(command, answer).ok();
}

void GatewayPath::on_partitions(uint64_t, const redis::Answer& answer) {
  asking_ = false;
  auto reply = redis::checked(answer);
  if (!reply) return;
  auto partitions = parse_partitions((*reply)->text);
  if (!partitions || *partitions == partitions_) return;
  partitions_ = *partitions;
  outbox_.set_partitions(partitions_);
}

// ---- The end

void GatewayPath::finish(Duration patience, std::function<void(Status)> done) {
  finished_ = std::move(done);
  reports_.send();
  reader_.stop();
  outbox_.hurry();
  drain();
  if (patience > Duration::zero()) patience_.once(patience);
  try_finish(patience == Duration::zero());
}

void GatewayPath::try_finish(bool out_of_time) {
  if (!finished_) return;
  size_t left = outbox_.waiting();
  if (left > 0 && !out_of_time) return;
  patience_.stop();
  reader_.stop();  // what was reported meanwhile
  const AgentContext& agent = host_.context();
  const std::string& id = agent.config.id;
  // Reads nothing, but makes the consumer's idle time begin now: who removes streams of agents that stopped goes by it.
  redis::Command farewell("XREADGROUP", "GROUP", kGroup, agent.instance(), "COUNT", 1, "STREAMS",
                          agent.keys.inbox(id, Lane::kNormal, 0), kBehindAll);
  farewell.add("DEL", agent.keys.reply_inbox(id, agent.instance(), 0));
  static_cast<void>(host_.commands().send(farewell, redis::ReplyTo{}));  // else it expires
  Status status;
  if (left > 0)
    status = Error{Errc::kTimeout, std::to_string(left) + " messages have no receipt: whether they arrived is unknown"};
  std::exchange(finished_, nullptr)(status);
}

void GatewayPath::close() {
  finished_ = nullptr;
  timer_.stop();
  patience_.stop();
  host_.commands().forget(this);
  reports_.close();
  reader_.stop();
  host_.context().deliveries.close();
  outbox_.close();
}

}  // namespace mas::sdk
