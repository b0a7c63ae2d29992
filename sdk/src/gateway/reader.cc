// Reading, claiming and acknowledging.
#include "sdk/src/gateway/reader.h"

#include <algorithm>
#include <utility>

#include "proto/base/ids.h"
#include "proto/redis/reply_values.h"
#include "proto/wire/retry.h"
#include "sdk/src/core/arrival.h"
#include "sdk/src/gateway/setup_op.h"

namespace mas::sdk {
namespace {

constexpr Duration kBlock = std::chrono::seconds(5);
constexpr Duration kAfterRenewal = std::chrono::milliseconds(100);
constexpr Duration kPatience = std::chrono::seconds(5);
constexpr size_t kMostEntries = 16;  // of a stream, in one read or claim
constexpr size_t kAckIds = 256;      // in one command, also of claims of what is held
constexpr int kMostHolders = 3;      // instances that may end with an entry before it is the entry's fault

/// The lane of one of gateway_streams(); replies have none.
Lane lane_of(size_t stream) { return stream == 0 ? Lane::kNormal : kLanes[stream - 1]; }

constexpr const char* kGroupsGone = "the groups of its streams were gone";

/// @return whether the error says that the group, or its stream, is not there.
bool group_gone(const redis::Reply& error) {
  return error.error_code() == "NOGROUP" || error.error_code() == "UNBLOCKED" ||
         error.text.starts_with("ERR no such key");
}

/// @return how often its handler failed.
uint32_t failures_of(const Record& record) {
  if (record.retry.empty()) return 0;
  auto state = RetryState::decode(record.retry);
  return state ? state->attempts : 1;
}

}  // namespace

std::vector<std::string> gateway_streams(const AgentContext& agent) {
  const std::string& id = agent.config.id;
  std::vector<std::string> streams{agent.keys.reply_inbox(id, agent.instance(), 0)};
  for (Lane lane : kLanes) streams.push_back(agent.keys.inbox(id, lane, 0));
  return streams;
}

GatewayReader::GatewayReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe)
    : host_(host),
      deliveries_(deliveries),
      dedupe_(dedupe),
      progress_(kLanes.size() + 1),
      held_(kLanes.size() + 1),
      ack_again_(kLanes.size() + 1) {}

GatewayReader::~GatewayReader() { stop(); }

void GatewayReader::listen(std::function<void(Status)> done) {
  heard_ = std::move(done);
  if (hearing_) return on_trial(Status());
  if (link_ == nullptr) begin_link();
  advance();
}

void GatewayReader::up() {
  up_ = hearing_;
  was_up_ = true;
  send_acks();
  advance();
}

void GatewayReader::on_lease() {
  claim_wanted_ = true;
  send_acks();
  advance();
}

void GatewayReader::begin_link() {
  streams_ = gateway_streams(host_.context());
  redis::ConnectionOptions options;
  options.endpoint = *host_.context().config.endpoint;
  options.client_name = "libmas-reader:" + host_.context().config.id;
  options.keep_unsent = false;
  link_ = std::make_unique<redis::Connection>(host_.loop(), options, this);
  link_->start();
}

void GatewayReader::end_link() {
  if (link_ != nullptr) link_->forget(this);
  link_.reset();
  heard_ = nullptr;
  hearing_ = up_ = false;
  ack_refusal_.reset();
  step_ = Step::kNone;
}

/// Not from inside the link's own callbacks.
void GatewayReader::renamed() {
  end_link();
  held_[0].clear();  // the reply stream is another one
  ack_again_[0].clear();
  keep_held();
}

/// Else others would claim it as a dead instance's while it is handled here.
void GatewayReader::keep_held() {
  for (size_t stream = 1; stream < streams_.size(); ++stream) {
    const std::vector<std::string> ids(held_[stream].begin(), held_[stream].end());
    for (size_t at = 0; at < ids.size(); at += kAckIds) {
      const auto first = ids.begin() + static_cast<std::ptrdiff_t>(at);
      const auto last = ids.begin() + static_cast<std::ptrdiff_t>(std::min(at + kAckIds, ids.size()));
      std::vector<std::string> claim{"XCLAIM", streams_[stream], std::string(kGroup), host_.context().instance(), "0"};
      claim.insert(claim.end(), first, last);
      claim.emplace_back("JUSTID");
      static_cast<void>(host_.commands().send(redis::Command::of(claim), redis::ReplyTo{}));
    }
  }
}

void GatewayReader::lanes_made() {
  if (!was_up_) return;
  progress_.forget();
  if (!std::exchange(told_gone_, true)) host_.lost_data(kGroupsGone);
}

void GatewayReader::stop() {
  end_link();
  send_acks();
  host_.commands().forget(this);
  acks_.clear();
}

void GatewayReader::on_ready(redis::Connection&) {
  step_ = Step::kNone;
  advance();
}

void GatewayReader::on_down(redis::Connection&, const Error& why, unsigned) { deaf(why.in("reading")); }

/// The link may live on: listen() tries it again.
void GatewayReader::deaf(const Error& why) {
  step_ = Step::kNone;
  ack_refusal_.reset();
  if (heard_) return on_trial(why);
  up_ = false;
  if (std::exchange(hearing_, false)) host_.on_deaf(why);
}

void GatewayReader::on_trial(const Status& outcome) {
  if (outcome.ok() && !std::exchange(hearing_, true)) {
    claim_wanted_ = true;
    read_own();
  }
  if (heard_) std::exchange(heard_, nullptr)(outcome);
}

void GatewayReader::read_own() {
  own_wanted_ = true;
  own_from_.assign(streams_.size(), "0");
}

// ---- One command at a time

void GatewayReader::advance() {
  if (link_ == nullptr || !link_->ready() || step_ != Step::kNone) return;
  if (heard_) return try_rights();
  if (!up_) return;
  if (groups_wanted_) return make_groups_again();
  if (!host_.context().lease.holds(mono_now())) return;  // on_lease() goes on
  if (deliveries_.full()) return;                        // on_handled() goes on
  if (claim_wanted_) return claim();
  read(own_wanted_);
}

void GatewayReader::send(Step step, const redis::Command& command, Duration timeout) {
  auto status = link_->send(command, redis::reply_to<&GatewayReader::on_reply>(this), timeout);
  if (!status) return;  // the link is down; on_ready() begins again
  step_ = step;
  replies_due_ = command.count();
  refusal_.reset();
  again_ = false;
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
  send(Step::kTrial, trial, kPatience);
}

void GatewayReader::make_groups_again() {
  groups_wanted_ = false;
  send(Step::kGroups, make_groups(host_.context()), kPatience);
}

/// Of each stream, in one read or claim. COUNT holds for a stream, and what an entry holds is known only when it is there: so
/// as many as fit below the bound if all are as large as can be, and one where not even that many fit.
size_t GatewayReader::entries_at_once() const {
  const AgentContext& agent = host_.context();
  const Bound largest{limits::kFrameRecords, std::max(limits::kFrameBytes, agent.config.max_envelope)};
  return std::clamp<size_t>(deliveries_.room_for(largest) / streams_.size(), 1, kMostEntries);
}

/// Until just after the lease is due for its renewal, so that nothing delays the claims that come then; no longer than it is
/// proven.
Duration GatewayReader::block_for() const {
  const Duration proven = host_.context().lease.left(mono_now());
  const Duration renewal = proven - (kLeaseTtl - kLeaseRenewal);
  const Duration wanted = renewal > Duration::zero() ? renewal + kAfterRenewal : kBlock;
  return std::max<Duration>(std::min(wanted, proven), std::chrono::milliseconds(1));
}

void GatewayReader::claim() {
  claim_wanted_ = false;
  claims_asked_ = entries_at_once();
  send(Step::kClaim, claim_command(claims_asked_), kPatience);
}

redis::Command GatewayReader::claim_command(size_t entries) const {
  const AgentContext& agent = host_.context();
  const std::string arguments[] = {std::string(kGroup),
                                   agent.instance(),
                                   agent.keys.alive(agent.config.id, ""),
                                   std::to_string(entries),
                                   std::to_string(kMostHolders),
                                   agent.keys.instances(agent.config.id),
                                   agent.lease.steady(mono_now()) ? "1" : "0"};
  const std::span<const std::string> lanes = std::span(streams_).subspan(1);  // nobody else's replies
  return agent.functions.call(kClaimFunction, lanes, arguments);
}

void GatewayReader::read(bool own) {
  const AgentContext& agent = host_.context();
  std::vector<std::string> args{"XREADGROUP",     "GROUP", std::string(kGroup),
                                agent.instance(), "COUNT", std::to_string(entries_at_once())};
  if (!own) args.insert(args.end(), {"BLOCK", std::to_string(to_millis(block_for()))});
  args.emplace_back("STREAMS");
  args.insert(args.end(), streams_.begin(), streams_.end());
  for (size_t i = 0; i < streams_.size(); ++i) args.push_back(own ? own_from_[i] : ">");
  own_more_ = false;
  send(own ? Step::kOwn : Step::kNew, redis::Command::of(args), own ? kPatience : kBlock + kPatience);
}

void GatewayReader::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!answer || link_ == nullptr) return;  // on_down() has told
  const Step step = step_;
  const redis::Reply& reply = **answer;
  const bool of_claim = step == Step::kClaim || (step == Step::kTrial && tag == 0);
  if (!reply.is_error())
    took(step, tag, reply);
  else if (of_claim)
    claim_refused(step, reply);
  else if (step != Step::kGroups || !group_exists(reply))
    refused(reply);
  if (--replies_due_ > 0) return;
  step_ = Step::kNone;
  if (!lost_.empty()) host_.lost_data(std::exchange(lost_, {}));
  if (step == Step::kOwn && !own_more_) own_wanted_ = false;
  if (std::exchange(again_, false)) {
    refusal_.reset();
    claim_wanted_ = step == Step::kClaim;
    return advance();
  }
  if (auto refusal = std::exchange(refusal_, std::nullopt)) return deaf(*refusal);
  if (step == Step::kTrial) on_trial(Status());
  if (auto refusal = std::exchange(ack_refusal_, std::nullopt)) return deaf(*refusal);
  advance();
}

void GatewayReader::claim_refused(Step step, const redis::Reply& error) {
  using After = ServerFunctions::After;
  const After after = host_.context().functions.on_error(error);
  again_ = after == After::kAgain;
  if (after == After::kMissing && !std::exchange(told_missing_, true))
    host_.context().debug("claiming nothing for now: " + ServerFunctions::missing().message);
  if (after != After::kRefused) return;  // what is missing is asked for again with the next lease
  if (step == Step::kClaim) read_own();  // what it had claimed before it failed
  refused(error);
}

/// A group that is gone is made again; anything else that Redis refuses makes deaf.
void GatewayReader::refused(const redis::Reply& error) {
  if (!group_gone(error)) {
    refusal_ = redis::error_of(error).in("reading");
  } else if (step_ == Step::kTrial) {
    refusal_ = Error{Errc::kUnavailable, "reading: the streams' groups are gone"};
  } else {
    groups_wanted_ = true;
  }
}

void GatewayReader::took(Step step, uint64_t tag, const redis::Reply& reply) {
  if (step == Step::kNew || step == Step::kOwn) {
    if (up_) told_gone_ = false;  // the groups are there, and all who look for them have looked
    return took_read(reply, step == Step::kOwn);
  }
  if (step == Step::kGroups && made_lane(tag, reply)) {
    progress_.forget();
    if (!std::exchange(told_gone_, true)) lost_ = kGroupsGone;
  }
  const bool script = step == Step::kClaim || (step == Step::kTrial && tag == 0);
  if (!script) return;
  compare_progress(reply);
  if (step == Step::kTrial)
    for (const auto& result : reply)
      if (result.is_error()) refused(result);
  if (step != Step::kClaim) return;
  for (size_t i = 0; i < reply.count && i + 1 < streams_.size(); ++i) took_claims(i + 1, reply[i]);
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
  if (reply.is_error()) refused(reply);
  if (!reply.is_array() || reply.count != 4) return;
  told_missing_ = false;
  for (const auto& entry : reply[0]) take_entry(stream, entry, &reply[1]);
  if (reply[0].count >= claims_asked_) claim_wanted_ = true;
  if (reply[2].integer != 0) left_alone_ = true;
}

void GatewayReader::took_read(const redis::Reply& streams, bool own) {
  if (!streams.is_array()) return;  // nothing came in time
  for (const auto& stream : streams) {
    if (stream.count != 2) continue;
    auto name = std::find(streams_.begin(), streams_.end(), stream[0].text);
    if (name == streams_.end()) continue;
    auto index = static_cast<size_t>(name - streams_.begin());
    for (const auto& entry : stream[1]) take_entry(index, entry);
    if (!own || stream[1].count == 0) continue;
    const redis::Reply& last = stream[1][stream[1].count - 1];
    if (last.count == 0) continue;
    own_from_[index] = last[0].text;
    own_more_ = true;
  }
}

// ---- Entries

/// @param suspects ids of entries whose holders died too often; nullptr: none.
void GatewayReader::take_entry(size_t stream, const redis::Reply& entry, const redis::Reply* suspects) {
  if (entry.count != 2 || !entry[0].is_text()) return;
  progress_.took(stream, entry[0].text);
  if (!held_[stream].emplace(entry[0].text).second) return;  // in hand already
  auto delivery = std::make_shared<Delivery>(stream, lane_of(stream), entry[0].text);
  const redis::Reply* field = redis::entry_field(entry, "b");  // the fields are nil where the entry was deleted
  const std::string_view blob = field == nullptr ? std::string_view() : field->text;
  bool suspect = false;
  for (size_t i = 0; suspects != nullptr && i < suspects->count; ++i)
    suspect = suspect || (*suspects)[i].text == delivery->id;
  if (suspect)
    fail_records(delivery, blob);
  else
    take_records(delivery, blob);
  deliveries_.release(delivery);
}

void GatewayReader::take_records(const DeliveryPtr& delivery, std::string_view blob) {
  AgentContext& agent = host_.context();
  auto records = records_of_entry(blob);
  Status status = records ? Status() : records.error();
  if (records) {
    RecordReader reader(*records);
    uint32_t index = 0;
    for (Record record; reader.next(record); ++index) take_record(delivery, index, record);
    status = reader.status();
  }
  if (status) return;
  agent.counters.malformed.add();
  agent.debug("dropped the rest of entry " + delivery->id + " of " + streams_[delivery->stream] + ": " +
              status.error().message);
}

void GatewayReader::take_record(const DeliveryPtr& delivery, uint32_t index, const Record& record) {
  AgentContext& agent = host_.context();
  const bool reply_stream = delivery->stream == 0;
  auto message = open_envelope(agent, host_.decoder(), record.envelope, record.ticket);
  if (!message) {
    const Errc why = message.error().code;
    const bool lost = why == Errc::kTooLarge || why == Errc::kNoMemory;  // else nobody could read it
    if (lost && !reply_stream)
      deliveries_.refuse({delivery, index, {}}, record.envelope.size(), "too large for the agent, or for its memory");
    return;
  }
  mas_message& received = **message;
  if (dedupe_.seen(received.sender(), received.id())) return agent.counters.duplicates.add();
  if (!received.is_reply()) {
    deliveries_.opened(*delivery, received.size());
    received.came_with({delivery, index, dedupe_.key_of(received.sender(), received.id())}, failures_of(record));
  } else if (!reply_stream) {  // which the gateway writes for the bearer of a ticket alone
    agent.counters.received.add();
    agent.counters.foreign_replies.add();
    return agent.debug("dropped a reply of '" + printable(received.sender()) +
                       "', which did not come on the reply stream");
  }
  host_.deliver(delivery->lane, std::move(*message));
}

/// Whoever handled these died, again and again. One of them may be why: each is delivered again alone, so that the others
/// get by.
void GatewayReader::fail_records(const DeliveryPtr& delivery, std::string_view blob) {
  auto records = records_of_entry(blob);
  if (!records) return;  // it is acknowledged
  RecordReader reader(*records);
  uint32_t index = 0;
  for (Record record; reader.next(record); ++index)
    deliveries_.refuse({delivery, index, {}}, record.envelope.size(), "the processes that were to handle it ended");
}

// ---- Acks

void GatewayReader::on_handled() {
  send_acks();
  advance();
}

void GatewayReader::send_acks() {
  deliveries_.take(done_);
  for (auto& delivery : done_) ack_again_[delivery->stream].push_back(delivery->id);
  done_.clear();
  if (streams_.empty()) return;
  for (size_t stream = 0; stream < streams_.size(); ++stream) {
    auto& ids = ack_again_[stream];
    for (size_t at = 0; at < ids.size(); at += kAckIds) {
      auto first = ids.begin() + static_cast<std::ptrdiff_t>(at);
      auto last = ids.begin() + static_cast<std::ptrdiff_t>(std::min(at + kAckIds, ids.size()));
      std::vector<std::string> ack{"XACK", streams_[stream], std::string(kGroup)};
      std::vector<std::string> del{"XDEL", streams_[stream]};
      ack.insert(ack.end(), first, last);
      del.insert(del.end(), first, last);
      redis::Command both = redis::Command::of(ack);
      both.add(redis::Command::of(del));
      AckRun run{stream, {first, last}};
      if (host_.commands().send(both, redis::reply_to<&GatewayReader::on_ack>(this))) acks_.push_back(std::move(run));
    }
    ids.clear();
  }
}

/// Two answers for each run. What failed goes out again when the agent is next up; twice does no harm. Nothing is read until
/// Redis takes acks again, so what waits for its ack is bounded, too.
void GatewayReader::on_ack(uint64_t tag, const redis::Answer& answer) {
  if (acks_.empty()) return;
  AckRun& run = acks_.front();
  auto reply = redis::checked(answer);
  bool gone = !reply && answer.ok() && (*answer)->error_code() == "NOGROUP";
  run.failed = run.failed || (!reply && !gone);
  if (answer.ok() && !reply && !gone && hearing_) ack_refusal_ = reply.error().in("acknowledging");
  if (tag == 0) return;
  if (run.failed) {
    auto& again = ack_again_[run.stream];
    again.insert(again.end(), run.ids.begin(), run.ids.end());
  } else {
    for (const auto& id : run.ids) held_[run.stream].erase(id);
  }
  acks_.pop_front();
  if (ack_refusal_ && step_ == Step::kNone) return deaf(*std::exchange(ack_refusal_, std::nullopt));
  if (!std::exchange(left_alone_, false)) return;
  claim_wanted_ = true;
  advance();
}

}  // namespace mas::sdk
