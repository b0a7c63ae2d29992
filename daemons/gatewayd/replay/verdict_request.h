// What an operator says about a held message, as an element of `mas.approvals`: `grant ENTRY WHO` or `deny ENTRY WHO`,
// separated by single spaces. WHO is all that follows: the operator's name, and why.
// Failure: anything else is no request. Threading: none; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/wire/replayed.h"

namespace mas::gateway {

inline constexpr size_t kVerdictWhoBytes = 200;      ///< that go into the audit; longer ones are cut
inline constexpr size_t kVerdictRequestBytes = 512;  ///< of a request; a longer one is dropped

struct VerdictRequest {
  Verdict verdict = Verdict::kGranted;
  std::string entry;  ///< an id of the stream of held messages
  std::string who;    ///< one line
};

/// @return nullopt: it is no request.
std::optional<VerdictRequest> parse_verdict_request(std::string_view text);

}  // namespace mas::gateway
