// What is found, how bad it is, and what is done about it.
//
// Threading: plain data.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mas::dlp {

/// The types of the table; rules of the configuration add numbers from kBuiltinTypes on.
enum class Type : uint16_t {
#define MAS_DLP_TYPE(name, action, severity, mask, title) name,
#include "daemons/gatewayd/dlp/types.def"
};

/// In the order of strictness: the strictest of its findings decides what becomes of a message.
enum class Action : uint8_t { kOff, kAlert, kEncrypt, kRedact, kBlock };
inline constexpr std::string_view kActionNames[] = {"off", "alert", "encrypt", "redact", "block"};

enum class Severity : uint8_t { kLow, kMedium, kHigh, kCritical };
inline constexpr std::string_view kSeverityNames[] = {"low", "medium", "high", "critical"};

/// What takes the place of a value: `XXX-XX-1234`, `**** **** **** 1234`, `r***@example.com`, `(XXX) XXX-1234`, or
/// `[REDACTED TYPE]`.
enum class Mask : uint8_t { kName, kSsn, kCard, kEmail, kPhone };
inline constexpr std::string_view kMaskNames[] = {"name", "ssn", "card", "email", "phone"};

struct TypeInfo {
  std::string_view name;
  Action action;
  Severity severity;
  Mask mask;
  std::string_view title;
};

inline constexpr TypeInfo kTypes[] = {
#define MAS_DLP_TYPE(name, action, severity, mask, title) \
  {#name, Action::action, Severity::severity, Mask::mask, title},
#include "daemons/gatewayd/dlp/types.def"
};
inline constexpr uint16_t kBuiltinTypes = std::size(kTypes);

inline constexpr const TypeInfo& info(Type type) { return kTypes[static_cast<size_t>(type)]; }

}  // namespace mas::dlp
