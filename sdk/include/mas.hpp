// C++17 over mas.h: owning handles, std::string, std::function, std::chrono. Header only; link libmas.
//
//   mas::Agent agent("calculator", mas::Options().capability("math.add"));
//   agent.on_message("add", [](const mas::Message& request) { request.reply("sum", R"({"sum":3})"); });
//   agent.start();
//   agent.run();   // until quit()
//
// Failure: a call that fails throws mas::Failure, with the status and the text of mas_error_detail(). Two calls return
// their failure instead, since it is an ordinary event: try_send() returns a status, poll() returns whether to go on.
// A handler that throws has failed (MAS_HANDLER_FAILED). No exception passes through the C library.
// Threading and lifetime: as in mas.h. An agent keeps its callbacks until it is destroyed, also replaced ones.
#ifndef MAS_HPP
#define MAS_HPP

#include <mas.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#ifdef __GLIBCXX__
#include <cxxabi.h>
#endif

namespace mas {
inline namespace v0 {

using Millis = std::chrono::milliseconds;
/// A time-out that never expires.
inline constexpr Millis kForever{-1};

class Failure : public std::runtime_error {
 public:
  explicit Failure(mas_status status)
      : std::runtime_error(std::string(mas_status_text(status)) + ": " + mas_error_detail()), status_(status) {}
  mas_status status() const { return status_; }
  bool retriable() const { return mas_status_retriable(status_); }

 private:
  mas_status status_;
};

/// The last receipt that this thread has seen (mas_receipt_decision and the other mas_receipt_… functions of mas.h).
struct ReceiptNote {
  std::string decision;  ///< "" when the gateway has not decided
  std::string detail;
  Millis retry_after{0};
};
inline ReceiptNote receipt_note() {
  return {mas_receipt_decision(), mas_receipt_detail(), Millis(mas_receipt_retry_after())};
}

inline void check(mas_status status) {
  if (status != MAS_OK) throw Failure(status);
}

/// A key under which the gateway encrypts values. Copies share one key.
class DataKey {
 public:
  DataKey(const std::string &id, const std::string &path) {
    mas_data_key *key;
    check(mas_data_key_read(id.c_str(), path.c_str(), &key));
    key_.reset(key, &mas_data_key_free);
  }
  const mas_data_key *get() const { return key_.get(); }

 private:
  std::shared_ptr<mas_data_key> key_;
};

/// A received message, shared by reference count. It may be kept beyond its callback.
class Message {
 public:
  /// Adds a reference of its own.
  explicit Message(const mas_message *borrowed) : message_(mas_message_ref(borrowed), &mas_message_unref) {}
  /// Takes ownership of the caller's reference.
  static Message adopt(mas_message *owned) { return Message(std::shared_ptr<mas_message>(owned, &mas_message_unref)); }

  std::string_view sender() const { return mas_message_sender(message_.get()); }
  std::string_view type() const { return mas_message_type(message_.get()); }
  std::string_view id() const { return mas_message_id(message_.get()); }
  std::string_view correlation_id() const { return mas_message_correlation_id(message_.get()); }
  /// The message's JSON object.
  std::string_view data() const {
    size_t size;
    const char *text = mas_message_data(message_.get(), &size);
    return {text, size};
  }
  std::string_view envelope() const {
    size_t size;
    const char *text = mas_message_envelope(message_.get(), &size);
    if (text == nullptr) throw std::bad_alloc();
    return {text, size};
  }
  /// The data, with the values under `key` decrypted.
  std::string decrypted(const DataKey &key) const {
    char *json;
    size_t size;
    check(mas_message_decrypt(message_.get(), key.get(), &json, &size));
    std::unique_ptr<char, decltype(&mas_free)> owned(json, &mas_free);
    return std::string(json, size);
  }
  double timestamp() const { return mas_message_timestamp(message_.get()); }
  uint32_t attempt() const { return mas_message_attempt(message_.get()); }
  bool expects_reply() const { return mas_message_expects_reply(message_.get()); }

  void reply(const std::string &type, std::string_view json = "{}") const {
    check(mas_message_reply(message_.get(), type.c_str(), json.data(), json.size()));
  }
  const mas_message *c_message() const { return message_.get(); }

 private:
  explicit Message(std::shared_ptr<mas_message> message) : message_(std::move(message)) {}
  std::shared_ptr<mas_message> message_;
};

/// The settings of a new agent. Each setter returns the options. Copies share the same options.
class Options {
 public:
  Options() : options_(mas_options_new(), &mas_options_free) {
    if (options_ == nullptr) throw std::bad_alloc();
  }
  Options &redis_url(const std::string &url) { return set(mas_options_set_redis_url(get(), url.c_str())); }
  Options &name_space(const std::string &ns) { return set(mas_options_set_namespace(get(), ns.c_str())); }
  Options &capability(const std::string &name) { return set(mas_options_add_capability(get(), name.c_str())); }
  Options &metadata(std::string_view json) { return set(mas_options_set_metadata(get(), json.data(), json.size())); }
  Options &heartbeat(Millis interval, Millis ttl) {
    return set(mas_options_set_heartbeat(get(), static_cast<int>(interval.count()), static_cast<int>(ttl.count())));
  }
  Options &max_message(size_t bytes) { return set(mas_options_set_max_message(get(), bytes)); }
  Options &inbound_queue(size_t messages, size_t bytes) {
    return set(mas_options_set_inbound_queue(get(), messages, bytes));
  }
  Options &outbound_queue(size_t messages, size_t bytes) {
    return set(mas_options_set_outbound_queue(get(), messages, bytes));
  }
  Options &mode(mas_mode mode) { return set(mas_options_set_mode(get(), mode)); }
  Options &credentials(const std::string &path) { return set(mas_options_set_credentials(get(), path.c_str())); }
  Options &handler_timeout(int timeout_ms) { return set(mas_options_set_handler_timeout(get(), timeout_ms)); }
  Options &dedupe_window(size_t messages) { return set(mas_options_set_dedupe_window(get(), messages)); }
  mas_options *get() const { return options_.get(); }

 private:
  Options &set(mas_status status) {
    check(status);
    return *this;
  }
  std::shared_ptr<mas_options> options_;
};

/// An agent, as discovery found it.
struct AgentInfo {
  std::string id;
  std::vector<std::string> capabilities;
  std::string metadata;
  bool active = true;
  double registered_at = 0;
};

class Agent {
 public:
  using OnMessage = std::function<void(const Message &)>;
  /// `reply` is null unless the status is MAS_OK.
  using OnReply = std::function<void(mas_status, const Message *reply)>;
  using OnReceipt = std::function<void(std::string_view message_id, std::string_view target, mas_status outcome)>;
  using OnConnection = std::function<void(mas_connection, std::string_view detail)>;
  using OnOverflow = std::function<void(uint64_t dropped)>;

  explicit Agent(const std::string &id, const Options &options = Options()) {
    mas_agent *agent = nullptr;
    check(mas_agent_new(id.c_str(), options.get(), &agent));
    agent_.reset(agent);
  }

  void start(Millis timeout = Millis(10'000)) { check(mas_agent_start(get(), ms(timeout))); }
  void stop(Millis timeout = Millis(2'000)) { check(mas_agent_stop(get(), ms(timeout))); }
  void run() { check(mas_agent_run(get())); }
  /// @return false after quit().
  bool poll(Millis timeout) {
    mas_status status = mas_agent_poll(get(), ms(timeout), nullptr);
    if (status != MAS_CANCELLED) check(status);
    return status == MAS_OK;
  }
  void quit() { mas_agent_quit(get()); }
  int fd() const { return mas_agent_fd(get()); }
  std::string_view id() const { return mas_agent_id(get()); }
  std::string_view instance() const { return mas_agent_instance(get()); }

  void on_message(const std::string &type, OnMessage fn) {
    check(mas_agent_on_message(get(), type.c_str(), &message_came, keep(std::move(fn))));
  }
  /// Sets the fallback, for types without a handler.
  void on_other_message(OnMessage fn) {
    check(mas_agent_on_message(get(), nullptr, &message_came, keep(std::move(fn))));
  }
  void on_receipt(mas_receipts which, OnReceipt fn) {
    mas_agent_on_receipt(
        get(), which,
        [](mas_agent *, const char *id, const char *target, mas_status outcome, void *user) {
          guard([&] { (*static_cast<OnReceipt *>(user))(id, target, outcome); });
        },
        keep(std::move(fn)));
  }
  void on_connection(OnConnection fn) {
    mas_agent_on_connection(
        get(),
        [](mas_agent *, mas_connection state, const char *detail, void *user) {
          guard([&] { (*static_cast<OnConnection *>(user))(state, detail); });
        },
        keep(std::move(fn)));
  }
  void on_overflow(OnOverflow fn) {
    mas_agent_on_overflow(
        get(),
        [](mas_agent *, uint64_t dropped, void *user) { guard([&] { (*static_cast<OnOverflow *>(user))(dropped); }); },
        keep(std::move(fn)));
  }

  /// Queues a message. @return the message's id.
  std::string send(const std::string &target, const std::string &type, std::string_view json = "{}") {
    char id[MAS_MESSAGE_ID_SIZE];
    check(mas_agent_send(get(), target.c_str(), type.c_str(), json.data(), json.size(), id));
    return id;
  }
  /// As send(), but returns the status instead of throwing: for loops that meet MAS_WOULD_BLOCK often.
  mas_status try_send(const std::string &target, const std::string &type, std::string_view json = "{}") {
    return mas_agent_send(get(), target.c_str(), type.c_str(), json.data(), json.size(), nullptr);
  }
  /// Sends a message and waits for its outcome. Throws unless it was accepted. @return the message's id.
  std::string send_wait(const std::string &target, const std::string &type, std::string_view json, Millis timeout) {
    char id[MAS_MESSAGE_ID_SIZE];
    check(mas_agent_send_wait(get(), target.c_str(), type.c_str(), json.data(), json.size(), ms(timeout), id));
    return id;
  }
  /// Sends a message with a priority, a deadline or both. @return the message's id.
  std::string send_with(const std::string &target, const std::string &type, std::string_view json,
                        const mas_send_options &options) {
    char id[MAS_MESSAGE_ID_SIZE];
    check(mas_agent_send_with(get(), target.c_str(), type.c_str(), json.data(), json.size(), &options, sizeof options,
                              id));
    return id;
  }
  /// Repeats a message with an unknown outcome, under the message id that it had.
  void send_again(const std::string &id, const std::string &target, const std::string &type,
                  std::string_view json = "{}") {
    check(mas_agent_send_again(get(), id.c_str(), target.c_str(), type.c_str(), json.data(), json.size()));
  }
  void flush(Millis timeout) { check(mas_agent_flush(get(), ms(timeout))); }

  Message request(const std::string &target, const std::string &type, std::string_view json, Millis timeout) {
    mas_message *reply = nullptr;
    check(mas_agent_request(get(), target.c_str(), type.c_str(), json.data(), json.size(), ms(timeout), &reply));
    return Message::adopt(reply);
  }
  void request_async(const std::string &target, const std::string &type, std::string_view json, Millis timeout,
                     OnReply fn) {
    auto pending = std::make_unique<OnReply>(std::move(fn));
    check(mas_agent_request_async(get(), target.c_str(), type.c_str(), json.data(), json.size(), ms(timeout),
                                  &request_ended, pending.get(), nullptr));
    static_cast<void>(pending.release());  // request_ended frees it
  }

  std::vector<AgentInfo> discover(const std::vector<std::string> &capabilities, unsigned flags = MAS_DISCOVER_ANY,
                                  size_t limit = 0, Millis timeout = Millis(5'000)) {
    std::vector<const char *> names;
    for (const auto &name : capabilities) names.push_back(name.c_str());
    mas_agent_list *raw = nullptr;
    check(mas_agent_discover(get(), names.data(), names.size(), flags, limit, ms(timeout), &raw));
    std::unique_ptr<mas_agent_list, decltype(&mas_agent_list_free)> list(raw, &mas_agent_list_free);
    std::vector<AgentInfo> agents(mas_agent_list_size(raw));
    for (size_t i = 0; i < agents.size(); ++i) agents[i] = info(raw, i);
    return agents;
  }

  std::optional<std::string> state(const std::string &field) {
    char *value = nullptr;
    size_t size = 0;
    mas_status status = mas_state_get(get(), field.c_str(), &value, &size);
    if (status == MAS_NOT_FOUND) return std::nullopt;
    check(status);
    std::unique_ptr<char, decltype(&mas_free)> owned(value, &mas_free);
    return std::string(value, size);
  }
  /// Writes all of the fields or none. An empty optional removes its field.
  void update_state(const std::map<std::string, std::optional<std::string>> &fields, Millis timeout = Millis(5'000)) {
    std::vector<mas_state_field> raw;
    for (const auto &[name, value] : fields)
      raw.push_back({name.c_str(), value ? value->data() : nullptr, value ? value->size() : 0});
    check(mas_state_update(get(), raw.data(), raw.size(), ms(timeout)));
  }
  void reset_state(Millis timeout = Millis(5'000)) { check(mas_state_reset(get(), ms(timeout))); }
  void refresh_state(Millis timeout = Millis(5'000)) { check(mas_state_refresh(get(), ms(timeout))); }

  mas_stats stats() const {
    mas_stats stats;
    mas_agent_stats(get(), &stats, sizeof stats);
    return stats;
  }
  mas_agent *get() const { return agent_.get(); }

 private:
  struct Free {
    void operator()(mas_agent *agent) const { mas_agent_free(agent); }
  };

  static int ms(Millis timeout) { return static_cast<int>(timeout.count()); }

#ifdef __GLIBCXX__  // the end of a thread carries no exception object; UBSan reports a null reference
  template <typename Call>
  __attribute__((no_sanitize("null", "alignment"))) static mas_status guard(Call &&call) {
#else
  template <typename Call>
  static mas_status guard(Call &&call) {
#endif
    try {
      call();
      return MAS_OK;
#ifdef __GLIBCXX__
    } catch (const abi::__forced_unwind &) {
      throw;  // the thread ends
#endif
    } catch (...) {
      return MAS_HANDLER_FAILED;
    }
  }

  static mas_status message_came(mas_agent *, const mas_message *message, void *user) {
    return guard([&] { (*static_cast<OnMessage *>(user))(Message(message)); });
  }

  static void request_ended(mas_agent *, mas_status status, const mas_message *reply, void *user) {
    std::unique_ptr<OnReply> fn(static_cast<OnReply *>(user));
    guard([&] {
      if (reply == nullptr) return (*fn)(status, nullptr);
      Message message(reply);
      (*fn)(status, &message);
    });
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

  /// Keeps a callback until the agent is destroyed. @return its address.
  template <typename Fn>
  void *keep(Fn fn) {
    auto kept = std::make_shared<Fn>(std::move(fn));
    callbacks_.push_back(kept);
    return kept.get();
  }

  std::vector<std::shared_ptr<void>> callbacks_;  // before agent_: freed after it
  std::unique_ptr<mas_agent, Free> agent_;
};

}  // namespace v0
}  // namespace mas

#endif  // MAS_HPP
