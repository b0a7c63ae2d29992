// What deciding the turn in hand lacks: agents, rules, limits, circuits, lengths of streams, entries that are reported about.
//
// Looking for it is done in slices, as decoding and deciding are, and one read asks for a bounded number of agents: a turn
// may name as many as it has messages. What changes from the beginning on is held (Facts::hold), so the reads come to an end.
#include "daemons/gatewayd/turn/turn_loop.h"

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kMostFetchRounds =
    4;  // of a turn whose agents fit into one read: rules name roles, which are read next

}  // namespace

void TurnLoop::fetch() {
  decider_.keep_dead_letters(mono_now() >= dead_letters_again_);
  decider_.keep_unproven(mono_now() >= unproven_again_);
  decider_.start(taken_partitions(), turn_now_, mono_now());  // which may forget what a dropped turn had learnt
  facts_.hold();
  look();
}

void TurnLoop::look() {
  if (!decider_.need_some(batch_, wanted_inboxes_, mono_now() + kSlice)) return slice_.request();
  const size_t named = batch_.frames().size() + batch_.messages().size();
  if (++fetch_rounds_ > kMostFetchRounds + named / Decider::kMostWanted)
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
