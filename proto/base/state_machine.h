// A state variable that knows which moves are legal.
//
// Every multi-step flow of this tree is an `…Op` with an `enum class State : uint8_t`, a `constexpr` table of
// the moves it may make, and one `advance()`. The table is documentation that is checked: a move that is not
// in it is a bug of this program, never of its input, so it aborts with the names of the machine and of both states.
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
#include <string>
#include <string_view>
#include <tuple>
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

/// @return the name of an enumerator with its scopes, as the compiler writes it: "mas::StartOp::State::kReading"; "?"
/// where the type has none with that value.
template <auto Value>
constexpr std::string_view enumerator_name() {
  std::string_view text = __PRETTY_FUNCTION__;  // "… [with auto Value = mas::StartOp::State::kReading; …]"
  text.remove_prefix(text.find("Value = ") + 8);
  text = text.substr(0, text.find_first_of(";]"));
  return text[text.find_last_not_of("0123456789")] == ')' ? std::string_view("?") : text;  // "(mas::StartOp::State)7"
}

/// @return the name of a state (numbered below 32), see enumerator_name().
template <typename State>
std::string_view state_name(State state) {
  constexpr auto kNames = []<size_t... i>(std::index_sequence<i...>) {
    return std::array{enumerator_name<static_cast<State>(i)>()...};
  }
  (std::make_index_sequence<std::tuple_size_v<TransitionTable>>());
  return kNames[static_cast<size_t>(state)];
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
    if (!may(next)) abort_at(next);
    state_ = next;
  }
  /// What is written before it aborts.
  std::string illegal_move(State next) const {
    return std::string("illegal state transition ").append(state_name(state_)).append(" -> ").append(state_name(next));
  }

 private:
  [[noreturn]] void abort_at(State next) const {
    std::fprintf(stderr, "%s\n", illegal_move(next).c_str());
    std::abort();
  }

  State state_;
  const TransitionTable* table_;
};

}  // namespace mas
