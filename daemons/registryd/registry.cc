// What the index sets gain and lose when an entry is seen.
#include "daemons/registryd/registry.h"

#include <algorithm>

namespace mas::registry {

Observed Registry::observe(std::string_view id, const Result<AgentEntry>& entry, bool assert_all, IndexWrites& writes) {
  if (!entry.ok()) {
    remove(id, writes);
    return entry.error().code == Errc::kNotFound ? Observed::kGone : Observed::kInvalid;
  }
  auto found = agents_.find(id);
  bool is_new = found == agents_.end();
  if (is_new && agents_.size() >= max_agents_) return Observed::kOverfull;
  if (is_new) found = agents_.emplace(std::string(id), IndexedAgent{}).first;

  IndexedAgent& agent = found->second;
  agent.pass = pass_;
  std::vector<Symbol> wanted = intern(entry->capabilities);
  if (is_new || assert_all) writes[std::string()].add.emplace_back(id);
  write_change(id, agent.capabilities, wanted, assert_all, writes);
  agent.capabilities.swap(wanted);
  for (Symbol symbol : wanted) release(symbol);
  return Observed::kIndexed;
}

std::vector<std::string> Registry::unseen() const {
  std::vector<std::string> ids;
  for (const auto& [id, agent] : agents_)
    if (agent.pass != pass_) ids.push_back(id);
  return ids;
}

bool Registry::wants(std::string_view capability, std::string_view id) const {
  auto agent = agents_.find(id);
  if (agent == agents_.end()) return false;
  if (capability.empty()) return true;
  auto symbol = symbols_.find(capability);
  if (symbol == symbols_.end()) return false;
  const auto& has = agent->second.capabilities;
  return std::binary_search(has.begin(), has.end(), symbol->second);
}

void Registry::clear() {
  agents_.clear();
  symbols_.clear();
  interned_.clear();
  free_.clear();
}

// Every symbol of the result counts one use more; duplicates in the entry count once.
std::vector<Registry::Symbol> Registry::intern(const std::vector<std::string>& capabilities) {
  std::vector<Symbol> symbols;
  symbols.reserve(capabilities.size());
  for (const std::string& capability : capabilities) {
    auto found = symbols_.find(capability);
    if (found == symbols_.end()) {
      if (free_.empty()) {
        free_.push_back(static_cast<Symbol>(interned_.size()));
        interned_.emplace_back();
      }
      found = symbols_.emplace(capability, free_.back()).first;
      interned_[free_.back()].name = &found->first;
      free_.pop_back();
    }
    symbols.push_back(found->second);
  }
  std::sort(symbols.begin(), symbols.end());
  symbols.erase(std::unique(symbols.begin(), symbols.end()), symbols.end());
  for (Symbol symbol : symbols) ++interned_[symbol].uses;
  return symbols;
}

void Registry::release(Symbol symbol) {
  Interned& entry = interned_[symbol];
  if (--entry.uses > 0) return;
  symbols_.erase(symbols_.find(*entry.name));
  entry.name = nullptr;
  free_.push_back(symbol);
}

void Registry::remove(std::string_view id, IndexWrites& writes) {
  auto found = agents_.find(id);
  if (found == agents_.end()) return;
  writes[std::string()].remove.emplace_back(id);
  write_change(id, found->second.capabilities, {}, false, writes);
  for (Symbol symbol : found->second.capabilities) release(symbol);
  agents_.erase(found);
}

void Registry::write_change(std::string_view id, const std::vector<Symbol>& before, const std::vector<Symbol>& after,
                            bool assert_all, IndexWrites& writes) const {
  for (Symbol symbol : before)
    if (!std::binary_search(after.begin(), after.end(), symbol))
      writes[*interned_[symbol].name].remove.emplace_back(id);
  for (Symbol symbol : after)
    if (assert_all || !std::binary_search(before.begin(), before.end(), symbol))
      writes[*interned_[symbol].name].add.emplace_back(id);
}

}  // namespace mas::registry
