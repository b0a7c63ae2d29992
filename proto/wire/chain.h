// The delegation chain, `meta.chain`: the agents whose messages led to this one, oldest first, without its own sender.
//
// An agent that sends while it handles a message copies that message's chain and appends the message's sender, as a
// proxy does with Via (RFC 3261 §16.3) or CDN-Loop (RFC 8586). So the chain shows which agents were involved already.
// It is a JSON array of agent ids, which need no escapes, with at most limits::kChainAgents ids. A sender that would
// exceed that leaves out the oldest ones; `meta.hops` still counts all.
// Failure: is_chain() returns false for an invalid chain; the other functions need a valid one. A sender can omit the
// chain: it is the word of agents that cooperate, not evidence.
// Threading: pure. Ownership: views of the array.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mas {

/// @param array the raw token of a JSON array. @return whether it holds agent ids and nothing else, not too many.
bool is_chain(std::string_view array);

/// Walks the ids of a chain, oldest first.
class ChainReader {
 public:
  /// @param array what is_chain() accepts, or nothing: an empty chain.
  explicit ChainReader(std::string_view array) : rest_(array) {}

  /// @return whether there was another one.
  bool next(std::string_view& ret_id);

 private:
  std::string_view rest_;
};

/// @return the number of agents in it.
size_t chain_length(std::string_view array);

/// Writes `array` with `id` appended, without the oldest id if there would be too many.
void extend_chain(std::string& out, std::string_view array, std::string_view id);

}  // namespace mas
