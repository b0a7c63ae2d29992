// Hearing, trying, looking.
#include "sdk/src/gateway/cluster_reader.h"

#include <algorithm>
#include <utility>

#include "sdk/src/gateway/cluster_requests.h"
#include "sdk/src/gateway/read_commands.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);

}  // namespace

ClusterReader::ClusterReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe)
    : host_(host),
      held_(host, deliveries, streams_, [this](const std::optional<Error>& refusal) { on_acks(refusal); }),
      others_(host, [this] { reads_.claim(); }),
      listening_(host),
      reads_({host, deliveries, dedupe, held_, others_, listening_, streams_},
             [this](const Error& why) { refused(why); }),
      look_(host.loop(), [this] { on_look_due(); }) {}

ClusterReader::~ClusterReader() { stop(); }

// ---- Hearing

void ClusterReader::listen(std::function<void(Status)> done) {
  if (!listening_.wait(std::move(done))) return;
  if (listening_.off()) begin();
  advance();
}

void ClusterReader::begin() {
  listening_.begin();
  const AgentContext& agent = host_.context();
  reads_.clear();
  fit();
  channel_ = agent.keys.wake_channel(agent.config.id);
  hub_ = host_.runtime().hub(*agent.config.endpoint, "libmas:" + agent.config.id);
  hub_->join(*this, channel_);
}

void ClusterReader::prepared(const GatewaySetup& setup) {
  partitions_ = std::max(partitions_, setup.partitions);
  const bool more = reads_.partitions() < partitions_;
  if (listening_.off() || !more) return;
  fit();
  look_everywhere();
}

void ClusterReader::fit() {
  streams_ = gateway_streams(host_.context(), partitions_);
  reads_.set_partitions(partitions_);
}

void ClusterReader::end() {
  if (hub_ != nullptr) hub_->leave(*this, channel_);
  hub_.reset();
  host_.commands().forget(this);
  others_.forget();
  reads_.stop();
  look_.stop();
  trial_ = {};
  listening_.end();
}

void ClusterReader::on_hearing() {
  advance();
  look_everywhere();
}

/// On the way to hearing.
void ClusterReader::advance() {
  if (!listening_.wanted() || !hub_->serves(channel_)) return;
  if (!trial_.passed) return try_rights();
  listening_.passed();
}

void ClusterReader::lost(const Error& why) {
  if (listening_.off()) return;
  reads_.forget_refusal();
  listening_.lost(why);
}

/// Rights that were there are not: they are tried before it reads again.
void ClusterReader::refused(const Error& why) {
  trial_.passed = false;
  lost(why);
}

/// Everything that reading takes, in the slot of one partition, of entries that cannot be there.
void ClusterReader::try_rights() {
  listening_.trying();
  const AgentContext& agent = host_.context();
  const redis::Command command = rights_trial(agent, streams_of(streams_, partition_of(agent.config.id, partitions_)));
  trial_ = {};
  if (auto sent = host_.commands().send(command, redis::reply_to<&ClusterReader::on_trial>(this), kPatience))
    trial_.due = command.count();
  else
    lost(sent.error().in("reading"));
}

void ClusterReader::on_trial(uint64_t tag, const redis::Answer& answer) {
  if (!listening_.is_trying()) return;
  if (!answer) return lost(answer.error().in("reading"));
  const redis::Reply& reply = **answer;
  if (reply.is_error() && tag == 0) {
    const auto after = host_.context().functions.on_error(reply);
    trial_.again = after == ServerFunctions::After::kAgain;
    if (after == ServerFunctions::After::kRefused) trial_.refusal = redis::error_of(reply);
  } else if (tag == 0) {
    for (const auto& result : reply)
      if (result.is_error() && !group_gone(result)) trial_.refusal = redis::error_of(result);
  } else if (reply.is_error() && !stream_missing(reply)) {
    trial_.refusal = redis::error_of(reply);
  }
  if (--trial_.due > 0) return;
  if (trial_.refusal) return lost(trial_.refusal->in("reading"));
  listening_.tried();
  trial_.passed = !trial_.again;
  advance();
}

void ClusterReader::up() {
  listening_.came_up();
  held_.send_acks();
  look_everywhere();
  survey();
  strays_looked_for_ = mono_now() + kMaxBlock - kStrayCheck;
}

void ClusterReader::on_lease() {
  for (unsigned partition = 0; partition < reads_.partitions(); ++partition)
    if (reads_.groups(partition)[0])
      static_cast<void>(host_.commands().send(
          redis::Command("PEXPIRE", streams_of(streams_, partition)[0], to_millis(kReplyStreamTtl)), redis::ReplyTo{}));
  if (listening_.up()) {
    const MonoTime now = mono_now();
    const bool alone = !others_.any();
    if (!alone || now - checked_ >= kAlone) check_others();
    if (reads_.claims_missing() || now - surveyed_ >= kSurvey) survey();
    if (now - strays_looked_for_ >= kStrayCheck) {
      strays_looked_for_ = now;
      reads_.look_for_strays();
    }
  }
  on_handled();
}

void ClusterReader::on_handled() {
  held_.send_acks();
  reads_.pump();
}

void ClusterReader::on_acks(const std::optional<Error>& refusal) {
  if (refusal && !errc_retriable(refusal->code) && listening_.hearing()) return refused(*refusal);
  reads_.claim_what_waited();
}

// ---- What is wanted

/// A number that is too large may be of partitions that were added.
void ClusterReader::on_payload(std::string_view payload) {
  if (!decode_wake_ups(payload, woken_)) return look_soon();
  for (const WakeUp& one : woken_) {
    partitions_missed_ = partitions_missed_ || one.partition >= reads_.partitions();
    if (one.partition >= reads_.partitions()) continue;
    if (!one.instance.empty() && one.instance != host_.context().instance()) continue;
    reads_.wake(one.partition, one.instance.empty() ? stream_of_lane(0, one.lane) : 0);
  }
  reads_.pump();
}

void ClusterReader::look_everywhere() {
  if (listening_.off()) return;
  looked_ = mono_now();
  period_ = kFirstLook;
  look_.once(period_);
  reads_.look();
}

/// Whoever may publish wake-ups cannot make it look all the time.
void ClusterReader::look_soon() {
  if (listening_.off()) return;
  if (mono_now() - looked_ >= kFirstLook) return look_everywhere();
  period_ = kFirstLook / 2;
  look_.once(kFirstLook);
}

void ClusterReader::on_look_due() {
  const unsigned dearer = std::max(1u, reads_.partitions() / kPartitionsOfALook);
  const Duration longest = std::min(kLongestLook * dearer, kRarestLook);
  const Duration next = std::min(period_ * 2, longest);
  look_everywhere();
  period_ = next;
  look_.once(next);
}

/// Consumers that nobody has noted are found by claims, also by those that claim nothing.
void ClusterReader::survey() {
  surveyed_ = mono_now();
  partitions_missed_ = true;
  others_.begin_anew();
  check_others();
  reads_.claim();
}

void ClusterReader::check_others() {
  checked_ = mono_now();
  others_.check();
}

// ---- The end

/// What is under way may bring entries to the old name: they are claimed as a dead instance's.
void ClusterReader::renamed(const std::string& before) {
  const AgentContext& agent = host_.context();
  end();
  held_.keep();
  for (unsigned partition = 0; partition < reads_.partitions(); ++partition)
    if (reads_.groups(partition)[0])
      static_cast<void>(host_.commands().send(
          redis::Command("DEL", agent.keys.reply_inbox(agent.config.id, before, partition)), redis::ReplyTo{}));
  reads_.clear();
}

void ClusterReader::stop() {
  end();
  held_.stop();
}

/// Reads nothing. The reply streams would expire, too.
void ClusterReader::say_farewell() {
  for (unsigned partition = 0; partition < reads_.partitions(); ++partition) {
    const StreamSet groups = reads_.groups(partition);
    if (groups.none()) continue;
    const redis::Command farewell = inbox_farewell(host_.context(), streams_of(streams_, partition), groups);
    static_cast<void>(host_.commands().send(farewell, redis::ReplyTo{}));
  }
}

}  // namespace mas::sdk
