// The full pass over registry and index.
#include "daemons/registryd/reconcile_op.h"

#include <algorithm>

#include "daemons/registryd/lookup_op.h"
#include "proto/base/ids.h"

namespace mas::registry {

namespace {

using State = ReconcileOp::State;
constexpr auto kMoves = transitions<State>({{State::kIdle, State::kScanning},
                                            {State::kScanning, State::kRevisiting},
                                            {State::kScanning, State::kIdle},
                                            {State::kRevisiting, State::kSweepingAgents},
                                            {State::kRevisiting, State::kIdle},
                                            {State::kSweepingAgents, State::kFindingSets},
                                            {State::kSweepingAgents, State::kIdle},
                                            {State::kFindingSets, State::kSweepingSet},
                                            {State::kFindingSets, State::kIdle},
                                            {State::kSweepingSet, State::kFindingSets},
                                            {State::kSweepingSet, State::kIdle}});

constexpr std::string_view kInstancesTail = ":instances";

}  // namespace

ReconcileOp::ReconcileOp(uv_loop_t* loop, redis::Client& redis, const Keys& keys, Registry& registry,
                         ReconcileHost& host)
    : redis_(redis),
      keys_(keys),
      registry_(registry),
      host_(host),
      state_(State::kIdle, kMoves),
      key_walk_(loop, redis, *this),
      member_walk_(loop, redis, *this),
      writer_(redis, keys, [this](const Status& status) { on_swept(status); }) {}

void ReconcileOp::start(common::KeyScanOp::Pace pace) {
  pace_ = pace;
  state_.to(State::kScanning);
  ids_.clear();
  sets_.clear();
  swept_.clear();
  registry_.begin_pass();
  key_walk_.walk_keys(keys_.agent_scan_pattern(), "hash", pace_);
}

void ReconcileOp::on_scan_page(const std::vector<std::string_view>& names) {
  if (state_.is(State::kScanning)) return take_agent_keys(names);
  if (state_.is(State::kFindingSets)) return take_set_keys(names);
  sweep(names);
}

void ReconcileOp::on_scan_left_out(const Error& why) { host_.on_not_indexed({}, why.message); }

void ReconcileOp::on_scan_end(const Status& status) {
  if (status.ok()) return advance();
  bool sweeping = state_.is(State::kSweepingAgents) || state_.is(State::kSweepingSet);
  if (!sweeping || !member_walk_.wrong_type()) return finish(status);
  // What lies under the name of an index set must be one; there is nothing of ours in it.
  std::string key = swept_.empty() ? keys_.agents_index() : keys_.capability_index(swept_);
  (void)redis_.send(redis::Command("DEL", key), {});
  advance();
}

// ---- looking at entries

// The instances of a known agent are no agent; without this a pass would look at each of them.
bool ReconcileOp::is_sub_key(std::string_view id) const {
  if (!id.ends_with(kInstancesTail) || registry_.wants({}, id)) return false;
  return registry_.wants({}, id.substr(0, id.size() - kInstancesTail.size()));
}

void ReconcileOp::take_agent_keys(const std::vector<std::string_view>& names) {
  for (std::string_view name : names) {
    std::string_view id = keys_.agent_id_of_key(name);
    if (id.empty() || is_sub_key(id)) continue;
    if (host_.counts(id)) {
      ids_.emplace_back(id);
    } else if (!is_foreign_agent_id(id)) {
      host_.on_not_indexed(id, "id: expected 1 to 512 bytes of UTF-8 without control characters");
    }
  }
  // SCAN may name a key twice; a batch must not.
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  look_at_next_batch();
}

void ReconcileOp::look_at_next_batch() {
  if (ids_.empty()) return state_.is(State::kScanning) ? key_walk_.next() : advance();
  size_t count = std::min(ids_.size(), LookupOp::kBatch);
  auto from = ids_.end() - static_cast<std::ptrdiff_t>(count);
  std::vector<std::string> batch(std::make_move_iterator(from), std::make_move_iterator(ids_.end()));
  ids_.erase(from, ids_.end());
  host_.look_up(std::move(batch));
}

void ReconcileOp::looked_up(const Status& status) { status.ok() ? look_at_next_batch() : finish(status); }

// ---- sweeping the index

void ReconcileOp::sweep(const std::vector<std::string_view>& members) {
  IndexWrites writes;
  for (std::string_view id : members)
    if (!registry_.wants(swept_, id)) writes[swept_].remove.emplace_back(id);
  if (writes.empty()) return member_walk_.next();
  Status sent = writer_.start(writes);
  if (!sent.ok()) finish(sent);
}

void ReconcileOp::on_swept(const Status& status) { status.ok() ? member_walk_.next() : finish(status); }

void ReconcileOp::take_set_keys(const std::vector<std::string_view>& names) {
  for (std::string_view name : names)
    if (std::string_view capability = keys_.capability_of_key(name); !capability.empty())
      sets_.emplace_back(capability);
  sweep_next_set();
}

void ReconcileOp::sweep_next_set() {
  if (sets_.empty()) return key_walk_.next();
  swept_ = std::move(sets_.back());
  sets_.pop_back();
  state_.to(State::kSweepingSet);
  member_walk_.walk_set(keys_.capability_index(swept_), pace_);
}

// ---- from one part to the next

void ReconcileOp::advance() {
  switch (state_.get()) {
    case State::kIdle:
      return;
    case State::kScanning:
      state_.to(State::kRevisiting);
      ids_ = registry_.unseen();
      return look_at_next_batch();
    case State::kRevisiting:
      state_.to(State::kSweepingAgents);
      swept_.clear();
      return member_walk_.walk_set(keys_.agents_index(), pace_);
    case State::kSweepingAgents:
      state_.to(State::kFindingSets);
      return key_walk_.walk_keys(keys_.capability_scan_pattern(), "set", pace_);
    case State::kSweepingSet:
      state_.to(State::kFindingSets);
      return sweep_next_set();
    case State::kFindingSets:
      return finish({});
  }
}

void ReconcileOp::finish(const Status& status) {
  key_walk_.cancel();
  member_walk_.cancel();
  state_.to(State::kIdle);
  host_.on_reconciled(status);
}

}  // namespace mas::registry
