// The rounds of looking and reading.
#include "daemons/gatewayd/turn/fetch_op.h"

namespace mas::gateway {
namespace {

using State = FetchOp::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kLooking},
                                            {State::kLooking, State::kReading},
                                            {State::kReading, State::kLooking},
                                            {State::kReading, State::kIdle},  // nothing was lacking, or reset
                                            {State::kLooking, State::kIdle}});

// Of a turn whose agents fit into one read: rules name roles, which are read next.
constexpr size_t kMaxRounds = 4;

/// @param named agents, some more than once. Of each its facts are read, and the lengths of all its streams at most.
constexpr size_t most_rounds(size_t named) { return kMaxRounds + named * (1 + kLanes.size()) / Decider::kMaxWanted; }

}  // namespace

FetchOp::FetchOp(TurnParts& parts, const MasterKey* master, TurnListener& listener)
    : parts_(parts),
      listener_(listener),
      state_(State::kIdle, kMoves),
      reader_(parts.redis, parts.tracked, parts.frame.keys(), parts.facts, master,
              [this](const Status& status) { on_facts(status); }),
      slice_(parts.frame.loop(), [this] { look(); }) {}

void FetchOp::set_policy(const Policy& policy, const LimitSettings& default_limits) {
  reader_.set_breaker(policy.breaker);
  reader_.set_default_limits(default_limits);
}

void FetchOp::reset() {
  slice_.cancel();
  reader_.cancel();
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
}

void FetchOp::start() {
  state_.to(State::kLooking);
  rounds_ = 0;
  began_ = mono_now();
  begin_round();
}

void FetchOp::begin_round() {
  const MonoTime now = mono_now();
  parts_.decider.keep_dead_letters(now >= parts_.dead_letters_again);
  parts_.decider.keep_held(now >= parts_.held_again);
  parts_.decider.keep_unproven(now >= parts_.unproven_again);
  parts_.decider.start(parts_.partitions.taken(), parts_.turn_now,
                       began_);  // which may forget what a dropped turn learnt
  parts_.facts.hold();
  look();
}

void FetchOp::look() {
  if (!parts_.decider.need_some(parts_.batch, wanted_inboxes_, mono_now() + kSlice)) return slice_.request();
  if (++rounds_ > most_rounds(parts_.batch.frames().size() + parts_.batch.messages().size()))
    return listener_.on_failed({"facts_unsteady", "facts changed during every read"});
  state_.to(State::kReading);
  reader_.set_partitions(parts_.partitions.size());
  if (reader_.read(wanted_inboxes_, wanted_entries())) return parts_.stats.round_trips.add();  // on_facts() goes on
  state_.to(State::kIdle);
  listener_.on_fetched();
}

void FetchOp::on_facts(const Status& status) {
  for (const auto& problem : reader_.take_problems()) parts_.frame.log().warn("fact_problem", {{"what", problem}});
  if (!status) return listener_.on_failed({"facts_unreadable", status.error().message});
  for (ReportedEntry* entry : parts_.decider.wanted_entries()) entry->known = true;
  state_.to(State::kLooking);
  begin_round();
}

std::vector<FactReader::StreamEntryRead> FetchOp::wanted_entries() const {
  std::vector<FactReader::StreamEntryRead> entries;
  for (ReportedEntry* entry : parts_.decider.wanted_entries()) {
    const unsigned partition = entry->partition.value_or(0);
    entries.push_back(
        {parts_.frame.keys().inbox(entry->agent, entry->lane, partition), entry->id, &entry->blob, &entry->failed});
  }
  return entries;
}

}  // namespace mas::gateway
