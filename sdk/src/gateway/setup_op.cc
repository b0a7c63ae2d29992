// Partitions and groups.
#include "sdk/src/gateway/setup_op.h"

#include "proto/redis/bounded_answer.h"
#include "proto/wire/lane.h"
#include "proto/wire/partitions.h"
#include "sdk/src/gateway/inbox_stream.h"
#include "sdk/src/gateway/read_commands.h"

namespace mas::sdk {
namespace {

constexpr uint64_t kConfig = 2;   // the reply with the values, after two HSETNX
constexpr uint64_t kGroups = 10;  // replies of the second step begin here
constexpr int kMostAttempts = 10;

bool on_cluster(const AgentContext& agent) { return agent.keys.layout() == KeyLayout::kCluster; }

}  // namespace

std::vector<std::string> gateway_streams(const AgentContext& agent, unsigned partitions) {
  const std::string& id = agent.config.id;
  std::vector<std::string> streams;
  for (unsigned partition = 0; partition < partitions; ++partition) {
    streams.push_back(agent.keys.reply_inbox(id, agent.instance(), partition));
    for (Lane lane : kLanes) streams.push_back(agent.keys.inbox(id, lane, partition));
  }
  return streams;
}

redis::Command reply_stream_lease(const AgentContext& agent) {
  return redis::Command("PEXPIRE", agent.keys.reply_inbox(agent.config.id, agent.instance(), 0),
                        to_millis(kReplyStreamTtl));
}

redis::Command make_groups(const AgentContext& agent) {
  redis::Command commands;
  std::vector<ReadFrom> lanes;
  const std::vector<std::string> streams = gateway_streams(agent, 1);
  if (on_cluster(agent)) {
    const std::string& normal = streams[stream_of_lane(0, Lane::kNormal)];
    commands.add("XGROUP", "CREATE", normal, kGroup, "0", "MKSTREAM");
    lanes.push_back({normal, kBehindAll});
  } else {
    for (const auto& stream : streams) commands.add("XGROUP", "CREATE", stream, kGroup, "0", "MKSTREAM");
    for (size_t i = 1; i < streams.size(); ++i) lanes.push_back({streams[i], kBehindAll});
    commands.add(reply_stream_lease(agent));
  }
  commands.add(read_command(agent, lanes, 1, Duration::zero()));
  return commands;
}

size_t make_groups_count(const AgentContext& agent) { return on_cluster(agent) ? 2 : kLanes.size() + 3; }

bool group_exists(const redis::Reply& reply) { return !reply.is_error() || reply.error_code() == "BUSYGROUP"; }

bool made_lane(uint64_t i, const redis::Reply& reply) { return i >= 1 && i <= kLanes.size() && !reply.is_error(); }

void GatewaySetupOp::begin() {
  state_.to(State::kReading);
  const std::string key = host_.context().keys.config();
  redis::Command command("HSETNX", key, "partitions", kDefaultPartitions);
  command.add("HSETNX", key, "protocol", spoken_protocol());
  command.add("HMGET", key, "partitions", "protocol");
  if (auto status = send(command, 0, kConfigTextBytes); !status) finish(status.error().in("reading mas.config"));
}

void GatewaySetupOp::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!answer) return finish(answer.error());
  const redis::Reply& reply = **answer;
  if (state_.is(State::kReading)) {
    if (tag < kConfig) return;  // refused perhaps (OOM, NOPERM): what counts is what is there
    if (reply.is_error()) return finish(redis::error_of(reply).in("reading mas.config"));
    return take_config(reply);
  }
  const bool last = tag + 1 == kGroups + make_groups_count(host_.context());
  if (!last && !group_exists(reply)) return finish(redis::error_of(reply).in("making the streams' groups"));
  setup_.made_lanes = setup_.made_lanes || made_lane(tag - kGroups, reply);
  if (!last) return;
  if (reply.is_error() && group_gone(reply) && ++attempts_ < kMostAttempts) return make();
  state_.to(State::kDone);  // what else Redis refused is told when the rights are tried
  finish(setup_);
}

void GatewaySetupOp::take_config(const redis::Reply& values) {
  if (values.count != 2) return finish(Error{Errc::kProtocol, "unexpected answer to HMGET; expected two values"});
  for (size_t i = 0; i < values.count; ++i) {
    const char* what = i == 0 ? "mas.config: partitions" : "mas.config: protocol";
    if (auto fits = redis::check_text(what, values[i], kConfigTextBytes); !fits) return finish(fits.error());
  }
  auto partitions = agreed_partitions(values[0].text, values[1].text, "this library");
  if (!partitions) return finish(partitions.error());
  setup_.partitions = *partitions;
  state_.to(State::kMaking);
  make();
}

void GatewaySetupOp::make() {
  if (auto status = send(make_groups(host_.context()), kGroups); !status)
    finish(status.error().in("making the streams' groups"));
}

}  // namespace mas::sdk
