// The settings of a new agent.
#ifndef MAS_OPTIONS_HPP
#define MAS_OPTIONS_HPP

#include <mas/callbacks.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {

/// Each setter returns the options. Copies share the same options. One thread at a time.
/// Failure: a setter throws; with Returning, the first failure stays here, and the agent is not made.
template <typename Face>
class BasicOptions {
 public:
  using Debug = std::function<void(std::string_view line)>;

  BasicOptions() : shared_(std::make_shared<Shared>()) {
    if (get() == nullptr) failed(Error(MAS_NO_MEMORY, "no memory for an agent's options"));
  }
  // No moves: options that were moved from are still there.
  BasicOptions(const BasicOptions &) = default;
  BasicOptions &operator=(const BasicOptions &) = default;
  ~BasicOptions() = default;

  BasicOptions &redis_url(const std::string &url) { return set(&mas_options_set_redis_url, url.c_str()); }
  BasicOptions &name_space(const std::string &ns) { return set(&mas_options_set_namespace, ns.c_str()); }
  BasicOptions &capability(const std::string &name) { return set(&mas_options_add_capability, name.c_str()); }
  BasicOptions &metadata(std::string_view json) { return set(&mas_options_set_metadata, json.data(), json.size()); }
  BasicOptions &heartbeat(Millis interval, Millis ttl) {
    return set(&mas_options_set_heartbeat, detail::milliseconds(interval), detail::milliseconds(ttl));
  }
  BasicOptions &max_message(size_t bytes) { return set(&mas_options_set_max_message, bytes); }
  BasicOptions &inbound_queue(size_t messages, size_t bytes) {
    return set(&mas_options_set_inbound_queue, messages, bytes);
  }
  BasicOptions &outbound_queue(size_t messages, size_t bytes) {
    return set(&mas_options_set_outbound_queue, messages, bytes);
  }
  BasicOptions &mode(mas_mode mode) { return set(&mas_options_set_mode, mode); }
  BasicOptions &credentials(const std::string &path) { return set(&mas_options_set_credentials, path.c_str()); }
  BasicOptions &handler_timeout(Millis time) {
    return set(&mas_options_set_handler_timeout, detail::milliseconds(time));
  }
  BasicOptions &handler_timeout(int timeout_ms) { return handler_timeout(Millis(timeout_ms)); }
  BasicOptions &dedupe_window(size_t messages) { return set(&mas_options_set_dedupe_window, messages); }
  BasicOptions &doubt_window(size_t messages, std::chrono::seconds time) {
    return set(&mas_options_set_doubt_window, messages, static_cast<int>(time.count()));
  }
  /// Gets a line for each thing that the library does, on any thread.
  /// It must be quick and must not call the library; what it throws is dropped.
  BasicOptions &debug(Debug fn) {
    if (get() == nullptr) return *this;
    shared_->debug.push_back(std::make_unique<Debug>(std::move(fn)));
    mas_options_set_debug(get(), &debug_line, shared_->debug.back().get());
    return *this;
  }

  mas_options *get() const { return shared_->options.get(); }
  /// The first setter that failed.
  const std::optional<Error> &failure() const { return shared_->failure; }
  /// What must live as long as an agent of these options.
  std::shared_ptr<void> kept() const { return shared_; }

 private:
  struct Free {
    void operator()(mas_options *options) const { mas_options_free(options); }
  };
  struct Shared {
    std::unique_ptr<mas_options, Free> options{mas_options_new()};
    std::vector<std::unique_ptr<Debug>> debug;  // also replaced ones: agents may have them
    std::optional<Error> failure;
  };

  static void debug_line(const char *line, void *user) {
    static_cast<void>(detail::guarded([&] {
      (*static_cast<Debug *>(user))(line);
      return Result<void>();
    }));
  }
  template <typename... Parameters, typename... Args>
  BasicOptions &set(mas_status (*setter)(mas_options *, Parameters...), Args... args) {
    if (get() == nullptr) return *this;
    if (mas_status status = setter(get(), args...); status != MAS_OK) failed(Error(status));
    return *this;
  }
  void failed(Error error) {
    if constexpr (Face::kThrows) Face::template give<void>(std::move(error));
    if (!shared_->failure) shared_->failure = std::move(error);
  }

  std::shared_ptr<Shared> shared_;
};

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_OPTIONS_HPP
