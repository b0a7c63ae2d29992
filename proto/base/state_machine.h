// A state variable that knows which moves are legal.
//
// Every multi-step flow of this tree is an `…Op` with an `enum class State : uint8_t`, a `constexpr` table of
// the moves it may make, and one `advance()`. The table is documentation that is checked: a move that is not
// in it is a bug of this program, never of its input, so it aborts.
//
//   enum class State : uint8_t { kIdle, kReading, kDone };
//   constexpr auto kMoves = transitions<State>({{State::kIdle, State::kReading}, {State::kReading, State::kDone}});
//   StateMachine<State> state_{State::kIdle, kMoves};
//   state_.to(State::kReading);
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <utility>

namespace mas {

/// For each state (at most 32, numbered from 0) the set of states it may move to, as bits.
using TransitionTable = std::array<uint32_t, 32>;

template <typename State>
constexpr TransitionTable transitions(std::initializer_list<std::pair<State, State>> moves) {
  TransitionTable table{};
  for (auto [from, to] : moves) table[static_cast<size_t>(from)] |= 1u << static_cast<unsigned>(to);
  return table;
}

template <typename State>
class StateMachine {
 public:
  constexpr StateMachine(State initial, const TransitionTable& table) : state_(initial), table_(&table) {}

  State get() const { return state_; }
  bool is(State state) const { return state_ == state; }
  bool may(State next) const {
    return ((*table_)[static_cast<size_t>(state_)] >> static_cast<unsigned>(next) & 1) != 0;
  }
  void to(State next) {
    if (!may(next)) {
      std::fprintf(stderr, "illegal state transition %u -> %u\n", static_cast<unsigned>(state_),
                   static_cast<unsigned>(next));
      std::abort();
    }
    state_ = next;
  }

 private:
  State state_;
  const TransitionTable* table_;
};

}  // namespace mas
