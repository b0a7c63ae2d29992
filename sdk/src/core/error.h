// The edge between this library's errors and the C ABI: statuses, the calling thread's error sentence, no exception.
#pragma once

#include <cxxabi.h>

#include <cstdint>
#include <initializer_list>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proto/base/decisions.h"
#include "proto/base/result.h"
#include "sdk/include/mas.h"
#include "sdk/src/loop/presence.h"

/// Of functions that catch abi::__forced_unwind: there is no object to refer to, which UBSan takes for a null
/// reference.
/// Both checks are named: either would make g++ place the test, which then follows the flags of whoever inlines the
/// function.
#define MAS_CATCHES_UNWINDING __attribute__((no_sanitize("null", "alignment")))

namespace mas::sdk {

/// @return whether it is the status of a failure.
bool known(int status);

inline mas_status status_of(Errc code) { return static_cast<mas_status>(code); }

/// Keeps `message` as the calling thread's error detail (shortened to fit). @return `status`.
mas_status fail(mas_status status, std::string_view message) noexcept;

inline mas_status report(const Status& status) {
  return status.ok() ? MAS_OK : fail(status_of(status.error().code), status.error().message);
}

template <typename T>
mas_status report(const Result<T>& result) {
  return result.ok() ? MAS_OK : fail(status_of(result.error().code), result.error().message);
}

const char* error_detail() noexcept;

/// A pointer that a function of the C interface cannot do without.
class Needed {
 public:
  /// @param name the parameter's, as the header has it.
  template <typename T>
  Needed(T* given, const char* name) : given_(given != nullptr), name_(name) {}
  /// @return whether it is NULL; the calling thread's error detail then says so.
  bool is_missing() const noexcept;

 private:
  const bool given_;
  const char* const name_;
};
/// For functions that return no status.
template <typename T>
bool is_missing(T* given, const char* name) {
  return given == nullptr && Needed(given, name).is_missing();
}

/// What a receipt says besides its status.
struct ReceiptNote {
  std::optional<Decision> decision;  ///< gateway mode, where the gateway decided
  uint32_t retry_after_ms = 0;
  std::string detail;
};
/// Keeps the note as the calling thread's last receipt (mas_receipt_…).
void note_receipt(const ReceiptNote& note) noexcept;

/// What an error reply says; an empty code: there was none.
struct ErrorReplyNote {
  std::string code, text;
};
/// Keeps the note as the end of the calling thread's last request (mas_error_reply_…).
void note_error_reply(const ErrorReplyNote& note) noexcept;

/// Keeps why the handler of `message` fails, for the calling thread's take_failure(). @param text any bytes.
void keep_failure(const mas_message& message, std::string_view text) noexcept;
/// @return what keep_failure() kept for this message, fit to be sent; empty: nothing. Forgets it.
std::string take_failure(const mas_message& message);

/// Where the calling thread freed an agent in a callback: stops the agent once the thread has left the callback.
inline thread_local void (*after_call)() noexcept = nullptr;

/// The end of a call of the C interface, also where the thread ends.
struct AfterCall {
  AfterCall() = default;
  ~AfterCall() {
    if (after_call != nullptr) after_call();
  }
  AfterCall(const AfterCall&) = delete;
  AfterCall& operator=(const AfterCall&) = delete;
};

/// Runs the body of an API function, in a process that may use the library. Memory that cannot be had becomes
/// MAS_NO_MEMORY, any other exception MAS_INTERNAL. A thread that ends in a callback (pthread_exit, cancellation)
/// unwinds through here.
/// @param needed what the caller has to give; the body does not run without.
template <typename Body>
MAS_CATCHES_UNWINDING mas_status guarded(std::initializer_list<Needed> needed, Body&& body) {
  Stay stay;
  if (!stay) return report(Status(stay_refused()));
  const AfterCall afterwards;
  for (const Needed& argument : needed)
    if (argument.is_missing()) return MAS_INVALID_ARGUMENT;
  try {
    mas_status status = std::forward<Body>(body)();
    return library_usable() ? status : report(Status(stay_refused()));
  } catch (const std::bad_alloc&) {
    return fail(MAS_NO_MEMORY, "out of memory");
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    return fail(MAS_INTERNAL, "an unexpected exception reached the library's edge");
  }
}
template <typename Body>
mas_status guarded(Body&& body) {
  return guarded({}, std::forward<Body>(body));
}

}  // namespace mas::sdk
