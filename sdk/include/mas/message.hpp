// Received messages, the keys of encrypted values, and what the gateway said of a sent message.
#ifndef MAS_MESSAGE_HPP
#define MAS_MESSAGE_HPP

#include <mas/callbacks.hpp>
#include <mas/schema.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {

/// The last receipt that this thread has seen (mas_receipt_decision and the other mas_receipt_… functions of mas.h).
struct ReceiptNote {
  std::string decision;  ///< "" when the gateway has not decided
  std::string detail;
  Millis retry_after{0};
};
inline ReceiptNote receipt_note() {
  return {mas_receipt_decision(), mas_receipt_detail(), Millis(mas_receipt_retry_after())};
}

/// A key under which the gateway encrypts values. Copies share one key.
template <typename Face>
class BasicDataKey {
 public:
  static typename Face::template Of<BasicDataKey> read(const std::string &id, const std::string &path) {
    mas_data_key *key = nullptr;
    if (mas_status status = mas_data_key_read(id.c_str(), path.c_str(), &key); status != MAS_OK)
      return Face::template give<BasicDataKey>(Error(status));
    return Face::template give<BasicDataKey>(BasicDataKey(key));
  }
  /// As read(); throws.
  BasicDataKey(const std::string &id, const std::string &path) : BasicDataKey(read(id, path)) {
    static_assert(Face::kThrows, "use read(), which returns a Result");
  }
  const mas_data_key *get() const { return key_.get(); }

 private:
  explicit BasicDataKey(mas_data_key *key) : key_(key, &mas_data_key_free) {}
  std::shared_ptr<mas_data_key> key_;
};

template <typename Face>
class BasicSettling;

/// A received message, shared by reference count. A copy may be kept beyond the callback, and be used in any thread.
template <typename Face>
class BasicMessage {
  template <typename T>
  using Of = typename Face::template Of<T>;

 public:
  /// Adds a reference of its own.
  explicit BasicMessage(const mas_message *borrowed) : message_(mas_message_ref(borrowed)), owned_(true) {}
  /// Takes ownership of the caller's reference.
  static BasicMessage adopt(mas_message *owned) { return {owned, true}; }
  /// Adds no reference: valid while the caller's is. Copies of it have their own.
  static BasicMessage borrow(const mas_message *message) { return {const_cast<mas_message *>(message), false}; }

  BasicMessage(const BasicMessage &other) : BasicMessage(other.message_) {}
  /// One that was moved from has empty texts, and cannot be replied to.
  BasicMessage(BasicMessage &&other) noexcept : message_(other.message_), owned_(true) {
    if (std::exchange(other.owned_, false))
      other.message_ = nullptr;
    else
      message_ = mas_message_ref(message_);
  }
  BasicMessage &operator=(BasicMessage other) noexcept {
    std::swap(message_, other.message_);
    std::swap(owned_, other.owned_);
    return *this;
  }
  ~BasicMessage() {
    if (owned_) mas_message_unref(message_);
  }

  // Texts are valid as long as the message.
  std::string_view sender() const { return mas_message_sender(message_); }
  std::string_view type() const { return mas_message_type(message_); }
  std::string_view id() const { return mas_message_id(message_); }
  std::string_view correlation_id() const { return mas_message_correlation_id(message_); }
  /// The W3C trace context that it came with; "" without a valid one.
  std::string_view traceparent() const { return mas_message_traceparent(message_); }
  std::string_view tracestate() const { return mas_message_tracestate(message_); }
  /// The message's JSON object.
  std::string_view data() const {
    size_t size = 0;
    const char *text = mas_message_data(message_, &size);
    return {text, size};
  }
  /// The data as a struct, where no typed handler has read it.
  template <typename S>
  Of<S> as() const {
    return Face::give(from_json<S>(data()));
  }
  Of<std::string_view> envelope() const {
    size_t size = 0;
    const char *text = mas_message_envelope(message_, &size);
    if (text == nullptr) return Face::template give<std::string_view>(Error(MAS_NO_MEMORY, "no memory for the text"));
    return Face::template give<std::string_view>(std::string_view(text, size));
  }
  /// The data, with the values under `key` decrypted.
  Of<std::string> decrypted(const BasicDataKey<Face> &key) const {
    char *json = nullptr;
    size_t size = 0;
    if (mas_status status = mas_message_decrypt(message_, key.get(), &json, &size); status != MAS_OK)
      return Face::template give<std::string>(Error(status));
    const detail::OwnedText owned(json);
    return Face::template give<std::string>(std::string(json, size));
  }
  /// Seconds since 1970.
  double timestamp() const { return mas_message_timestamp(message_); }
  uint32_t attempt() const { return mas_message_attempt(message_); }
  bool expects_reply() const { return mas_message_expects_reply(message_); }

  /// @param body text or a struct.
  Of<void> reply(const std::string &type, const Body &body = {}) const {
    if (auto valid = body.valid(); !valid) return Face::give(std::move(valid));
    return Face::give(result_of(mas_message_reply(message_, type.c_str(), body.data(), body.size())));
  }
  /// Answers a request that was kept by an error reply. In a handler, throw or return an Error instead.
  /// @param status MAS_HANDLER_FAILED, MAS_NO_HANDLER, MAS_INVALID_PAYLOAD or MAS_UNAVAILABLE. @param text without
  /// secrets.
  Of<void> reply_error(mas_status status, const std::string &text = "") const {
    return Face::give(result_of(mas_message_reply_error(message_, status, text.c_str())));
  }
  /// In its handler: leaves the outcome to the object that this returns. When the handler ends without an error, the
  /// message is not acknowledged yet (mas_message_defer).
  Of<BasicSettling<Face>> defer() const;
  const mas_message *c_message() const { return message_; }

 private:
  BasicMessage(mas_message *message, bool owned) : message_(message), owned_(owned) {}

  mas_message *message_;
  bool owned_;
};

/// A deferred message. Whoever has this object, in any thread, settles it once; if it is destroyed before, the message
/// has failed.
template <typename Face>
class BasicSettling {
  template <typename T>
  using Of = typename Face::template Of<T>;

 public:
  BasicSettling(BasicSettling &&other) noexcept : message_(std::exchange(other.message_, nullptr)) {}
  BasicSettling &operator=(BasicSettling other) noexcept {
    std::swap(message_, other.message_);
    return *this;
  }
  /// Where the message's own handler throws, that failure is the one that counts.
  ~BasicSettling() {
    const bool handler_throws = message_ == detail::t_handled && std::uncaught_exceptions() > 0;
    if (message_ != nullptr && !handler_throws)
      static_cast<void>(end(MAS_HANDLER_FAILED, "the message was dropped and not settled"));
    mas_message_unref(message_);
  }

  /// The message is handled. Fails for one whose agent has stopped meanwhile, and after the first call.
  Of<void> settle() { return Face::give(end(MAS_OK, nullptr)); }
  /// The message could not be handled. @param text a sentence for the requester, without secrets.
  /// @param status what a handler would have returned.
  Of<void> fail(const std::string &text = "", mas_status status = MAS_HANDLER_FAILED) {
    return Face::give(end(status, text.c_str()));
  }
  /// For replies, before it is settled.
  BasicMessage<Face> message() const { return BasicMessage<Face>(message_); }

 private:
  friend class BasicMessage<Face>;
  explicit BasicSettling(const mas_message *message) : message_(mas_message_ref(message)) {}

  Result<void> end(mas_status status, const char *text) {
    if (message_ == nullptr) return Error(MAS_INVALID_STATE, "the message was settled already, or moved from");
    mas_message *mine = std::exchange(message_, nullptr);
    auto done = result_of(mas_message_settle(mine, mas_message_fail(mine, status, text)));
    mas_message_unref(mine);
    return done;
  }

  mas_message *message_;
};

template <typename Face>
typename Face::template Of<BasicSettling<Face>> BasicMessage<Face>::defer() const {
  using Settling = BasicSettling<Face>;
  if (mas_status status = mas_message_defer(message_); status != MAS_OK)
    return Face::template give<Settling>(Error(status));
  return Face::template give<Settling>(Settling(message_));
}

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_MESSAGE_HPP
