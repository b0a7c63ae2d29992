// What deciding the turn in hand lacks: agents, rules, limits, circuits, lengths of streams, entries that are reported about.
//
// Looking for it is done in slices, as decoding and deciding are, and one read asks for a bounded number of agents and
// streams: a turn may name as many agents as it has messages. The reads come to an end, since what was read stays good for
// the turn: what changes is held (Facts::hold), and lengths are new that were read since it began to look.
#include "daemons/gatewayd/turn/turn_loop.h"

namespace mas::gateway {
namespace {

// Of a turn whose agents fit into one read: rules name roles, which are read next.
constexpr size_t kMostFetchRounds = 4;

/// @param named agents, some more than once. Of each its facts are read, and the lengths of all its streams at most.
constexpr size_t most_rounds(size_t named) {
  return kMostFetchRounds + named * (1 + kLanes.size()) / Decider::kMostWanted;
}

}  // namespace

void TurnLoop::fetch() {
  decider_.keep_dead_letters(mono_now() >= dead_letters_again_);
  decider_.keep_unproven(mono_now() >= unproven_again_);
  decider_.start(taken_partitions(), turn_now_, fetch_began_);  // which may forget what a dropped turn had learnt
  facts_.hold();
  look();
}

void TurnLoop::look() {
  if (!decider_.need_some(batch_, wanted_inboxes_, mono_now() + kSlice)) return slice_.request();
  if (++fetch_rounds_ > most_rounds(batch_.frames().size() + batch_.messages().size()))
    return drop_turn("facts_unsteady", "facts changed at every read", kShortPause);
  if (reader_.read(wanted_inboxes_, wanted_entries())) return stats_.round_trips.add();  // on_facts() goes on
  stage_over(stats_.fetch_seconds, turn_began_);
  stage_.to(Stage::kDeciding);
  work();
}

void TurnLoop::on_facts(const Status& status) {
  report_problems();
  if (!stage_.is(Stage::kFetching)) return;
  if (!status) return drop_turn("facts_unreadable", status.error().message, kShortPause);
  for (ReportedEntry* entry : decider_.wanted_entries()) entry->known = true;
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

}  // namespace mas::gateway
