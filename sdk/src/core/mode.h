// How an agent's messages travel. An agent has one mode for its life: one publishes and subscribes (peer/mode.h), the
// other talks to the gateway (gateway/mode.h). Nothing outside of these folders knows which it is.
//
// Happy path, per start: load() ─▶ begin() ─▶ prepare() ─▶ listen() ─▶ open() ─▶ up() … down() … up() ─▶ finish()
// ─▶ close() ─▶ end().
// Drafts go into the outbox; what arrives goes to the host as finished messages with their lane (ModeHost::deliver).
// Failure modes:
//   not prepared, not heard   told to `done`; the session tries again
//   deaf, data lost, another instance needed   told to the host
// Threading: as each group of functions says. Ownership: the agent's context.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/base/secret.h"
#include "proto/redis/command.h"

struct mas_message;

namespace mas::sdk {

class ModeHost;
class Op;
class Outbox;
struct AgentContext;

class Mode {
 public:
  struct Traits {
    std::string_view entry_name;  ///< field `mode` of the agent's entry; empty: it has none
    /// Nothing that arrived is dropped, since the mode reads no more than there is room for, and no outcome is, since
    /// it is the only one. Else the inbox has a bound, and a stop drops what nobody took.
    bool keeps_all;
    /// A message goes to one instance, and comes again when its handler fails. Else each instance gets it, once.
    bool redelivers;
  };

  Mode(Traits its_traits, std::shared_ptr<Outbox> its_outbox) : traits(its_traits), outbox(std::move(its_outbox)) {}
  virtual ~Mode() = default;
  Mode(const Mode&) = delete;
  Mode& operator=(const Mode&) = delete;

  const Traits traits;
  const std::shared_ptr<Outbox> outbox;  ///< any thread

  // Any thread.

  /// @return why what was sent has no outcome yet, as far as it is known; or empty.
  virtual std::string obstacle() { return {}; }

  // The polling thread.

  /// The message's handler begins, and with it the message's time.
  virtual void began(const mas_message&) {}

  // Any thread.

  /// The message's time ends: its handler returned, or somebody settles it. Once, before handled().
  /// @return false: it was out of time and has failed; what came later does not count, and handled() is not called.
  virtual bool ended(const mas_message&) { return true; }
  /// The message is settled, once: its handler returned, or a deferred one has its outcome. @param failed whether it
  /// was not handled. @param why one sentence, printable.
  virtual void handled(mas_message&, bool /*failed*/, std::string_view /*why*/) {}

  // While stopped.

  /// Reads what each start reads anew. @return why the agent cannot start.
  virtual Status load() { return {}; }

  // The I/O thread.

  /// A session begins. @param host lives until end().
  virtual void begin(ModeHost& host) = 0;
  /// The channel to hear before the agent registers. Another one with each instance.
  virtual std::string channel() const = 0;
  /// What has to be there before the agent registers; null: nothing.
  virtual std::unique_ptr<Op> prepare(std::function<void(Status)> done) = 0;
  /// Begins to hear beside the channel, and tries whether it may, before the agent registers.
  /// @param done called once, perhaps at once: ok, or why not; never after down(), renamed() and close().
  virtual void listen(std::function<void(Status)> done) { done(Status()); }
  /// Adds to the commands that renew the instance's lease.
  virtual void add_lease(redis::Command&) const {}
  /// The agent came up: messages are accepted from now on.
  virtual void open() = 0;
  /// The agent is registered and hears. @param token the registry's, of the agent's entry.
  virtual void up(const Secret& /*token*/) {}
  /// The instance's lease was renewed.
  virtual void renewed() {}
  /// The agent is not up any more.
  virtual void down() {}
  /// Redis takes writes again, after it had refused some on these links, or its clock is known anew: what waits for its
  /// time is tried now.
  virtual void recovered() {}
  /// The link for commands was made anew, perhaps to another server: so is every other link.
  virtual void link_renewed() {}
  /// Both links are there again while the agent stops: what is queued may go out.
  virtual void links_back() {}
  virtual void on_payload(std::string_view payload) = 0;
  /// Bytes of the largest payload that it takes.
  virtual size_t max_payload() const = 0;
  /// A larger one came, and was left out. @param bytes that it had.
  virtual void on_oversized(uint64_t bytes) = 0;
  /// The agent goes by another instance's name from now on, which has its lease; up() comes again.
  /// @param before the instance's name until now.
  virtual void renamed(const std::string& /*before*/) {}
  /// No more messages come in; waits until what was sent has its outcome. @param done called once: ok, or kTimeout with
  /// how many messages have none. May be called at once.
  virtual void finish(Duration patience, std::function<void(Status)> done) = 0;
  /// Stops everything; finish() may be under way.
  virtual void close() = 0;
  /// The session is over; not from inside one of the mode's calls.
  virtual void end() = 0;
};

/// Makes the mode of an agent, by its configuration.
using MakeMode = std::unique_ptr<Mode> (*)(AgentContext& agent);

}  // namespace mas::sdk
