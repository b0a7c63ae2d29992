// Result<T> and Status: how every fallible call in this tree reports failure.
//
// Happy path: a function returns a value, the caller tests `ok()` and uses `*result`.
// Failure: it returns an `Error`: a code that programs act on and one sentence that people read. A layer
// that knows more adds context with `Error::in("…")`; the top layer logs it, once.
// No exception crosses a callback or the C ABI.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace mas {

/// Why a call failed. The values are those of `mas_status` in mas.h (checked by the SDK), so they are ABI.
enum class Errc {
#define MAS_ERRC(name, value, text, retriable) name = value,
#include "proto/base/errc.def"
#undef MAS_ERRC
};

/// @return the stable lower-case name of a code, such as "timeout"; "unknown" for a value outside the table.
std::string_view errc_text(Errc code);

/// @return whether the same call may succeed later without anything being changed by the caller.
bool errc_retriable(Errc code);

struct Error {
  Errc code;
  std::string message;

  /// @return this error with `context: ` put in front of its sentence.
  [[nodiscard]] Error in(std::string_view context) const {
    std::string text(context);
    text += ": ";
    text += message;
    return Error{code, std::move(text)};
  }
};

/// Success, or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

/// A value, or an Error. Dereference only after `ok()`.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& operator*() { return *std::get_if<0>(&state_); }
  const T& operator*() const { return *std::get_if<0>(&state_); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  const Error& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace mas
