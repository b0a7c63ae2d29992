// Reading and claiming.
#include "sdk/src/gateway/reader.h"

#include <algorithm>
#include <utility>

#include "sdk/src/gateway/read_commands.h"
#include "sdk/src/gateway/setup_op.h"

namespace mas::sdk {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);
constexpr Duration kReplyPause = std::chrono::milliseconds(20);  // between looks for replies at the inbound bound

}  // namespace

const GatewayReader::Task GatewayReader::kTasks[] = {
    {&Wanted::groups, Needs::kNothing, &GatewayReader::make_groups_again},
    {&Wanted::claim, Needs::kLeaseAndRoom, &GatewayReader::claim},
    {&Wanted::strays, Needs::kLease, &GatewayReader::look_for_strays},
    {&Wanted::own, Needs::kLeaseAndRoom, &GatewayReader::read_own},
    {nullptr, Needs::kLeaseAndRoom, &GatewayReader::read_new},
    {&Wanted::replies, Needs::kLease, &GatewayReader::read_replies},
};

GatewayReader::GatewayReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe)
    : host_(host),
      deliveries_(deliveries),
      held_(host, deliveries, streams_, [this](const std::optional<Error>& refusal) { on_acks(refusal); }),
      intake_(host, deliveries, dedupe, held_, streams_),
      listening_(host),
      notices_(host),
      replies_timer_(host.loop(), [this] { look_for_replies(); }) {}

GatewayReader::~GatewayReader() { stop(); }

void GatewayReader::listen(std::function<void(Status)> done) {
  if (!listening_.wait(std::move(done))) return;
  if (link_ == nullptr) begin_link();
  advance();
}

void GatewayReader::up() {
  listening_.came_up();
  was_up_ = true;
  held_.send_acks();
  advance();
}

void GatewayReader::on_lease() {
  wanted_.claim = true;
  wanted_.strays = wanted_.strays || mono_now() - strays_looked_for_ >= kStrayCheck;
  on_handled();
}

void GatewayReader::on_handled() {
  held_.send_acks();
  advance();
}

void GatewayReader::begin_link() {
  listening_.begin();
  streams_ = gateway_streams(host_.context(), 1);
  redis::ConnectionOptions options;
  options.endpoint = *host_.context().config.endpoint;
  options.sentinels = host_.commands().connection()->options().sentinels;
  options.client_name = "libmas-reader:" + host_.context().config.id;
  options.keep_unsent = false;
  options.primary_only = true;
  link_ = std::make_unique<redis::Connection>(host_.loop(), options, this);
  link_->start();
}

void GatewayReader::renew_link() {
  if (link_ != nullptr) link_->drop_link(Error{Errc::kUnavailable, "the connection for commands was made anew"});
}

void GatewayReader::end_link() {
  if (link_ != nullptr) link_->forget(this);
  link_.reset();
  ack_refusal_.reset();
  if (!asked_.is(Asked::kNothing)) asked_.to(Asked::kNothing);
  listening_.end();
}

/// Not from inside the link's own callbacks.
void GatewayReader::renamed(const std::string& before) {
  end_link();
  held_.keep();
  const AgentContext& agent = host_.context();
  redis::Command farewell("DEL", agent.keys.reply_inbox(agent.config.id, before, 0));
  static_cast<void>(host_.commands().send(farewell, redis::ReplyTo{}));  // else it expires
}

void GatewayReader::prepared(const GatewaySetup& setup) {
  if (!setup.made_lanes || !was_up_) return;
  intake_.forget_progress();
  notices_.groups_gone();
  notices_.tell_losses();
}

void GatewayReader::stop() {
  end_link();
  held_.stop();
}

/// Reads nothing.
void GatewayReader::say_farewell() {
  const AgentContext& agent = host_.context();
  redis::Command farewell("XREADGROUP", "GROUP", kGroup, agent.instance(), "COUNT", 1, "STREAMS",
                          agent.keys.inbox(agent.config.id, Lane::kNormal, 0), kBehindAll);
  farewell.add("DEL", agent.keys.reply_inbox(agent.config.id, agent.instance(), 0));
  static_cast<void>(host_.commands().send(farewell, redis::ReplyTo{}));  // else it expires
}

void GatewayReader::on_down(redis::Connection&, const Error& why, unsigned) { lost(why.in("reading")); }

/// The link may live on: listen() tries it again.
void GatewayReader::lost(const Error& why) {
  if (!asked_.is(Asked::kNothing)) asked_.to(Asked::kNothing);
  ack_refusal_.reset();
  listening_.lost(why);
}

// ---- One thing at a time

void GatewayReader::advance() {
  if (link_ == nullptr || !link_->ready() || !asked_.is(Asked::kNothing)) return;
  if (listening_.wanted()) return try_rights();
  if (!listening_.up()) return;
  const bool full = deliveries_.full();
  const Needs met = !host_.context().lease.holds(mono_now()) ? Needs::kNothing
                    : full                                   ? Needs::kLease
                                                             : Needs::kLeaseAndRoom;
  for (const Task& task : kTasks)
    if ((task.wanted == nullptr || wanted_.*task.wanted) && task.needs <= met) return (this->*task.ask)();
  // on_lease() or on_handled() goes on; at the bound also the timer: a read that blocks would delay what has room then.
  if (full && !replies_timer_.armed()) replies_timer_.once(kReplyPause);
}

void GatewayReader::look_for_replies() {
  wanted_.replies = host_.awaits_replies();
  advance();
}

/// @return false: the link is down; on_ready() begins again.
bool GatewayReader::send(Asked what, const redis::Command& command, Duration timeout) {
  held_.let_go(0, streams_.size());
  auto status = link_->send(command, redis::reply_to<&GatewayReader::on_reply>(this), timeout);
  if (!status) return false;
  asked_.to(what);
  round_ = {command.count()};
  return true;
}

void GatewayReader::try_rights() {
  if (send(Asked::kRights, trial_command(host_.context(), streams_), kPatience)) listening_.trying();
}

void GatewayReader::make_groups_again() {
  wanted_.groups = false;
  send(Asked::kGroups, make_groups(host_.context()), kPatience);
}

void GatewayReader::claim() {
  wanted_.claim = false;
  const size_t entries = entries_at_once(host_.context(), deliveries_, streams_.size());
  send(Asked::kClaims, claim_command(host_.context(), streams_, entries), kPatience);
  round_.claimed = entries;
}

void GatewayReader::look_for_strays() {
  wanted_.strays = false;
  strays_looked_for_ = mono_now();
  const AgentContext& agent = host_.context();
  redis::Command command;
  for (size_t i = 0; i < streams_.size(); ++i) command.add(pending_command(agent, streams_[i], held_.count(i)));
  send(Asked::kStrays, command, kPatience);
}

void GatewayReader::read_own_again() {
  wanted_.own = true;
  own_from_.assign(streams_.size(), "0");
}

void GatewayReader::read_replies() {
  wanted_.replies = false;
  read(Asked::kReplies, 1, kMaxEntries);
}

void GatewayReader::read_lanes(Asked what) {
  read(what, streams_.size(), entries_at_once(host_.context(), deliveries_, streams_.size()));
}

/// @param streams how many of them, beginning with the replies. @param entries of each.
void GatewayReader::read(Asked what, size_t streams, size_t entries) {
  const Duration block = what == Asked::kNew ? block_for(host_.context()) : Duration::zero();
  std::vector<ReadFrom> from;
  for (size_t i = 0; i < streams; ++i) from.push_back({streams_[i], wanted_.own ? own_from_[i] : kNewEntries});
  send(what, read_command(host_.context(), from, entries, block),
       block > Duration::zero() ? kMaxBlock + kPatience : kPatience);
}

void GatewayReader::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!answer || link_ == nullptr) return;  // on_down() has told
  const redis::Reply& reply = **answer;
  reply.is_error() ? refused(tag, reply) : took(tag, reply);
  if (--round_.replies_due == 0) end_round();
}

void GatewayReader::end_round() {
  const Asked asked = asked_.get();
  asked_.to(Asked::kNothing);
  const bool trial = asked == Asked::kRights;
  const Round round = std::exchange(round_, {});
  notices_.tell_losses();
  if (asked == Asked::kOwn && !round.more) wanted_.own = false;
  if (round.stray) read_own_again();
  if (asked == Asked::kReplies) wanted_.replies = round.more;
  if (round.again) {
    trial ? listening_.tried() : void(wanted_.claim = true);
    return advance();
  }
  if (round.refusal) return lost(*round.refusal);
  if (trial) {
    wanted_.claim = true;
    read_own_again();
    strays_looked_for_ = mono_now() + kMaxBlock - kStrayCheck;  // a read of the last link may still block
    listening_.passed();
  }
  if (auto refusal = std::exchange(ack_refusal_, std::nullopt)) return lost(*refusal);
  advance();
}

void GatewayReader::on_acks(const std::optional<Error>& refusal) {
  if (refusal && listening_.hearing()) ack_refusal_ = refusal;
  const bool busy = !asked_.is(Asked::kNothing);
  if (ack_refusal_ && !busy) return lost(*std::exchange(ack_refusal_, std::nullopt));
  if (!std::exchange(wanted_.claim_when_acked, false)) return;
  wanted_.claim = true;
  advance();
}

// ---- Refusals

/// A group that is gone is made again; anything else that Redis refuses makes deaf.
void GatewayReader::refused(uint64_t tag, const redis::Reply& error) {
  const bool trial = asked_.is(Asked::kRights);
  if (asked_.is(Asked::kClaims) || (trial && tag == 0)) return claim_refused(error);
  if (asked_.is(Asked::kGroups) && group_exists(error)) return;
  note_refusal(error);
}

void GatewayReader::note_refusal(const redis::Reply& error) {
  if (!group_gone(error)) {
    round_.refusal = redis::error_of(error).in("reading");
  } else if (asked_.is(Asked::kRights)) {
    round_.refusal = Error{Errc::kUnavailable, "reading: the streams' groups are gone"};
  } else {
    wanted_.groups = true;
  }
}

void GatewayReader::claim_refused(const redis::Reply& error) {
  using After = ServerFunctions::After;
  const After after = notices_.claim_failed(error);
  round_.again = after == After::kAgain;
  if (after != After::kRefused) return;             // what is missing is asked for again with the next lease
  if (asked_.is(Asked::kClaims)) read_own_again();  // what it had claimed before it failed
  note_refusal(error);
}

// ---- Replies

void GatewayReader::took(uint64_t tag, const redis::Reply& reply) {
  switch (asked_.get()) {
    case Asked::kRights:
      if (tag > 0) return;
      notices_.went_back(intake_.compare_progress(reply));
      for (const auto& result : reply)
        if (result.is_error()) note_refusal(result);
      return;
    case Asked::kGroups:
      if (!made_lane(tag, reply)) return;
      intake_.forget_progress();
      return notices_.groups_gone();
    case Asked::kClaims:
      notices_.went_back(intake_.compare_progress(reply));
      for (size_t i = 0; i < reply.count && i + 1 < streams_.size(); ++i) took_claims(i + 1, reply[i]);
      return;
    case Asked::kStrays:
      round_.stray = round_.stray || held_.lacks_any(tag, reply);
      return;
    case Asked::kReplies:
      return took_read(reply);
    default:
      notices_.groups_there();  // the groups are there, and all who look for them have looked
      return took_read(reply);
  }
}

void GatewayReader::took_claims(size_t stream, const redis::Reply& reply) {
  if (reply.is_error()) note_refusal(reply);
  if (!reply.is_array() || reply.count != 4) return;
  notices_.claimed();
  for (const auto& entry : reply[0]) intake_.take(stream, entry, &reply[1]);
  if (reply[0].count >= round_.claimed) wanted_.claim = true;
  if (reply[2].integer != 0) wanted_.claim_when_acked = true;
}

void GatewayReader::took_read(const redis::Reply& streams) {
  if (!streams.is_array()) return;  // nothing came in time
  for (const auto& stream : streams) {
    if (stream.count != 2) continue;
    auto name = std::find(streams_.begin(), streams_.end(), stream[0].text);
    if (name == streams_.end()) continue;
    auto index = static_cast<size_t>(name - streams_.begin());
    for (const auto& entry : stream[1]) intake_.take(index, entry);
    if (!asked_.is(Asked::kNew)) note_position(index, stream[1]);
  }
}

/// Where the next read of own entries, or of replies, goes on. Own replies are followed by new ones.
void GatewayReader::note_position(size_t stream, const redis::Reply& entries) {
  const bool replies = asked_.is(Asked::kReplies);
  if (entries.count == 0) {
    if (!replies) return;
    own_from_[stream] = kNewEntries;
  } else {
    const redis::Reply& last = entries[entries.count - 1];
    if (last.count == 0) return;
    if (own_from_[stream] != kNewEntries) own_from_[stream] = last[0].text;
  }
  round_.more = true;
}

}  // namespace mas::sdk
