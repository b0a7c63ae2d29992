// An agent: its life, its handlers, and what it sends and asks for. mas.h says what each call promises.
#ifndef MAS_AGENT_HPP
#define MAS_AGENT_HPP

#include <mas/options.hpp>
#include <mas/request.hpp>
#include <mas/trace.hpp>

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {

/// An agent, as discovery found it.
struct AgentInfo {
  std::string id;
  std::vector<std::string> capabilities;
  std::string metadata;
  bool active = true;
  double registered_at = 0;
};

/// Accepted messages that Redis lost: see mas_doubt.
struct Doubt {
  std::vector<std::string> message_ids;
  uint64_t forgotten = 0;
  std::string reason;
};

/// Every call returns Face::Of<T>: T, or throws; or a Result<T>.
/// A handler returns nothing, a mas_status or a Result<void>; it has failed when it throws, too. The requester gets the
/// text of an Error, and its status where that is MAS_INVALID_PAYLOAD or MAS_NO_HANDLER; of another exception only that
/// there was one.
template <typename Face>
class BasicAgent {
  template <typename T>
  using Of = typename Face::template Of<T>;
  using Core = detail::Core;

 public:
  using Message = BasicMessage<Face>;
  using Options = BasicOptions<Face>;
  /// `reply` is null unless the status is MAS_OK.
  using OnReply = std::function<void(mas_status, const Message *reply)>;
  using OnReceipt = std::function<void(std::string_view message_id, std::string_view target, mas_status outcome)>;
  using OnConnection = std::function<void(mas_connection, std::string_view detail)>;
  using OnOverflow = std::function<void(uint64_t dropped)>;
  using OnDoubt = std::function<void(const Doubt &doubt)>;
  using OnTrace = std::function<void(TraceEvent &)>;

  static Of<BasicAgent> create(const std::string &id, const Options &options = Options()) {
    auto core = make(id, options);
    if (!core) return Face::template give<BasicAgent>(core.error());
    return Face::template give<BasicAgent>(BasicAgent(*std::move(core)));
  }
  /// As create(); throws.
  explicit BasicAgent(const std::string &id, const Options &options = Options()) : BasicAgent(create(id, options)) {
    static_assert(Face::kThrows, "use create(), which returns a Result");
  }
  /// A moved-from agent can only be assigned to or destroyed; its calls fail.
  BasicAgent(BasicAgent &&) noexcept = default;
  BasicAgent &operator=(BasicAgent &&other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~BasicAgent() {
    if (core_ != nullptr) core_->close();
  }

  // ---- Life
  /// @return also the start hook's error.
  Of<void> start(Millis timeout = Millis(10'000)) { return Face::give(start_core(timeout)); }
  Of<void> stop(Millis timeout = Millis(2'000)) { return give(&mas_agent_stop, detail::milliseconds(timeout)); }
  /// Polls until quit().
  Of<void> run() { return give(&mas_agent_run); }
  /// @return false after quit().
  Of<bool> poll(Millis timeout) {
    auto polled = call(&mas_agent_poll, detail::milliseconds(timeout), nullptr);
    if (!polled && polled.status() != MAS_CANCELLED) return Face::template give<bool>(polled.error());
    return Face::template give<bool>(polled.ok());
  }
  void quit() {
    if (get() != nullptr) mas_agent_quit(get());
  }
  int fd() const { return get() == nullptr ? -1 : mas_agent_fd(get()); }
  std::string_view id() const { return get() == nullptr ? "" : mas_agent_id(get()); }
  std::string_view instance() const { return get() == nullptr ? "" : mas_agent_instance(get()); }
  mas_stats stats() const {
    mas_stats stats{};
    if (get() != nullptr) mas_agent_stats(get(), &stats, sizeof stats);
    return stats;
  }
  /// The hooks run in start() and stop().
  void on_start(std::function<void()> fn) { set_hook(&Core::on_start, std::move(fn)); }
  void on_stop(std::function<void()> fn) { set_hook(&Core::on_stop, std::move(fn)); }

  // ---- Handlers. Functions live as long as the agent, also replaced ones.
  /// @param fn takes a const Message &, which may be copied to be kept.
  template <typename Fn>
  Of<void> on_message(const std::string &type, Fn fn) {
    return set_handler(type.c_str(), std::move(fn));
  }
  /// Sets the fallback, for types without a handler.
  template <typename Fn>
  Of<void> on_other_message(Fn fn) {
    return set_handler(nullptr, std::move(fn));
  }
  /// A message whose data does not fit S never reaches the handler. @param fn takes a const Message & and an S, by
  /// value or const.
  template <typename S, typename Fn>
  Of<void> on(const std::string &type, Fn fn) {
    static_assert(detail::IsStruct<S>::value, "mas: name the struct's members with MAS_STRUCT");
    if (get() == nullptr) return Face::give(gone());
    const auto &declared = detail::declared_schema<S, false>();
    if (declared.wrong) return Face::template give<void>(*declared.wrong);
    void *user = detail::keep(*core_, std::move(fn));
    return give(&mas_agent_on_typed, type.c_str(), &declared.schema, &typed_message_came<S, Fn>, user);
  }
  /// Removes a type's handler.
  Of<void> off(const std::string &type) { return give(&mas_agent_on_message, type.c_str(), nullptr, nullptr); }
  void on_receipt(mas_receipts which, OnReceipt fn) {
    if (get() == nullptr) return;
    mas_agent_on_receipt(
        get(), which,
        [](mas_agent *, const char *id, const char *target, mas_status outcome, void *user) {
          run_slot<OnReceipt>(user, std::string_view(id), std::string_view(target), outcome);
        },
        detail::keep(*core_, std::move(fn)));
  }
  void on_connection(OnConnection fn) {
    if (get() == nullptr) return;
    mas_agent_on_connection(
        get(),
        [](mas_agent *, mas_connection state, const char *detail, void *user) {
          run_slot<OnConnection>(user, state, std::string_view(detail));
        },
        detail::keep(*core_, std::move(fn)));
  }
  void on_overflow(OnOverflow fn) {
    if (get() == nullptr) return;
    mas_agent_on_overflow(
        get(), [](mas_agent *, uint64_t dropped, void *user) { run_slot<OnOverflow>(user, dropped); },
        detail::keep(*core_, std::move(fn)));
  }

  /// Gateway mode: what to send again under its id (send_again), if it must not be lost.
  void on_doubt(OnDoubt fn) {
    if (get() == nullptr) return;
    mas_agent_on_doubt(
        get(),
        [](mas_agent *, const mas_doubt *doubt, void *user) {
          const Doubt told{{doubt->message_ids, doubt->message_ids + doubt->count}, doubt->forgotten, doubt->reason};
          run_slot<OnDoubt>(user, told);
        },
        detail::keep(*core_, std::move(fn)));
  }

  /// Observes messages; while the agent does not run. At a start, set_trace() sets the message's context.
  /// @param fn may run on several threads at the same time; empty: none. @param flags MAS_TRACE_….
  Of<void> on_trace(OnTrace fn, unsigned flags = 0) {
    if (get() == nullptr) return Face::give(gone());
    if (!fn) return give(&mas_agent_on_trace, 0u, nullptr, nullptr);
    const auto told = [](mas_agent *, mas_trace_event *event, void *user) {
      TraceEvent seen(*event);
      const auto slot = detail::Slot<OnTrace>::of(user);
      const detail::Running running(slot->core);
      slot->fn(seen);  // the library ends what it throws
    };
    return give(&mas_agent_on_trace, flags, static_cast<mas_trace_fn>(told), detail::keep(*core_, std::move(fn)));
  }

  // ---- Sending. A body is a JSON object as text, or a struct with MAS_STRUCT.
  /// Queues a message. @return the message's id.
  Of<std::string> send(const std::string &target, const std::string &type, const Body &body = {}) {
    return give_id([&](char *id) { return post(&mas_agent_send, target, type, body, id); });
  }
  /// As send(), but returns the status alone: for loops that meet MAS_WOULD_BLOCK often.
  mas_status try_send(const std::string &target, const std::string &type, const Body &body = {}) {
    if (get() == nullptr) return MAS_INVALID_STATE;
    if (auto valid = body.valid(); !valid) return valid.status();
    return mas_agent_send(get(), target.c_str(), type.c_str(), body.data(), body.size(), nullptr);
  }
  /// Sends a message and waits for its outcome. Fails unless it was accepted. @return the message's id.
  Of<std::string> send_wait(const std::string &target, const std::string &type, const Body &body, Millis timeout) {
    return give_id(
        [&](char *id) { return post(&mas_agent_send_wait, target, type, body, detail::milliseconds(timeout), id); });
  }
  /// Sends a message with a priority, a deadline or both. @return the message's id.
  Of<std::string> send_with(const std::string &target, const std::string &type, const Body &body,
                            const mas_send_options &options) {
    return give_id(
        [&](char *id) { return post(&mas_agent_send_with, target, type, body, &options, sizeof options, id); });
  }
  /// Repeats a message with an unknown outcome, under the message id that it had.
  Of<void> send_again(const std::string &id, const std::string &target, const std::string &type,
                      const Body &body = {}) {
    const auto again = [&id](mas_agent *agent, auto... rest) {
      return mas_agent_send_again(agent, id.c_str(), rest...);
    };
    return Face::give(post(again, target, type, body));
  }
  Of<void> flush(Millis timeout) { return give(&mas_agent_flush, detail::milliseconds(timeout)); }

  // ---- Requests
  /// Waits for the reply. May be called in a handler.
  Of<Message> request(const std::string &target, const std::string &type, const Body &body, Millis timeout) {
    mas_message *reply = nullptr;
    auto asked = post(&mas_agent_request, target, type, body, detail::milliseconds(timeout), &reply);
    if (!asked) return Face::template give<Message>(asked.error());
    return Face::template give<Message>(Message::adopt(reply));
  }
  /// @return ends without a poll, and always: with the reply, or with the reason why there is none. A reply that does
  /// not fit is MAS_MALFORMED with the path. May be waited for in a handler; outlives the agent.
  /// @param Reply a struct, or Message. @param ret_request for cancel().
  template <typename Reply>
  std::future<Of<Reply>> request(const std::string &target, const std::string &type, const Body &body = {},
                                 Millis timeout = kRequestTimeout, Request *ret_request = nullptr) {
    auto pending = std::make_unique<detail::PendingFuture<Reply, Face>>();
    auto future = pending->future();
    auto *raw = pending.get();
    auto begun = begin(&mas_agent_request_direct, target, type, body, timeout, std::move(pending));
    if (begun.error) raw->set(*std::move(begun.error));
    if (!begun.error && ret_request != nullptr) *ret_request = std::move(begun.request);
    return future;
  }
  /// @param fn takes a Result<Reply>, and runs in poll(); once, unless cancelled.
  template <typename Reply, typename Fn, typename = std::enable_if_t<std::is_invocable_v<Fn &, Result<Reply>>>>
  Of<Request> request(const std::string &target, const std::string &type, const Body &body, Millis timeout, Fn fn) {
    return request_call(target, type, body, timeout,
                        [fn = std::move(fn)](mas_status status, const mas_message *reply) mutable {
                          fn(detail::reply_of<Reply>(status, reply));
                        });
  }
  Of<Request> request_async(const std::string &target, const std::string &type, const Body &body, Millis timeout,
                            OnReply fn) {
    return request_call(target, type, body, timeout, [fn = std::move(fn)](mas_status status, const mas_message *reply) {
      if (reply == nullptr) return fn(status, nullptr);
      const Message message = Message::borrow(reply);
      fn(status, &message);
    });
  }

  // ---- Discovery and state
  Of<std::vector<AgentInfo>> discover(const std::vector<std::string> &capabilities, unsigned flags = MAS_DISCOVER_ANY,
                                      size_t limit = 0, Millis timeout = Millis(5'000)) {
    std::vector<const char *> names;
    for (const auto &name : capabilities) names.push_back(name.c_str());
    mas_agent_list *raw = nullptr;
    auto found =
        call(&mas_agent_discover, names.data(), names.size(), flags, limit, detail::milliseconds(timeout), &raw);
    if (!found) return Face::template give<std::vector<AgentInfo>>(found.error());
    const std::unique_ptr<mas_agent_list, decltype(&mas_agent_list_free)> list(raw, &mas_agent_list_free);
    std::vector<AgentInfo> agents(mas_agent_list_size(raw));
    for (size_t i = 0; i < agents.size(); ++i) agents[i] = info(raw, i);
    return Face::template give<std::vector<AgentInfo>>(std::move(agents));
  }
  /// One field of the state as text. mas::State has all of them as a struct.
  Of<std::optional<std::string>> state(const std::string &field) {
    using Text = std::optional<std::string>;
    char *value = nullptr;
    size_t size = 0;
    auto found = call(&mas_state_get, field.c_str(), &value, &size);
    if (found.status() == MAS_NOT_FOUND) return Face::template give<Text>(Text());
    if (!found) return Face::template give<Text>(found.error());
    const detail::OwnedText owned(value);
    return Face::template give<Text>(Text(std::in_place, value, size));
  }
  /// Writes all of the fields or none. An empty optional removes its field.
  Of<void> update_state(const std::map<std::string, std::optional<std::string>> &fields,
                        Millis timeout = Millis(5'000)) {
    std::vector<mas_state_field> raw;
    for (const auto &[name, value] : fields)
      raw.push_back({name.c_str(), value ? value->data() : nullptr, value ? value->size() : 0});
    return give(&mas_state_update, raw.data(), raw.size(), detail::milliseconds(timeout));
  }
  Of<void> reset_state(Millis timeout = Millis(5'000)) { return Face::give(reload(&mas_state_reset, timeout)); }
  Of<void> refresh_state(Millis timeout = Millis(5'000)) { return Face::give(reload(&mas_state_refresh, timeout)); }

  /// Null of a moved-from agent.
  mas_agent *get() const { return core_ == nullptr ? nullptr : core_->agent; }
  /// For mas::State.
  const std::shared_ptr<Core> &core() const { return core_; }

 private:
  static constexpr Millis kRequestTimeout{30'000};

  explicit BasicAgent(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  static Result<std::shared_ptr<Core>> make(const std::string &id, const Options &options) {
    if (options.failure()) return *options.failure();
    auto core = std::make_shared<Core>();
    core->options = options.kept();
    if (mas_status status = mas_agent_new(id.c_str(), options.get(), &core->agent); status != MAS_OK)
      return Error(status);
    mas_agent_on_start(
        core->agent, [](mas_agent *, void *user) { return start_hook(*static_cast<Core *>(user)); }, core.get());
    mas_agent_on_stop(
        core->agent, [](mas_agent *, void *user) { return stop_hook(*static_cast<Core *>(user)); }, core.get());
    return core;
  }

  // ---- Calls of the C library
  static Result<void> gone() { return Error(MAS_INVALID_STATE, "there is no agent: it was moved from"); }

  template <typename Function, typename... Args>
  Result<void> call(Function &&function, Args... args) const {
    mas_agent *agent = get();
    return agent == nullptr ? gone() : result_of(function(agent, args...));
  }
  template <typename Function, typename... Args>
  Of<void> give(Function &&function, Args... args) const {
    return Face::give(call(function, args...));
  }
  template <typename Function, typename... Args>
  Result<void> post(Function &&function, const std::string &target, const std::string &type, const Body &body,
                    Args... args) const {
    if (auto valid = body.valid(); !valid) return valid;
    return call(function, target.c_str(), type.c_str(), body.data(), body.size(), args...);
  }
  /// @param sent gets room for the id.
  template <typename Send>
  static Of<std::string> give_id(Send &&send) {
    char id[MAS_MESSAGE_ID_SIZE];
    auto sent = send(id);
    return Face::template give<std::string>(sent ? Result<std::string>(id) : Result<std::string>(sent.error()));
  }

  struct Begun {
    std::optional<Error> error;
    Request request;
    std::unique_ptr<detail::Pending> pending;  ///< of one that failed
  };
  template <typename Function>
  Begun begin(Function &&function, const std::string &target, const std::string &type, const Body &body, Millis timeout,
              std::unique_ptr<detail::Pending> pending) {
    mas_request *request = nullptr;
    auto begun = post(function, target, type, body, detail::milliseconds(timeout), &detail::Pending::ended,
                      static_cast<void *>(pending.get()), &request);
    if (!begun) return {begun.error(), {}, std::move(pending)};
    return {{}, Request(request, pending.release()), {}};
  }
  template <typename Call>
  Of<Request> request_call(const std::string &target, const std::string &type, const Body &body, Millis timeout,
                           Call call) {
    auto begun = begin(&mas_agent_request_async, target, type, body, timeout,
                       std::make_unique<detail::PendingCall<Call>>(core_, std::move(call)));
    if (begun.error) return Face::template give<Request>(*std::move(begun.error));
    return Face::give(Result<Request>(std::move(begun.request)));
  }

  // ---- Callbacks
  template <typename Fn>
  Of<void> set_handler(const char *type, Fn fn) {
    static_assert(std::is_invocable_v<Fn &, const Message &>, "mas: a handler takes a const mas::Message &");
    if (get() == nullptr) return Face::give(gone());
    return give(&mas_agent_on_message, type, &message_came<Fn>, detail::keep(*core_, std::move(fn)));
  }
  void set_hook(std::function<Result<void>()> Core::*which, std::function<void()> fn) {
    if (get() == nullptr) return;
    *core_.*which = [fn = std::move(fn)] { return detail::guarded([&fn] { return detail::outcome_of(fn); }); };
  }
  static mas_status start_hook(Core &core) {
    const detail::Running running(core);
    auto outcome = detail::guarded([&core] {
      core.load_bound();
      return core.on_start ? core.on_start() : Result<void>();
    });
    if (!outcome) core.start_error = outcome.error();
    return outcome.status();
  }
  static mas_status stop_hook(Core &core) {
    const detail::Running running(core);
    return core.on_stop ? core.on_stop().status() : MAS_OK;
  }

  /// What a handler's outcome is to the C library.
  template <typename Call>
  static mas_status handled(const mas_message *message, const Core &core, Call &&call) {
    const detail::Running running(core, message);
    auto outcome = detail::guarded(std::forward<Call>(call), detail::Texts::kOfErrorsAlone);
    if (outcome || *outcome.error().detail() == '\0') return outcome.status();
    return detail::note_failure(message, outcome.error());
  }
  template <typename Fn>
  static mas_status message_came(mas_agent *, const mas_message *message, void *user) {
    const auto slot = detail::Slot<Fn>::of(user);
    return handled(message, slot->core, [&] { return detail::outcome_of(slot->fn, Message::borrow(message)); });
  }
  template <typename S, typename Fn>
  static mas_status typed_message_came(mas_agent *, const mas_message *message, const void *filled, void *user) {
    const auto slot = detail::Slot<Fn>::of(user);
    return handled(message, slot->core, [&] {
      S value{};
      detail::Cell<S>::load(static_cast<const std::byte *>(filled), value);
      return detail::outcome_of(slot->fn, Message::borrow(message), std::move(value));
    });
  }
  template <typename Fn, typename... Args>
  static void run_slot(void *user, Args... args) {
    const auto slot = detail::Slot<Fn>::of(user);
    const detail::Running running(slot->core);
    static_cast<void>(detail::outcome_of(slot->fn, args...));  // the library ends what it throws, and tells of it
  }

  Result<void> start_core(Millis timeout) {
    if (get() == nullptr) return gone();
    const auto core = core_;  // the start hook may destroy this agent
    core->load_due = true;
    core->start_error.reset();
    auto started = result_of(mas_agent_start(core->agent, detail::milliseconds(timeout)));
    if (!started) return core->start_error ? *core->start_error : started.error();
    core->load_bound();
    return {};
  }
  template <typename Function>
  Result<void> reload(Function &&function, Millis timeout) {
    auto filled = call(function, detail::milliseconds(timeout));
    if (filled && core_->bound != nullptr) core_->bound->load();
    return filled;
  }

  static AgentInfo info(const mas_agent_list *list, size_t i) {
    AgentInfo agent;
    agent.id = mas_agent_list_id(list, i);
    agent.metadata = mas_agent_list_metadata(list, i);
    agent.active = mas_agent_list_active(list, i);
    agent.registered_at = mas_agent_list_registered_at(list, i);
    for (size_t j = 0; j < mas_agent_list_capability_count(list, i); ++j)
      agent.capabilities.emplace_back(mas_agent_list_capability(list, i, j));
    return agent;
  }

  std::shared_ptr<Core> core_;
};

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_AGENT_HPP
