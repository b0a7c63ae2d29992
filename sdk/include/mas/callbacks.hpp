// What stands between the C library and the application's functions: nothing that they throw crosses into C.
//
// An agent's Core owns the C agent and every function that was set on it. A function stays alive while it runs, also
// when it is replaced or its agent is destroyed meanwhile.
// Failure: a message handler that throws has failed, with the exception's text. What other callbacks throw is dropped,
// except that start() returns what the start hook threw. The end of a thread (pthread_exit) passes through.
#ifndef MAS_CALLBACKS_HPP
#define MAS_CALLBACKS_HPP

#include <mas_schema.h>
#include <mas/result.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__GLIBCXX__) && defined(__cpp_exceptions)
#include <cxxabi.h>
// The end of a thread carries no exception object; UBSan reports a null reference.
#define MAS_CATCHES_THREAD_END __attribute__((no_sanitize("null", "alignment")))
#else
#define MAS_CATCHES_THREAD_END
#endif

namespace mas {
inline namespace MAS_HPP_NAMESPACE {
namespace detail {

/// A struct that is bound to an agent's state.
class Binding {
 public:
  virtual ~Binding() = default;
  /// Takes over what the library has filled in.
  virtual void load() = 0;
};

struct Core : std::enable_shared_from_this<Core> {
  mas_agent *agent = nullptr;
  std::shared_ptr<void> options;
  Binding *bound = nullptr;
  bool load_due = false;  ///< a start has filled what is bound, perhaps
  std::function<Result<void>()> on_start, on_stop;
  std::optional<Error> start_error;  ///< of the start hook
  std::mutex mutex;
  std::vector<std::shared_ptr<void>> kept;  ///< callbacks; guarded by mutex

  ~Core() { close(); }
  /// Frees the agent. In a callback of its own its loop ends after that, and its memory is kept.
  void close();
  void load_bound() {
    if (std::exchange(load_due, false) && bound != nullptr) bound->load();
  }
};

/// The agent whose callback the calling thread runs, and the message, where the callback is its handler.
inline thread_local const Core *t_running = nullptr;
inline thread_local const mas_message *t_handled = nullptr;

class Running {
 public:
  explicit Running(const Core &core, const mas_message *handled = nullptr)
      : before_(std::exchange(t_running, &core)), handled_before_(std::exchange(t_handled, handled)) {}
  ~Running() {
    t_running = before_;
    t_handled = handled_before_;
  }
  Running(const Running &) = delete;
  Running &operator=(const Running &) = delete;

 private:
  const Core *before_;
  const mas_message *handled_before_;
};

/// Agents that were destroyed in a callback of their own. They stay for ever: their loops may still go on.
inline void keep_for_ever(std::shared_ptr<Core> core) {
  static auto &mutex = *new std::mutex;
  static auto &cores = *new std::vector<std::shared_ptr<Core>>;
  std::lock_guard<std::mutex> lock(mutex);
  cores.push_back(std::move(core));
}

inline void Core::close() {
  mas_agent *mine = std::exchange(agent, nullptr);
  if (mine == nullptr) return;
  if (t_running == this) keep_for_ever(shared_from_this());
  mas_agent_free(mine);
}

/// A function that was set on an agent.
template <typename Fn>
struct Slot : std::enable_shared_from_this<Slot<Fn>> {
  Slot(Core &owner, Fn function) : core(owner), fn(std::move(function)) {}
  /// @param user what the C library hands back.
  static std::shared_ptr<Slot> of(void *user) { return static_cast<Slot *>(user)->shared_from_this(); }

  Core &core;
  Fn fn;
};

/// @return `fn` for the C library, as its user pointer; valid until the agent is destroyed.
template <typename Fn>
void *keep(Core &core, Fn fn) {
  auto slot = std::make_shared<Slot<Fn>>(core, std::move(fn));
  std::lock_guard<std::mutex> lock(core.mutex);
  core.kept.push_back(slot);
  return slot.get();
}

/// Whether an exception's text may leave the process: it may hold anything, such as a password that an address has in
/// it.
enum class Texts { kPrivate, kOfErrorsAlone };

/// Of a handler: the failure that it means, in words for the requester.
inline Error failure_of(const Error &error) {
  const mas_status status = error.status();
  if (status == MAS_HANDLER_FAILED || status == MAS_NO_HANDLER || status == MAS_INVALID_PAYLOAD) return error;
  return Error(MAS_HANDLER_FAILED, error.what());
}

/// Calls a function of the application. @return its failure where it throws: that of an Error, else MAS_HANDLER_FAILED,
/// with the exception's text if that stays here.
template <typename Call>
MAS_CATCHES_THREAD_END Result<void> guarded(Call &&call, [[maybe_unused]] Texts texts = Texts::kPrivate) {
#ifdef __cpp_exceptions
  try {
    return call();
#ifdef __GLIBCXX__
  } catch (const abi::__forced_unwind &) {
    throw;  // the thread ends
#endif
  } catch (const Error &error) {
    return failure_of(error);
  } catch (const std::exception &error) {
    return Error(MAS_HANDLER_FAILED, texts == Texts::kPrivate ? error.what() : "the handler threw an exception");
  } catch (...) {
    return Error(MAS_HANDLER_FAILED, "the handler threw something that is not derived from std::exception");
  }
#else
  return call();
#endif
}

/// What a failed handler tells the library: the status to return. The sentence reaches the requester.
inline mas_status note_failure(const mas_message *message, const Error &error) {
  return mas_message_fail(message, error.status(), error.detail());
}

/// Calls a function that returns nothing, a Result<void>, or a mas_status.
template <typename Fn, typename... Args>
Result<void> outcome_of(Fn &fn, Args &&...args) {
  using Returned = std::invoke_result_t<Fn &, Args...>;
  static_assert(
      std::is_void_v<Returned> || std::is_same_v<Returned, mas_status> || std::is_same_v<Returned, Result<void>>,
      "mas: a callback returns nothing, a mas_status or a mas::Result<void>");
  if constexpr (std::is_void_v<Returned>) {
    fn(std::forward<Args>(args)...);
    return {};
  } else if constexpr (std::is_same_v<Returned, mas_status>) {
    const mas_status status = fn(std::forward<Args>(args)...);
    return status == MAS_OK ? Result<void>() : Result<void>(Error(status, ""));
  } else {
    Result<void> result = fn(std::forward<Args>(args)...);
    return result ? result : Result<void>(failure_of(result.error()));
  }
}

}  // namespace detail
}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_CALLBACKS_HPP
