// How an agent's messages travel: what a session leaves to its mode. One implementation publishes and subscribes
// (PeerPath), the other talks to the gateway (GatewayPath); nothing else in the session knows which.
//
// Threading: the I/O thread. Ownership: the session's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sdk/src/core/op.h"
#include "sdk/src/gateway/deliveries.h"

namespace mas::sdk {

class Runtime;

/// What a path needs of its session.
class PathHost : public OpHost, public OutboxListener {
 public:
  virtual Runtime& runtime() = 0;
  /// Takes in one envelope: a reply ends its request, any other message goes to the inbox.
  /// @param share of the stream entry that it came with; without one in peer-to-peer mode. @param failures how often its
  /// handler failed.
  virtual void receive(std::string_view envelope, std::string_view ticket, const Share& share, uint32_t failures) = 0;
  /// The path does not hear any more, though the session's links may live: the agent is not up until listen() has succeeded
  /// again.
  virtual void on_deaf(const Error& why) = 0;
  /// Redis has less than it had: told and counted; where the agent was up, it comes up again after that.
  virtual void lost_data(const std::string& what) = 0;
  /// Redis's clock may not be what it was; recovered() follows when it is not.
  virtual void ask_time() = 0;
  /// Begins anew under another instance's name, soon.
  virtual void begin_anew(const std::string& why) = 0;
};

class Path {
 public:
  virtual ~Path() = default;

  /// The channel to hear before the agent registers. Another one with each instance.
  virtual std::string channel() const = 0;
  /// What has to be there before the agent registers; null: nothing.
  virtual std::unique_ptr<Op> prepare(std::function<void(Status)> done) = 0;
  /// Begins to hear beside the channel, and tries whether it may, before the agent registers.
  /// @param done called once, perhaps at once: ok, or why not; never after down(), renamed() and close().
  virtual void listen(std::function<void(Status)> done) = 0;
  /// The agent came up: messages are accepted from now on.
  virtual void open() = 0;
  /// The agent is registered and hears. @param token the registry's, of the agent's entry.
  virtual void up(const Secret& token) = 0;
  /// The instance's lease was renewed.
  virtual void renewed() = 0;
  /// The agent is not up any more.
  virtual void down() = 0;
  /// Redis takes writes again, after it had refused some on these links, or its clock is known anew: what waits for its time
  /// is tried now.
  virtual void recovered() = 0;
  /// Both links are there again while the agent stops: what is queued may go out.
  virtual void links_back() = 0;
  virtual void drain() = 0;
  /// The verdict about something that the path itself sent (OutgoingKind::kReport).
  virtual void on_report(const Id128& id, const Verdict& verdict) = 0;
  virtual void on_payload(std::string_view payload) = 0;
  /// The agent goes by another instance's name from now on, which has its lease; up() comes again.
  virtual void renamed() = 0;
  /// No more messages come in; waits until what was sent has its verdict. @param done called once: ok, or kTimeout with how
  /// many messages have none. May be called at once.
  virtual void finish(Duration patience, std::function<void(Status)> done) = 0;
  /// Ends everything; finish() may be under way.
  virtual void close() = 0;
};

std::unique_ptr<Path> make_path(PathHost& host);

}  // namespace mas::sdk
