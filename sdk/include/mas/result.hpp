// How calls of the C++ interface fail: Error, Result<T>, and the two faces that every call has.
//
//   mas::Agent agent("me");                        // throws mas::Error
//   auto agent = mas::results::Agent::create("me");  // returns mas::Result
//
// Every call is written once and returns Face::Of<T>: for Throwing that is T, for Returning it is Result<T>. Without
// exceptions (-fno-exceptions) only the namespace mas::results exists.
#ifndef MAS_RESULT_HPP
#define MAS_RESULT_HPP

#include <mas.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

// Code compiled with and without exceptions differs, so that it must not share names.
#ifdef __cpp_exceptions
#define MAS_HPP_NAMESPACE v0
#else
#define MAS_HPP_NAMESPACE v0_without_exceptions
#endif

namespace mas {
inline namespace MAS_HPP_NAMESPACE {

using Millis = std::chrono::milliseconds;
/// A time-out that never expires.
inline constexpr Millis kForever{-1};

/// A call that failed: its status and one sentence. An exception for those who want one, else a value.
class Error : public std::runtime_error {
 public:
  /// @param detail what was wrong and what was expected.
  Error(mas_status status, const std::string &detail)
      : std::runtime_error(detail.empty() ? mas_status_text(status) : mas_status_text(status) + (": " + detail)),
        status_(status),
        detail_at_(std::strlen(mas_status_text(status)) + (detail.empty() ? 0 : 2)) {}
  /// With the calling thread's mas_error_detail().
  explicit Error(mas_status status) : Error(status, mas_error_detail()) {}

  mas_status status() const { return status_; }
  /// The sentence alone, which what() begins with the status's text; perhaps "".
  const char *detail() const { return what() + detail_at_; }
  /// @return whether the same call may succeed later.
  bool retriable() const { return mas_status_retriable(status_); }

 private:
  mas_status status_;
  size_t detail_at_;  ///< in what()
};

namespace detail {

/// The error of a success. Never destroyed: static objects may still ask for it.
inline const Error &no_error() {
  static const Error &none = *new Error(MAS_OK, "");
  return none;
}

}  // namespace detail

/// A value, or why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : value_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return value_.index() == 0; }
  explicit operator bool() const { return ok(); }
  mas_status status() const { return ok() ? MAS_OK : error().status(); }
  /// Of a success it has MAS_OK and no sentence.
  const Error &error() const { return ok() ? detail::no_error() : *std::get_if<1>(&value_); }

  /// The value. Of a failure, as value().
  T &operator*() & { return checked(); }
  const T &operator*() const & { return checked(); }
  T &&operator*() && { return std::move(checked()); }
  T *operator->() { return &checked(); }
  const T *operator->() const { return &checked(); }
  template <typename Other>
  T value_or(Other &&other) && {
    return ok() ? *std::move(*this) : static_cast<T>(std::forward<Other>(other));
  }
  /// The value. Throws the error of a failure; where there are no exceptions, prints it and ends the program.
  T value() && { return std::move(checked()); }
  const T &value() const & { return checked(); }

 private:
  T &checked() {
    if (!ok()) raise();
    return *std::get_if<0>(&value_);
  }
  const T &checked() const { return const_cast<Result *>(this)->checked(); }
  [[noreturn]] void raise() const {
#ifdef __cpp_exceptions
    throw error();
#else
    std::fprintf(stderr, "mas: the value of a failed Result was used: %s\n", error().what());
    std::abort();
#endif
  }

  std::variant<T, Error> value_;
};

/// A success, or why it is none.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  mas_status status() const { return ok() ? MAS_OK : error_->status(); }
  /// Of a success it has MAS_OK and no sentence.
  const Error &error() const { return error_ ? *error_ : detail::no_error(); }

 private:
  std::optional<Error> error_;
};

/// The status of a C call that this thread has just made, as a result.
inline Result<void> result_of(mas_status status) {
  return status == MAS_OK ? Result<void>() : Result<void>(Error(status));
}

/// Calls return results.
struct Returning {
  static constexpr bool kThrows = false;
  template <typename T>
  using Of = Result<T>;
  template <typename T>
  static Result<T> give(Result<T> &&result) {
    return std::move(result);
  }
};

#ifdef __cpp_exceptions
/// Calls return values and throw Error.
struct Throwing {
  static constexpr bool kThrows = true;
  template <typename T>
  using Of = T;
  template <typename T>
  static T give(Result<T> &&result) {
    if (!result) throw result.error();
    if constexpr (!std::is_void_v<T>) return *std::move(result);
  }
};

using Failure = Error;
/// Throws unless `status` is MAS_OK.
inline void check(mas_status status) { Throwing::give(result_of(status)); }
#endif

namespace detail {

/// Past what an int holds: the longest time, and for every negative one for ever.
inline int milliseconds(Millis time) {
  return static_cast<int>(std::clamp<Millis::rep>(time.count(), -1, std::numeric_limits<int>::max()));
}

struct Free {
  void operator()(void *memory) const { mas_free(memory); }
};
using OwnedText = std::unique_ptr<char, Free>;

}  // namespace detail

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_RESULT_HPP
