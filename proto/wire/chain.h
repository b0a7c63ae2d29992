// The delegation chain, `meta.chain`: the agents whose messages led to this one, oldest first, without its own sender.
//
// Who sends while it handles a message passes that message's chain on with the message's sender at its end, as a proxy
// does with Via (RFC 3261 §16.3) or CDN-Loop (RFC 8586); so whoever sees the message sees in it who was asked already.
// It stands as a JSON array of agent ids, which need no escapes; one with more than limits::kChainAgents is no chain, and
// who would write more leaves out the oldest (`meta.hops` goes on counting).
// Failure: is_chain() says no; the other functions take what it said yes to. A sender can leave the chain out: it is what
// agents that cooperate say, not evidence.
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

/// @return how many agents stand in it.
size_t chain_length(std::string_view array);

/// Writes `array` with `id` at its end, without the oldest where there would be too many.
void extend_chain(std::string& out, std::string_view array, std::string_view id);

}  // namespace mas
