// Finds agents: candidates from the index or a scan, then the truth from their registry entries.
//
//                            ┌──────────── more candidates wanted ────────────┐
//                            ▼                                                │
//     idle ─▶ (weighing) ─▶ listing ──ids──▶ sizing ──▶ reading ──────────────┴─▶ done: enough, or nothing left to list
//
// The first listing goes out together with the question whether the index is complete (`mas.index`), so an answer costs
// three round trips; four where several capabilities are asked for: their sets are weighed first (SCARD), since SINTER
// answers in one piece. On a cluster it is one more, since the question goes alone, and of several sets the smallest
// one is listed: what the others say is in the entries, too. Without an index the registry is scanned, on a cluster
// primary by primary. Candidates come in bounded pieces, and no more entries are read than the limit asks for; so the
// cost grows with the answer.
// Sizing asks how large each field of a piece is (HSTRLEN) before reading asks for them (HMGET): anybody may make a
// value of 512 MiB, which must not come to everybody who discovers.
// Failure: Redis's errors; kTooLarge past a million names. An entry that is gone, malformed, too large or does not
// match is skipped: the index is a hint. So is a name that is longer than any id; the debug callback hears how many
// there were.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "proto/base/state_machine.h"
#include "proto/wire/agent_entry.h"
#include "sdk/src/core/op.h"

namespace mas::sdk {

struct DiscoverQuery {
  std::vector<std::string> capabilities;  ///< none: everybody
  bool all = false;                       ///< all of them, else any
  bool inactive = false;                  ///< also agents that are INACTIVE
  size_t limit = 0;                       ///< 0: none
};

class DiscoverOp final : public OpWith<Result<std::vector<AgentEntry>>> {
 public:
  DiscoverOp(OpHost& host, DiscoverQuery query, Done done) : OpWith(host, std::move(done)), query_(std::move(query)) {}
  void begin() override;

 private:
  enum class State : uint8_t { kIdle, kWeighing, kListing, kSizing, kReading, kDone };
  static constexpr auto kMoves = transitions<State>({{State::kIdle, State::kListing},
                                                     {State::kIdle, State::kWeighing},
                                                     {State::kWeighing, State::kListing},
                                                     {State::kListing, State::kListing},
                                                     {State::kListing, State::kSizing},
                                                     {State::kListing, State::kDone},
                                                     {State::kSizing, State::kReading},
                                                     {State::kReading, State::kSizing},
                                                     {State::kReading, State::kListing},
                                                     {State::kReading, State::kDone}});
  enum Tag : uint64_t { kIndexReady, kCandidates, kEntry, kWeight = kCandidates };

  void on_reply(uint64_t tag, const redis::Answer& answer) override;
  void choose_sources();
  bool intersects() const { return query_.all && sources_.size() > 1; }
  redis::Command next_listing() const;
  void weigh();
  void take_weight(size_t i, const redis::Reply& members);
  Status send_listing(const redis::Command& command, uint64_t tag);
  void take_index(bool ready);
  void list();
  void list_by_scan();
  void take_candidates(const redis::Reply& reply);
  void add_candidate(const redis::Reply& member);
  void advance();
  void ask_sizes();
  void take_size(size_t i, const redis::Reply& size);
  void read_entries();
  void take_entry(size_t i, const redis::Reply& values);
  bool matches(const AgentEntry& entry) const;
  redis::ClusterLink* cluster() const { return host_.commands().cluster(); }
  bool enough() const { return query_.limit != 0 && found_.size() >= query_.limit; }
  void end();

  const DiscoverQuery query_;
  StateMachine<State> state_{State::kIdle, kMoves};
  bool by_scan_ = false;
  std::vector<std::string> sources_;  // index sets still to list, the current one last; or the keys to intersect
  std::string cursor_ = "0";
  std::vector<int64_t> weights_;  // members of each source
  size_t weighed_ = 0;
  std::vector<redis::Node> nodes_;  // of a cluster without an index: primaries that are still to be scanned
  size_t left_out_ = 0;             // names that are longer than any id
  std::unordered_set<std::string> seen_;
  std::vector<std::string> candidates_;  // not yet read
  std::vector<std::string> reading_;
  std::vector<int64_t> sizes_;  // of the fields of those in reading_
  size_t unread_ = 0;           // replies to come
  std::vector<AgentEntry> found_;
};

}  // namespace mas::sdk
