// The stages that every message passes, in the order of the contract: one table for all who judge messages.
//
//     decode → identity → authorisation → target → deadline → guard → rate → content → circuit → backlog → approval
//     → lane
//
// The first refusal that is enforced is the decision. Without one, each stage that has something to say about an
// accepted message overrides those before it: what was masked counts for more than a target that is away.
// Happy path: a judge is a class with a function of each stage's name (the gateway's decider, `masctl explain
// --message`). walk_stages() gives it one stage after another.
// Failure modes:
// - A judge that lacks a stage does not compile.
// - A judge that adds a stage of its own is not asked for it: stages are added here.
// Sequence numbers are no stage: a frame that comes too early is asked for again, which is no decision about a message.
// Threading: none; constants. Ownership: none.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

#include "daemons/gatewayd/policy/policy.h"

namespace mas::gateway {

/// @tparam Judge has public member functions of one type, one for each stage.
template <class Judge>
struct PolicyStage {
  std::string_view name;
  Mode Policy::*mode;               ///< nullptr: always enforced
  decltype(&Judge::decode) judged;  ///< the function of the judge
};

template <class Judge>
inline constexpr PolicyStage<Judge> kStages[] = {
    {"decode", nullptr, &Judge::decode},
    {"identity", nullptr, &Judge::identity},
    {"authorisation", &Policy::authorisation, &Judge::authorisation},
    {"target", nullptr, &Judge::target},
    {"deadline", nullptr, &Judge::deadline},
    {"guard", &Policy::guard_mode, &Judge::guard},
    {"rate", &Policy::limits, &Judge::rate},
    {"content", &Policy::dlp, &Judge::content},
    {"circuit", &Policy::breaker_mode, &Judge::circuit},
    {"backlog", nullptr, &Judge::backlog},
    {"approval", &Policy::approval, &Judge::approval},  // behind all that may refuse: asked is about what would go
    {"lane", &Policy::priorities, &Judge::lane},
};

/// @return the mode that a policy gives a stage.
template <class Judge>
constexpr Mode mode_of(const PolicyStage<Judge>& stage, const Policy& policy) {
  return stage.mode == nullptr ? Mode::kEnforce : policy.*stage.mode;
}

/// Calls `visit(number)` for each stage in order until it returns false. A number is a std::integral_constant, so that
/// the calls of a judge's functions are direct: the gateway walks the table for every message.
template <class Judge, class Visit>
constexpr void walk_stages(Visit visit) {
  [&]<size_t... kNumber>(std::index_sequence<kNumber...>) {
    (void)(visit(std::integral_constant<size_t, kNumber>()) && ...);
  }
  (std::make_index_sequence<std::size(kStages<Judge>)>());
}

}  // namespace mas::gateway
