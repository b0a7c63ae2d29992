// The loop's flow, top to bottom: ownership and fence, read, facts, decide, commit.
#include "daemons/gatewayd/turn/turn_loop.h"

#include <algorithm>
#include <utility>

#include "daemons/gatewayd/turn/redis_words.h"
#include "proto/base/ids.h"

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;
using State = TurnLoop::State;

constexpr auto kMoves =
    transitions<State>({{State::kDown, State::kFencing},       {State::kDown, State::kReading},
                        {State::kDown, State::kWaiting},       {State::kDown, State::kDrained},
                        {State::kFencing, State::kFencing},  // another partition was gained
                        {State::kFencing, State::kReading},    {State::kFencing, State::kWaiting},
                        {State::kFencing, State::kDown},       {State::kFencing, State::kDrained},
                        {State::kReading, State::kReading},  // a partition was lost
                        {State::kReading, State::kFencing},    {State::kReading, State::kWaiting},
                        {State::kReading, State::kFetching},   {State::kReading, State::kDown},
                        {State::kReading, State::kDrained},    {State::kWaiting, State::kReading},
                        {State::kWaiting, State::kFencing},    {State::kWaiting, State::kDown},
                        {State::kWaiting, State::kDrained},    {State::kFetching, State::kCommitting},
                        {State::kFetching, State::kDown},      {State::kCommitting, State::kFetching},
                        {State::kCommitting, State::kReading}, {State::kCommitting, State::kFencing},
                        {State::kCommitting, State::kWaiting}, {State::kCommitting, State::kDown},
                        {State::kCommitting, State::kDrained}});

constexpr size_t kMostElements = 512;  // of one partition in one read
// Rules name roles, which are read next; the rest is for what changes meanwhile.
constexpr unsigned kMostFetchRounds = 4;
constexpr Duration kShortestSweep = 1s, kLongestSweep = 60s;  // between, the drift
constexpr Duration kShortPause = 50ms;
constexpr Duration kLongPause = 1s;
constexpr Duration kFailingFor = 5s;  // a stream that refused an entry is not tried
constexpr size_t kWhyBytes = 1000;    // of one sentence in the log, about

redis::ConnectionOptions with_room(redis::ConnectionOptions options) {
  options.max_outgoing_bytes = 512u * 1024 * 1024;  // a turn is bounded; one large envelope is written several times
  return options;
}

}  // namespace

TurnLoop::TurnLoop(common::Frame& frame, TurnOptions options, const MasterKey* master, const TicketOffice& tickets,
                   const HmacKey& payload_key)
    : frame_(frame),
      options_(std::move(options)),
      state_(State::kDown, kMoves),
      facts_(frame.keys()),
      decider_(frame.keys(), options_.ns, facts_, tickets, payload_key),
      batch_(options_.max_envelope),
      stats_(frame.metrics()),
      connection_(frame.loop(), with_room(frame.redis_options("turn")), this),
      invalidation_(frame.loop(), frame.redis_options("invalidation"), frame.keys().prefixes_of_facts(), *this),
      reader_(connection_, frame.keys(), facts_, master, [this](const Status& status) { on_facts(status); }),
      circuits_(frame, facts_),
      sweep_(frame.redis(), frame.keys()),
      again_(frame.loop(), [this] { advance(); }),
      sweep_timer_(frame.loop(), [this] { sweep(); }),
      written_(frame.loop(), "after_write"),
      dead_letters_key_(frame.keys().dead_letters()) {
  set_policy(options_.policy, options_.default_limits);
}

TurnLoop::~TurnLoop() = default;

void TurnLoop::start() {
  connection_.start();
  invalidation_.start();
  sweep_timer_.every(std::clamp(options_.policy.auth.drift, kShortestSweep, kLongestSweep));
}

void TurnLoop::set_policy(const Policy& policy, const LimitSettings& default_limits) {
  options_.policy = policy;
  decider_.set_policy(policy);
  reader_.set_breaker(policy.breaker);
  batch_.look_for_priority_in_data(policy.priority_in_data);
  if (default_limits == options_.default_limits) return reader_.set_default_limits(default_limits);
  options_.default_limits = default_limits;
  reader_.set_default_limits(default_limits);
  facts_.forget_all();  // their limits were read over the old defaults
}

void TurnLoop::set_dlp(std::unique_ptr<dlp::Stage> stage) {
  decider_.set_dlp(stage.get());
  dlp_ = std::move(stage);
}

void TurnLoop::set_partitions(size_t count) {
  for (auto p = static_cast<unsigned>(partitions_.size()); p < count; ++p)
    partitions_.push_back(std::make_unique<Partition>(p, frame_.keys()));
  owned_.resize(count);
  taken_.resize(count);
  peeks_.resize(count);
}

void TurnLoop::set_owned(const std::vector<bool>& owned) {
  if (std::exchange(owned_, owned) == owned) return;
  if (state_.is(State::kWaiting) || state_.is(State::kDown)) advance();
}

std::vector<unsigned> TurnLoop::deciding() const {
  std::vector<unsigned> numbers;
  for (const auto& partition : partitions_)
    if (taken_[partition->number] && !partition->epoch.empty()) numbers.push_back(partition->number);
  return numbers;
}

// ---- Between turns

/// Goes on from wherever no turn is under way.
void TurnLoop::advance() {
  again_.stop();
  flush_receipts();
  if (state_.is(State::kDrained)) return;
  if (drained_) {
    state_.to(State::kDrained);
    return std::exchange(drained_, nullptr)();
  }
  if (!connection_.ready() || !invalidation_.hearing()) {
    if (!state_.is(State::kDown)) state_.to(State::kDown);
    return;
  }
  take_ownership();
  bool any = false;
  MonoTime now = mono_now();
  for (const auto& partition : partitions_) {
    if (!taken_[partition->number] || resting_.asleep(partition->number, now)) continue;
    any = true;
    if (partition->epoch.empty()) return fence();
  }
  if (any) return read();
  obstacle_.clear();
  if (!state_.is(State::kWaiting)) state_.to(State::kWaiting);
  sleep_until_due();
}

void TurnLoop::take_ownership() {
  for (size_t p = 0; p < partitions_.size(); ++p) {
    if (owned_[p] != taken_[p]) {
      partitions_[p]->forget();
      resting_.forget(static_cast<unsigned>(p));
    }
    if (!owned_[p]) peeks_[p].reset();
  }
  taken_ = owned_;
}

/// From INCR on, commits of whoever owned the partition before are refused; what they did is what is loaded.
void TurnLoop::fence() {
  state_.to(State::kFencing);
  redis::Command command;
  expected_.clear();
  MonoTime now = mono_now();
  for (const auto& partition : partitions_) {
    if (!taken_[partition->number] || !partition->epoch.empty() || resting_.asleep(partition->number, now)) continue;
    command.add("INCR", partition->epoch_key);
    command.add("LLEN", partition->ingress_key);
    command.add("HGETALL", partition->senders_key);
    for (Reply kind : {Reply::kEpoch, Reply::kIngress, Reply::kSenders}) expected_.push_back({kind, partition->number});
    if (archives_) {
      command.add("XLEN", partition->archive_key);
      expected_.push_back({Reply::kArchive, partition->number});
    }
    command.add("XREVRANGE", partition->audit_key, "+", "-", "COUNT", 1);
    command.add("ZCARD", partition->retries_key);
    command.add("ZRANGE", partition->retries_key, 0, 0, "WITHSCORES");
    for (Reply kind : {Reply::kAuditHead, Reply::kRetryCount, Reply::kFirstRetry})
      expected_.push_back({kind, partition->number});
    stats_.fences.add();
  }
  send(std::move(command));
}

const std::string& TurnLoop::key_of(const Partition& partition, Reply kind) {
  if (kind == Reply::kEpoch) return partition.epoch_key;
  if (kind == Reply::kIngress) return partition.ingress_key;
  if (kind == Reply::kRetryCount || kind == Reply::kFirstRetry) return partition.retries_key;
  if (kind == Reply::kArchive) return partition.archive_key;
  return kind == Reply::kSenders ? partition.senders_key : partition.audit_key;
}

void TurnLoop::take_fence(const Expected& expected, const redis::Reply& reply) {
  Partition& partition = *partitions_[expected.partition];
  if (expected.kind != Reply::kEpoch && partition.epoch.empty()) return;  // it was put to rest
  if (reply.is_error()) {
    if (!is_the_keys(reply.text)) return drop_turn("fence_failed", redis::error_of(reply).message, kLongPause);
    return put_to_rest(partition, key_of(partition, expected.kind), reply.text);
  }
  if (auto status = load(expected, reply); !status) return put_to_rest(partition, status.error().message);
  if (expected.kind == Reply::kFirstRetry && resting_.well(partition.number, mono_now()))
    frame_.log().info("partition_works_again", {{"partition", partition.number}});
}

Status TurnLoop::load(const Expected& expected, const redis::Reply& reply) {
  Partition& partition = *partitions_[expected.partition];
  if (expected.kind == Reply::kEpoch) {
    partition.epoch_number = static_cast<uint64_t>(reply.integer);
    partition.epoch = std::to_string(reply.integer);
    return {};
  }
  if (expected.kind == Reply::kIngress || expected.kind == Reply::kArchive) return {};  // its type is right
  if (expected.kind == Reply::kRetryCount) return partition.retries = static_cast<uint64_t>(reply.integer), Status();
  if (expected.kind == Reply::kFirstRetry) return partition.next_retry = first_retry(reply), Status();
  if (expected.kind == Reply::kSenders) {
    std::vector<std::pair<std::string_view, std::string_view>> fields;
    for (size_t i = 0; i + 1 < reply.count; i += 2) fields.emplace_back(reply[i].text, reply[i + 1].text);
    return partition.load_senders(fields, frame_.keys());
  }
  if (reply.count == 0) return partition.load_audit_head({});
  const redis::Reply& entry = reply[0];
  bool block = entry.is_array() && entry.count == 2 && entry[1].count >= 2 && entry[1][0].text == "b";
  if (!block) return Error{Errc::kMalformed, partition.audit_key + ": the newest entry is no audit block"};
  return partition.load_audit_head(entry[1][1].text);
}

// ---- Read

void TurnLoop::read() {
  state_.to(State::kReading);
  redis::Command command;
  expected_.clear();
  ask_elements(command);
  send(std::move(command));
}

void TurnLoop::ask_elements(redis::Command& command) {
  command.add("TIME");
  expected_.push_back({Reply::kTime});
  ++first_asked_;
  for (size_t i = 0; i < partitions_.size(); ++i) {
    Partition& partition = *partitions_[(first_asked_ + i) % partitions_.size()];
    if (!taken_[partition.number] || partition.epoch.empty()) continue;
    // The elements of the turn that is committed in the same write are gone by then.
    command.add("LRANGE", partition.ingress_key, 0, elements_to_ask(partition) - 1);
    expected_.push_back({Reply::kElements, partition.number});
    if (partition.next_retry <= redis_now()) ask_due(command, partition);
  }
  active_partitions_ = 0;  // counted anew as they answer
}

size_t TurnLoop::elements_to_ask(const Partition& partition) const {
  const size_t active = std::max<size_t>(active_partitions_, 1);
  auto messages = static_cast<double>(std::min(options_.messages / active, kPartitionMessages));
  auto bytes = static_cast<double>(std::min(options_.bytes / active, kPartitionBytes));
  double share = std::min(messages / partition.mean_element_records, bytes / partition.mean_element_bytes);
  return std::clamp<size_t>(static_cast<size_t>(share), 1, kMostElements);
}

void TurnLoop::take_elements(Partition& partition, const redis::Reply& reply) {
  if (reply.is_error()) {
    if (is_the_keys(reply.text)) return put_to_rest(partition, partition.ingress_key, reply.text);
    return drop_turn("ingress_unreadable", partition.ingress_key + ": " + std::string(reply.text), kLongPause);
  }
  if (reply.count == 0 || !owned_[partition.number]) return;
  ++active_partitions_;
  for (const auto& element : reply) {
    constexpr double kWeight = 1.0 / 16;
    partition.mean_element_bytes += (static_cast<double>(element.text.size()) - partition.mean_element_bytes) * kWeight;
    batch_.append(partition.number, element.text);
  }
}

void TurnLoop::elements_read() {
  stage_over(stats_.read_seconds);
  bool turn_over = drained_ || owned_ != taken_ || !invalidation_.hearing() || resting_.any_due(mono_now());
  if (turn_over) return advance();
  if (batch_.empty()) return wait_for_work();
  batch_.decode(options_.messages, options_.bytes);
  for (const auto& frame : batch_.frames()) {
    constexpr double kWeight = 1.0 / 16;
    double& mean = partitions_[frame.partition]->mean_element_records;
    mean += (static_cast<double>(std::max<size_t>(frame.count, 1)) - mean) * kWeight;
  }
  test_hook("after_read");
  state_.to(State::kFetching);
  fetch_rounds_ = 0;
  fetch();
}

void TurnLoop::wait_for_work() {
  obstacle_.clear();  // all lists were read, and nothing waits in them
  state_.to(State::kWaiting);
  flush_receipts();
  sleep_until_due();
  for (const auto& partition : partitions_) {
    if (!taken_[partition->number] || partition->epoch.empty()) continue;
    auto& peek = peeks_[partition->number];
    if (peek == nullptr) {
      PeekListener& listener = *this;
      peek = std::make_unique<Peek>(frame_.loop(), frame_.redis_options("peek"), partition->number,
                                    partition->ingress_key, listener);
    }
    peek->arm();
  }
}

void TurnLoop::on_work(unsigned) {
  if (!state_.is(State::kWaiting)) return;
  stage_began_ = mono_now();
  advance();
}

// ---- Facts

void TurnLoop::fetch() {
  decider_.keep_dead_letters(mono_now() >= dead_letters_again_);
  decider_.start(taken_partitions(), now_, mono_now());
  for (;;) {
    decider_.need(batch_, wanted_inboxes_);
    if (++fetch_rounds_ > kMostFetchRounds)
      return drop_turn("facts_unsteady", "facts changed at every read", kShortPause);
    if (!reader_.read(wanted_inboxes_, wanted_entries())) break;
    stats_.round_trips.add();
    return;  // on_facts() comes here again
  }
  stage_over(stats_.fetch_seconds);
  decide();
}

void TurnLoop::on_facts(const Status& status) {
  report_problems();
  if (!state_.is(State::kFetching)) return;
  if (!status) return drop_turn("facts_unreadable", status.error().message, kShortPause);
  for (ReportedEntry* entry : decider_.wanted_entries()) entry->known = true;
  facts_.hold();
  fetch();
}

void TurnLoop::report_problems() {
  for (const auto& problem : reader_.take_problems()) frame_.log().warn("fact_problem", {{"what", problem}});
}

std::vector<Partition*> TurnLoop::taken_partitions() const {
  std::vector<Partition*> taken(partitions_.size());
  for (size_t p = 0; p < partitions_.size(); ++p)
    if (taken_[p]) taken[p] = partitions_[p].get();
  return taken;
}

// ---- Decide and commit

void TurnLoop::decide() {
  decider_.decide(batch_);
  decider_.finish();
  test_hook("after_decide");
  stage_over(stats_.decide_seconds);
  commit();
}

void TurnLoop::commit() {
  state_.to(State::kCommitting);
  build_commit();
  expected_.clear();
  redis::Command command = std::exchange(receipts_, {});
  expected_.resize(command.count(), {Reply::kReceipt});
  if (options_.policy.breaker_mode != Mode::kOff)
    for (unsigned delivery : CircuitWriter::ask_lengths(command, decider_.deliveries()))
      expected_.push_back({Reply::kLength, delivery});
  commit_.append_to(command);
  expected_.push_back({Reply::kCommit});
  for (unsigned i = 0, n = circuits_.append_to(command, decider_.circuit_changes()); i < n; ++i)
    expected_.push_back({Reply::kCircuit, i});
  if (options_.wait_replicas > 0) {
    command.add("WAIT", options_.wait_replicas, to_millis(options_.wait_timeout));
    expected_.push_back({Reply::kWait});
  }
  ask_elements(command);
  if (send(std::move(command))) written_.arm();
}

void TurnLoop::take_commit(const redis::Reply& reply) {
  auto result = commit_result(reply);
  if (!result) return drop_turn("commit_failed", result.error().message, kLongPause);
  if (result->kind == CommitResult::Kind::kFenced)
    return drop_turn("commit_fenced", "another gateway has taken a partition", kShortPause);
  if (result->kind == CommitResult::Kind::kFailed) return keys_refused(result->refused);
  test_hook("after_commit");
  committed();
}

void TurnLoop::committed() {
  stage_over(stats_.commit_seconds);
  obstacle_.clear();
  repeat_.reset();
  size_t blocks = 0;
  for (const PartitionWork* work : decider_.work()) {
    if (work->block.bytes.empty()) continue;
    ++blocks;
    ++work->partition->next_block;
    work->partition->previous_hash = work->block.hash;
  }
  for (const Delivery& delivery : decider_.deliveries()) delivery.inbox->count(delivery.records, delivery.blob.size());
  stats_.add(decider_.counts(), decider_.deliveries().size(), blocks);
  if (dlp_ != nullptr) stats_.add(*dlp_);
  decider_.committed();
  facts_.end_turn(options_.cached_agents);
  if (options_.wait_replicas == 0) publish_receipts();
}

/// The next turn decides anew, and knows what this one learnt: keys that take nothing.
void TurnLoop::keys_refused(const std::vector<CommitResult::Refusal>& refused) {
  bool all_known = true;
  std::string why;
  for (const auto& one : refused) {
    all_known = key_refused(one) && all_known;
    if (why.size() >= kWhyBytes) continue;
    why.append(why.empty() ? "" : "; ").append(commit_.key(one.key)).append(": ").append(one.error);
  }
  drop_turn(all_known ? "keys_refused" : "commit_refused", why, all_known ? Duration::zero() : kLongPause);
}

/// @return whether the next turn can do without the key.
bool TurnLoop::key_refused(const CommitResult::Refusal& refused) {
  if (!is_the_keys(refused.error)) return false;
  auto entry = commit_.entry_of(refused.key);
  if (entry && *entry < decider_.deliveries().size()) {
    Inbox& inbox = *decider_.deliveries()[*entry].inbox;
    inbox.failing = refused.error;
    inbox.failing_until = mono_now() + kFailingFor;
    return true;
  }
  std::string_view key = commit_.key(refused.key);
  if (key == dead_letters_key_) {
    dead_letters_again_ = mono_now() + kFailingFor;
    return true;
  }
  for (const PartitionWork* work : decider_.work()) {
    if (work->partition->expected_at(key).empty()) continue;
    if (!work->partition->epoch.empty()) put_to_rest(*work->partition, key, refused.error);  // else by another key
    return true;
  }
  return false;
}

void TurnLoop::sweep() {
  if (frame_.redis_up()) sweep_.start(partitions_, now_, 2 * options_.policy.auth.drift);
}

/// In one write with the next commit, or alone when there is none.
void TurnLoop::publish_receipts() {
  for (const auto& receipt : decider_.receipts()) receipts_.add("PUBLISH", receipt.channel, receipt.bytes);
  stats_.receipts.add(decider_.receipts().size());
}

/// Where no commit follows that they go out with. Whoever misses one asks again.
void TurnLoop::flush_receipts() {
  if (receipts_.count() > 0) static_cast<void>(connection_.send(std::exchange(receipts_, {}), redis::ReplyTo{}));
}

// ---- Replies

bool TurnLoop::send(redis::Command command) {
  stage_began_ = mono_now();
  stats_.round_trips.add();
  Duration patience = connection_.options().command_timeout;
  if (options_.wait_replicas > 0) patience += options_.wait_timeout;
  auto status = connection_.send(std::move(command), redis::reply_to<&TurnLoop::on_reply>(this), patience);
  if (status.ok()) return true;
  drop_turn("redis_unreachable", status.error().message, kShortPause);
  return false;
}

/// Replies of a turn that was dropped are forgotten by the connection.
void TurnLoop::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!answer.ok()) return drop_turn("redis_lost", answer.error().message, kShortPause);
  bool last = tag + 1 == expected_.size();
  take(expected_[tag], **answer);
  if (last && !state_.is(State::kDown)) replies_complete();
}

void TurnLoop::take(const Expected& expected, const redis::Reply& reply) {
  switch (expected.kind) {
    case Reply::kEpoch:
    case Reply::kIngress:
    case Reply::kSenders:
    case Reply::kArchive:
    case Reply::kAuditHead:
    case Reply::kRetryCount:
    case Reply::kFirstRetry:
      return take_fence(expected, reply);
    case Reply::kReceipt:
      return;
    case Reply::kLength:
      return CircuitWriter::take_length(decider_.deliveries()[expected.partition], reply);
    case Reply::kCommit:
      return take_commit(reply);
    case Reply::kCircuit:
      return circuits_.take(expected.partition, reply, receipts_);
    case Reply::kWait:
      if (reply.integer >= options_.wait_replicas) return publish_receipts();
      if (repeat_.should_log("replicas", mono_now()))
        frame_.log().warn("replicas_behind", {{"acknowledged", reply.integer}, {"wanted", options_.wait_replicas}});
      return;
    case Reply::kTime:
      now_ = time_of(reply);
      now_at_ = mono_now();
      return batch_.start();
    case Reply::kElements:
      return take_elements(*partitions_[expected.partition], reply);
    case Reply::kDue:
      return take_due(*partitions_[expected.partition], reply);
    case Reply::kNextDue:
      return take_next_due(*partitions_[expected.partition], reply);
  }
}

void TurnLoop::replies_complete() {
  if (state_.is(State::kFencing)) return advance();
  elements_read();
}

MonoTime TurnLoop::stage_over(Histogram& histogram) {
  MonoTime now = mono_now();
  histogram.record(static_cast<uint64_t>(std::max<int64_t>((now - stage_began_).count(), 0)));
  return stage_began_ = now;
}

// ---- What goes wrong

void TurnLoop::drop_turn(std::string_view event, const std::string& why, Duration pause) {
  connection_.forget(this);
  reader_.cancel();
  sweep_.cancel();
  if (state_.is(State::kFetching) || state_.is(State::kCommitting)) stats_.dropped_turns.add();
  for (auto& partition : partitions_) partition->forget();
  if (!state_.is(State::kDown)) state_.to(State::kDown);
  obstacle_ = std::string(event) + ": " + why;
  if (repeat_.should_log(obstacle_, mono_now())) frame_.log().warn(event, {{"why", why}});
  again_.once(pause);
}

/// What cannot be worked with is not touched, and the partition's memory not trusted; its lease is kept.
void TurnLoop::put_to_rest(Partition& partition, const std::string& why) {
  partition.forget();
  if (auto& peek = peeks_[partition.number]) peek->disarm();
  if (resting_.rest(partition.number, why, mono_now()))
    frame_.log().error("partition_rests", {{"partition", partition.number}, {"why", why}});
}

void TurnLoop::put_to_rest(Partition& partition, std::string_view key, std::string_view error) {
  put_to_rest(partition, std::string(key) + ": " + printable(error, 200) + "; expected " +
                             std::string(partition.expected_at(key)));
}

void TurnLoop::on_ready(redis::Connection&) {
  resting_.look_now(mono_now());
  if (state_.is(State::kDown)) advance();
}

void TurnLoop::on_down(redis::Connection&, const Error& why, unsigned) {
  if (state_.is(State::kDrained)) return;
  // Should it have been the size of what was asked for: one element next time, and more as they prove small.
  for (auto& partition : partitions_) partition->mean_element_bytes = static_cast<double>(options_.bytes);
  drop_turn("redis_lost", why.message, kShortPause);
}

void TurnLoop::on_tracking() {
  facts_.forget_all();
  if (state_.is(State::kDown)) advance();
}

void TurnLoop::on_changed(std::string_view key) { facts_.changed(key); }
void TurnLoop::on_all_changed() { facts_.forget_all(); }

/// What is cached may be wrong from now on, so nothing is decided by it, not even the turn under way.
void TurnLoop::on_deaf(const Error& why) {
  facts_.forget_all();
  bool sent = state_.is(State::kCommitting);  // it was decided while changes were heard
  if (!sent && !state_.is(State::kDrained)) drop_turn("invalidations_lost", why.message, kShortPause);
}

void TurnLoop::drain(std::function<void()> done) {
  drained_ = std::move(done);
  if (state_.is(State::kWaiting) || state_.is(State::kDown)) advance();
}

}  // namespace mas::gateway
