// A received message: one block of memory with the envelope's bytes in it, shared by reference count.
//
// Happy path: the I/O thread copies a payload once into a block and decodes it in place. The texts that mas.h hands out
// are parts of that block, zero-terminated by overwriting the byte behind each (a closing quote, or what follows the
// data object); the envelope as it was sent is put together again only for a caller that asks for it.
// Failure: make() returns what the decoder found, or kNoMemory.
// Threading: immutable but for the reference count, the restored envelope and the notes that it was replied to or
// deferred, all safe from any thread.
// Ownership: by reference. A message in a queue or a callback knows its agent's outbox by pointer; one that the
// application keeps holds the outbox alive, so that answering late is an error and never a fault.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proto/base/result.h"
#include "proto/wire/envelope.h"
#include "proto/wire/trace_context.h"
#include "sdk/include/mas.h"

namespace mas::sdk {

class Outbox;
class OwnContext;
class Settlements;
struct Delivery;

/// The stream entry that a message is part of. Only the mode that read the entry looks into it.
struct Share {
  std::shared_ptr<Delivery> delivery;  ///< null: it came with none
  uint32_t index = 0;                  ///< of its record in the entry
  std::string key;                     ///< that the dedupe window knows it by; or empty
};

struct MessageRelease {
  void operator()(mas_message* message) const;
};
/// One reference to a message.
using MessagePtr = std::unique_ptr<mas_message, MessageRelease>;

}  // namespace mas::sdk

/// The C handle is the object itself.
struct mas_message {
 public:
  /// @param outbox whom a reply goes through. @param ticket what goes back with a reply; copied.
  static mas::Result<mas::sdk::MessagePtr> make(std::string_view payload, mas::EnvelopeDecoder& decoder,
                                                size_t max_bytes, mas::sdk::Outbox& outbox,
                                                std::string_view ticket = {});
  void ref();
  void unref();
  /// @return false: the last reference is gone, and none was added.
  bool ref_if_alive();
  /// Makes the message safe to keep beyond the agent's next poll: what the application gets to own.
  void keep();

  const char* sender() const { return sender_; }
  const char* target() const { return target_; }
  const char* type() const { return type_; }
  const char* id() const { return id_; }
  const char* correlation_id() const { return correlation_id_; }
  std::string_view data() const { return {data_, data_size_}; }
  /// @return the envelope's bytes, zero-terminated; nullptr without memory.
  const char* envelope() const;
  size_t size() const { return size_; }
  double timestamp() const { return timestamp_; }
  bool expects_reply() const { return expects_reply_; }
  bool is_reply() const { return is_reply_; }
  // What a message that is sent because of this one takes over; not zero-terminated.
  std::string_view conversation_id() const { return conversation_id_; }
  /// The valid part of the context that it came with; both texts are zero-terminated.
  const mas::TraceContext& trace() const { return trace_; }
  std::string_view chain() const { return chain_; }
  int64_t hops() const { return hops_; }
  /// Of a reply: why the request could not be answered; not zero-terminated.
  const mas::EnvelopeError& error() const { return error_; }
  /// It can be replied to.
  bool is_request() const { return expects_reply_ && *correlation_id_ != '\0'; }
  /// A reply to it was sent.
  bool replied() const { return replied_.load(std::memory_order_relaxed); }
  void set_replied() { replied_.store(true, std::memory_order_relaxed); }
  /// It is counted among the messages that were not handled. @return whether it was before.
  bool set_failure_counted() { return failure_counted_.exchange(true, std::memory_order_relaxed); }
  mas::sdk::Outbox& outbox() const { return *outbox_; }

  /// It is for a handler. Before it is queued. @param settlements its agent's. @param start the number of the agent's
  /// start.
  void settled_by(mas::sdk::Settlements& settlements, uint64_t start) {
    settlements_ = &settlements;
    start_ = start;
  }
  /// Valid while its handler runs, and once it is deferred.
  mas::sdk::Settlements* settlements() const { return settlements_; }
  uint64_t start() const { return start_; }
  /// An observer was told that its handler begins. Before the handler runs.
  /// @param number of the event, which ends when the message is settled. @param context what the observer gave to it.
  void traced_as(uint64_t number, const mas::sdk::OwnContext& context);
  uint64_t trace_number() const { return trace_number_; }
  /// @return what messages that are sent because of this one carry, and replies to it.
  mas::TraceContext trace_to_pass_on() const;
  /// It is settled later. Before the handler ends; whoever settles it may outlive the agent.
  void deferred_by(std::shared_ptr<mas::sdk::Settlements> owner) {
    settlements_owner_ = std::move(owner);
    deferred_.store(true, std::memory_order_release);
  }
  bool deferred() const { return deferred_.load(std::memory_order_acquire); }

  std::string_view ticket() const { return {ticket_, ticket_size_}; }

  /// The stream entry that it is part of, and how often it failed. Before it is queued; the poller takes the share when
  /// the handler is done.
  void came_with(mas::sdk::Share share, uint32_t failures) {
    share_ = std::move(share);
    failures_ = failures;
  }
  const mas::sdk::Share& share() const { return share_; }
  mas::sdk::Share take_share() { return std::move(share_); }
  uint32_t failures() const { return failures_; }

 private:
  struct Patch {
    size_t offset;
    char before;
  };

  mas_message(size_t size, mas::sdk::Outbox& outbox);
  ~mas_message();
  mas::Status decode(mas::EnvelopeDecoder& decoder, size_t max_bytes);
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  mas::Result<const char*> text(std::string_view view, const char* what);
  std::string_view kept(std::string_view view);
  bool inside(std::string_view view) const { return view.data() >= bytes() && view.data() < bytes() + size_; }
  const char* terminate(std::string_view inside);

  std::atomic<unsigned> references_{1};
  std::atomic<bool> kept_{false};
  std::atomic<bool> replied_{false};
  std::atomic<bool> failure_counted_{false};
  std::atomic<bool> deferred_{false};
  bool expects_reply_ = false;
  bool is_reply_ = false;
  unsigned char patch_count_ = 0;
  const char* sender_ = "";
  const char* target_ = "";
  const char* type_ = "";
  const char* id_ = "";
  const char* correlation_id_ = "";
  const char* data_ = "";
  size_t data_size_ = 0;
  std::string_view conversation_id_, chain_;
  mas::TraceContext trace_{"", ""};
  mas::EnvelopeError error_;
  int64_t hops_ = 0;
  double timestamp_ = 0;
  const char* ticket_ = nullptr;  // behind the envelope's padding
  size_t ticket_size_ = 0;
  size_t size_;
  mas::sdk::Outbox* outbox_;
  std::shared_ptr<mas::sdk::Outbox> outbox_owner_;  // set by keep()
  mas::sdk::Settlements* settlements_ = nullptr;
  uint64_t start_ = 0;
  uint64_t trace_number_ = 0;
  std::unique_ptr<const mas::sdk::OwnContext> traced_context_;  // null: no observer was told
  std::shared_ptr<mas::sdk::Settlements> settlements_owner_;    // set before deferred_
  mas::sdk::Share share_;                                       // gateway mode: until handled
  uint32_t failures_ = 0;
  std::array<Patch, 8> patches_;
  std::string unescaped_;                         // texts that had escapes, each with its zero
  mutable std::atomic<char*> restored_{nullptr};  // the envelope without patches
};
