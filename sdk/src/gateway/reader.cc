// Reading and claiming.
#include "sdk/src/gateway/reader.h"

#include <algorithm>
#include <span>
#include <utility>

#include "proto/redis/reply_values.h"
#include "sdk/src/gateway/setup_op.h"

namespace mas::sdk {
namespace {

constexpr Duration kBlock = std::chrono::seconds(5);
constexpr Duration kAfterRenewal = std::chrono::milliseconds(100);
constexpr Duration kPatience = std::chrono::seconds(5);
constexpr Duration kReplyPause = std::chrono::milliseconds(20);  // between looks for replies at the inbound bound
constexpr size_t kMaxEntries = 16;                               // of a stream, in one read or claim
constexpr int kMaxHolders = 3;  // instances that may end with an entry before it is the entry's fault

/// The lane of one of gateway_streams(); replies have none.
Lane lane_of(size_t stream) { return stream == 0 ? Lane::kNormal : kLanes[stream - 1]; }

/// Where a read begins: behind all entries that were delivered.
constexpr const char* kNew = ">";

constexpr const char* kGroupsGone = "the groups of its streams were missing";

/// @return whether the error says that the group, or its stream, is not there.
bool group_gone(const redis::Reply& error) {
  return error.error_code() == "NOGROUP" || error.error_code() == "UNBLOCKED" ||
         error.text.starts_with("ERR no such key");
}

}  // namespace

const GatewayReader::Task GatewayReader::kTasks[] = {
    {&Wanted::groups, Needs::kNothing, &GatewayReader::make_groups_again},
    {&Wanted::claim, Needs::kLeaseAndRoom, &GatewayReader::claim},
    {&Wanted::own, Needs::kLeaseAndRoom, &GatewayReader::read_own},
    {nullptr, Needs::kLeaseAndRoom, &GatewayReader::read_new},
    {&Wanted::replies, Needs::kLease, &GatewayReader::read_replies},
};

GatewayReader::GatewayReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe)
    : host_(host),
      deliveries_(deliveries),
      unpacker_(host, deliveries, dedupe),
      held_(host, deliveries, streams_, [this](const std::optional<Error>& refusal) { on_acks(refusal); }),
      replies_timer_(host.loop(), [this] { look_for_replies(); }),
      progress_(kLanes.size() + 1) {}

GatewayReader::~GatewayReader() { stop(); }

void GatewayReader::listen(std::function<void(Status)> done) {
  heard_ = std::move(done);
  if (hearing()) return report_opened(Status());
  if (link_ == nullptr) begin_link();
  advance();
}

void GatewayReader::report_opened(const Status& heard) {
  if (heard_) std::exchange(heard_, nullptr)(heard);
}

void GatewayReader::up() {
  if (state_.is(State::kHearing)) state_.to(State::kIdle);
  was_up_ = true;
  held_.send_acks();
  advance();
}

void GatewayReader::on_lease() {
  wanted_.claim = true;
  on_handled();
}

void GatewayReader::on_handled() {
  held_.send_acks();
  advance();
}

void GatewayReader::begin_link() {
  state_.to(State::kDeaf);
  streams_ = gateway_streams(host_.context());
  redis::ConnectionOptions options;
  options.endpoint = *host_.context().config.endpoint;
  options.sentinels = host_.commands().options().sentinels;
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
  heard_ = nullptr;
  ack_refusal_.reset();
  if (!state_.is(State::kOff)) state_.to(State::kOff);
}

/// Not from inside the link's own callbacks.
void GatewayReader::renamed() {
  end_link();
  held_.keep();
}

void GatewayReader::lanes_made() {
  if (!was_up_) return;
  progress_.forget();
  if (!std::exchange(told_gone_, true)) host_.lost_data(kGroupsGone);
}

void GatewayReader::stop() {
  end_link();
  held_.stop();
}

void GatewayReader::on_down(redis::Connection&, const Error& why, unsigned) {
  report_receiving_lost(why.in("reading"));
}

/// The link may live on: listen() tries it again.
void GatewayReader::report_receiving_lost(const Error& why) {
  const bool heard = hearing();
  if (!state_.is(State::kDeaf)) state_.to(State::kDeaf);
  ack_refusal_.reset();
  if (heard_) return report_opened(why);
  if (heard) host_.on_receiving_lost(why);
}

// ---- One command at a time

void GatewayReader::advance() {
  if (link_ == nullptr || !link_->ready()) return;
  if (state_.is(State::kDeaf) && heard_) return try_rights();
  if (!state_.is(State::kIdle)) return;
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

void GatewayReader::send(State state, const redis::Command& command, Duration timeout) {
  held_.let_go();
  auto status = link_->send(command, redis::reply_to<&GatewayReader::on_reply>(this), timeout);
  if (!status) return;  // the link is down; on_ready() begins again
  state_.to(state);
  round_ = {command.count()};
}

/// Everything that reading, claiming and acknowledging take, of entries that cannot be there.
void GatewayReader::try_rights() {
  constexpr std::string_view kBefore = "0-1", kBehind = "18446744073709551615-18446744073709551615";
  const std::string& own = host_.context().instance();
  redis::Command trial = claim_command(0);
  std::vector<std::string> read{"XREADGROUP", "GROUP", std::string(kGroup), own, "STREAMS"};
  read.insert(read.end(), streams_.begin(), streams_.end());
  read.insert(read.end(), streams_.size(), std::string(kBehind));
  trial.add(redis::Command::of(read));
  for (const auto& stream : streams_) {
    trial.add("XPENDING", stream, kGroup, "-", "+", 1, own).add("XCLAIM", stream, kGroup, own, 0, kBefore);
    trial.add("XACK", stream, kGroup, kBefore).add("XDEL", stream, kBefore);
  }
  send(State::kTrying, trial, kPatience);
}

void GatewayReader::make_groups_again() {
  wanted_.groups = false;
  send(State::kMakingGroups, make_groups(host_.context()), kPatience);
}

void GatewayReader::claim() {
  wanted_.claim = false;
  const size_t entries = entries_at_once();
  send(State::kClaiming, claim_command(entries), kPatience);
  round_.claimed = entries;
}

void GatewayReader::read_own_again() {
  wanted_.own = true;
  own_from_.assign(streams_.size(), "0");
}

void GatewayReader::read_replies() {
  wanted_.replies = false;
  read(State::kReadingReplies, 1, kMaxEntries);
}

/// @param streams how many of them, beginning with the replies. @param entries of each.
void GatewayReader::read(State state, size_t streams, size_t entries) {
  const bool blocks = state == State::kReadingNew;
  std::vector<std::string> args{
      "XREADGROUP", "GROUP", std::string(kGroup), host_.context().instance(), "COUNT", std::to_string(entries)};
  if (blocks) args.insert(args.end(), {"BLOCK", std::to_string(to_millis(block_for()))});
  args.emplace_back("STREAMS");
  for (size_t i = 0; i < streams; ++i) args.push_back(streams_[i]);
  for (size_t i = 0; i < streams; ++i) args.push_back(wanted_.own ? own_from_[i] : kNew);
  send(state, redis::Command::of(args), blocks ? kBlock + kPatience : kPatience);
}

/// Of each stream, in one read or claim. COUNT holds for a stream, and what an entry holds is known only when it is
/// there: so as many as fit below the bound if all are as large as can be, and one where not even that many fit.
size_t GatewayReader::entries_at_once() const {
  const AgentContext& agent = host_.context();
  const Bound largest{limits::kFrameRecords, std::max(limits::kFrameBytes, agent.config.max_envelope)};
  return std::clamp<size_t>(deliveries_.room_for(largest) / streams_.size(), 1, kMaxEntries);
}

/// Until just after the lease is due for its renewal, so that nothing delays the claims that come then; no longer than
/// it is proven.
Duration GatewayReader::block_for() const {
  const Duration proven = host_.context().lease.left(mono_now());
  const Duration renewal = proven - (kLeaseTtl - kLeaseRenewal);
  const Duration wanted = renewal > Duration::zero() ? renewal + kAfterRenewal : kBlock;
  return std::max<Duration>(std::min(wanted, proven), std::chrono::milliseconds(1));
}

redis::Command GatewayReader::claim_command(size_t entries) const {
  const AgentContext& agent = host_.context();
  const std::string arguments[] = {std::string(kGroup),
                                   agent.instance(),
                                   agent.keys.alive(agent.config.id, ""),
                                   std::to_string(entries),
                                   std::to_string(kMaxHolders),
                                   agent.keys.instances(agent.config.id),
                                   agent.lease.steady(mono_now()) ? "1" : "0"};
  const std::span<const std::string> lanes = std::span(streams_).subspan(1);  // nobody else's replies
  return agent.functions.call(kClaimFunction, lanes, arguments);
}

void GatewayReader::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!answer || link_ == nullptr) return;  // on_down() has told
  const redis::Reply& reply = **answer;
  reply.is_error() ? refused(tag, reply) : took(tag, reply);
  if (--round_.replies_due == 0) end_round();
}

void GatewayReader::end_round() {
  const State asked = state_.get();
  const bool trial = asked == State::kTrying;
  if (!trial) state_.to(State::kIdle);
  const Round round = std::exchange(round_, {});
  if (!lost_.empty()) host_.lost_data(std::exchange(lost_, {}));
  if (asked == State::kReadingOwn && !round.more) wanted_.own = false;
  if (asked == State::kReadingReplies) wanted_.replies = round.more;
  if (round.again) {
    trial ? state_.to(State::kDeaf) : void(wanted_.claim = true);
    return advance();
  }
  if (round.refusal) return report_receiving_lost(*round.refusal);
  if (trial) {
    state_.to(State::kHearing);
    wanted_.claim = true;
    read_own_again();
    report_opened(Status());
  }
  if (auto refusal = std::exchange(ack_refusal_, std::nullopt)) return report_receiving_lost(*refusal);
  advance();
}

void GatewayReader::on_acks(const std::optional<Error>& refusal) {
  if (refusal && hearing()) ack_refusal_ = refusal;
  const bool busy = state_.get() > State::kIdle;
  if (ack_refusal_ && !busy) return report_receiving_lost(*std::exchange(ack_refusal_, std::nullopt));
  if (!std::exchange(wanted_.claim_when_acked, false)) return;
  wanted_.claim = true;
  advance();
}

// ---- Refusals

/// A group that is gone is made again; anything else that Redis refuses makes deaf.
void GatewayReader::refused(uint64_t tag, const redis::Reply& error) {
  const bool trial = state_.is(State::kTrying);
  if (state_.is(State::kClaiming) || (trial && tag == 0)) return claim_refused(error);
  if (state_.is(State::kMakingGroups) && group_exists(error)) return;
  note_refusal(error);
}

void GatewayReader::note_refusal(const redis::Reply& error) {
  if (!group_gone(error)) {
    round_.refusal = redis::error_of(error).in("reading");
  } else if (state_.is(State::kTrying)) {
    round_.refusal = Error{Errc::kUnavailable, "reading: the streams' groups are gone"};
  } else {
    wanted_.groups = true;
  }
}

void GatewayReader::claim_refused(const redis::Reply& error) {
  using After = ServerFunctions::After;
  const After after = host_.context().functions.on_error(error);
  round_.again = after == After::kAgain;
  if (after == After::kMissing && !std::exchange(told_missing_, true))
    host_.context().debug("claiming nothing for now: " + ServerFunctions::missing().message);
  if (after != After::kRefused) return;               // what is missing is asked for again with the next lease
  if (state_.is(State::kClaiming)) read_own_again();  // what it had claimed before it failed
  note_refusal(error);
}

// ---- Replies

void GatewayReader::took(uint64_t tag, const redis::Reply& reply) {
  switch (state_.get()) {
    case State::kTrying:
      if (tag > 0) return;
      compare_progress(reply);
      for (const auto& result : reply)
        if (result.is_error()) note_refusal(result);
      return;
    case State::kMakingGroups:
      if (!made_lane(tag, reply)) return;
      progress_.forget();
      if (!std::exchange(told_gone_, true)) lost_ = kGroupsGone;
      return;
    case State::kClaiming:
      compare_progress(reply);
      for (size_t i = 0; i < reply.count && i + 1 < streams_.size(); ++i) took_claims(i + 1, reply[i]);
      return;
    case State::kReadingReplies:
      return took_read(reply);
    default:
      told_gone_ = false;  // the groups are there, and all who look for them have looked
      return took_read(reply);
  }
}

/// @param results of the script, for each lane.
void GatewayReader::compare_progress(const redis::Reply& results) {
  for (size_t i = 0; i < results.count && i + 1 < streams_.size(); ++i) {
    const redis::Reply& result = results[i];
    if (!result.is_array() || result.count != 4 || !result[3].is_text()) continue;
    const std::string before = progress_.compare(i + 1, result[3].text);
    if (before.empty()) continue;
    lost_.append(lost_.empty() ? "" : ", ").append(streams_[i + 1]).append(" was delivered up to ").append(before);
    lost_.append(" and is at ").append(result[3].text);
  }
}

void GatewayReader::took_claims(size_t stream, const redis::Reply& reply) {
  if (reply.is_error()) note_refusal(reply);
  if (!reply.is_array() || reply.count != 4) return;
  told_missing_ = false;
  for (const auto& entry : reply[0]) take_entry(stream, entry, &reply[1]);
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
    for (const auto& entry : stream[1]) take_entry(index, entry);
    if (!state_.is(State::kReadingNew)) note_position(index, stream[1]);
  }
}

/// Where the next read of own entries, or of replies, goes on. Own replies are followed by new ones.
void GatewayReader::note_position(size_t stream, const redis::Reply& entries) {
  const bool replies = state_.is(State::kReadingReplies);
  if (entries.count == 0) {
    if (!replies) return;
    own_from_[stream] = kNew;
  } else {
    const redis::Reply& last = entries[entries.count - 1];
    if (last.count == 0) return;
    if (own_from_[stream] != kNew) own_from_[stream] = last[0].text;
  }
  round_.more = true;
}

/// @param suspects ids of entries whose holders died too often; nullptr: none.
void GatewayReader::take_entry(size_t stream, const redis::Reply& entry, const redis::Reply* suspects) {
  if (entry.count != 2 || !entry[0].is_text()) return;
  progress_.took(stream, entry[0].text);
  if (!held_.take(stream, entry[0].text)) return;
  auto delivery = std::make_shared<Delivery>(stream, lane_of(stream), entry[0].text);
  const redis::Reply* field = redis::entry_field(entry, "b");  // the fields are nil where the entry was deleted
  const std::string_view blob = field == nullptr ? std::string_view() : field->text;
  bool suspect = false;
  for (size_t i = 0; suspects != nullptr && i < suspects->count; ++i)
    suspect = suspect || (*suspects)[i].text == delivery->id;
  if (suspect)
    unpacker_.fail(delivery, blob);
  else
    unpacker_.take(delivery, blob, streams_[stream]);
  deliveries_.release(delivery);
}

}  // namespace mas::sdk
