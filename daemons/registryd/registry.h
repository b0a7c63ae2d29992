// The index as it should be: which agents have a valid entry, and what each of them can do.
//
// Happy path: whoever looked at `agent:{id}` hands what it saw to observe(), which remembers it and says which members
// the index sets gain and lose. A re-registration with fewer capabilities takes the agent out of the sets it left.
// A full pass: begin_pass(), observe() every entry that is found, then look at unseen() once more (their entries went,
// or came while the pass ran), then ask wants() about every member that the index sets really have.
// Failure: an entry that cannot be indexed is taken out of the index and the caller told why.
// Capability names are interned, so an agent costs its id and four bytes per capability. Pure; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/keyed_map.h"
#include "proto/base/result.h"
#include "proto/wire/agent_entry.h"

namespace mas::registry {

/// What one index set gains and loses. A set's name is its capability; empty: the set of all agents.
struct SetWrite {
  std::vector<std::string> add;
  std::vector<std::string> remove;
};
using IndexWrites = std::map<std::string, SetWrite, std::less<>>;

enum class Observed : uint8_t {
  kIndexed,   ///< a valid entry
  kGone,      ///< no entry under the key
  kInvalid,   ///< an entry that may not be indexed
  kOverfull,  ///< a valid entry, but there are too many agents
};

class Registry {
 public:
  /// @param max_agents bound on what is remembered; entries past it are not indexed.
  explicit Registry(size_t max_agents) : max_agents_(max_agents) {}

  /// Takes what a look at the entry of `id` saw and appends what follows from it to `writes`. An id may appear once per
  /// `writes`.
  /// @param entry as agent_entry_from_values gives it: kNotFound means gone, other errors invalid.
  /// @param assert_all also add what the sets should have already: repairs sets that others damaged.
  Observed observe(std::string_view id, const Result<AgentEntry>& entry, bool assert_all, IndexWrites& writes);

  /// Starts a pass: unseen() is then every agent that observe() has not seen since.
  void begin_pass() { ++pass_; }
  std::vector<std::string> unseen() const;

  /// @return whether the index set named `capability` (empty: that of all agents) should have the member `id`.
  bool wants(std::string_view capability, std::string_view id) const;

  /// Forgets everything; for one who is no longer, or just became, the active registry.
  void clear();

  size_t agents() const { return agents_.size(); }
  size_t capabilities() const { return symbols_.size(); }

 private:
  using Symbol = uint32_t;
  struct IndexedAgent {
    std::vector<Symbol> capabilities;  // sorted
    uint32_t pass = 0;
  };
  struct Interned {
    const std::string* name = nullptr;  // the key in symbols_
    uint32_t uses = 0;
  };

  std::vector<Symbol> intern(const std::vector<std::string>& capabilities);
  void release(Symbol symbol);
  void remove(std::string_view id, IndexWrites& writes);
  void write_change(std::string_view id, const std::vector<Symbol>& before, const std::vector<Symbol>& after,
                    bool assert_all, IndexWrites& writes) const;

  size_t max_agents_;
  uint32_t pass_ = 0;
  KeyedMap<IndexedAgent> agents_;
  KeyedMap<Symbol> symbols_;
  std::vector<Interned> interned_;
  std::vector<Symbol> free_;
};

}  // namespace mas::registry
