// A started agent on the I/O thread: from joining the connections to leaving them.
//
//     idle ──begin──▶ joining ──heard and connected──▶ registering ──▶ up ──┐
//                        ▲                                │ failed     │ a link is lost
//                        └────────────────────────────────┴────────────┘
//     stop from anywhere ──▶ stopping (flush, StopOp) ──▶ closing ──▶ ended
//
// How messages travel is its Mode's.
// Happy path: join the hub; once the mode's channel is confirmed and commands can be sent, register (Registering); the
// agent is up. While up it beats, and looks with every beat whether its registration is still there.
// Failure: while starting, an error that no retry can mend (wrong password, say) fails the start; everything else is
// retried until the application gives up. Once it was up, the session recovers by itself for ever: it joins and
// registers again after every loss, and tells the inbox of each change. An agent that cannot hear does not beat: it
// would look healthy and be deaf.
// Threading: the I/O thread, except the constructor and destructor. Ownership: the Agent's, which destroys it after
// `ended`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/backoff.h"
#include "proto/base/state_machine.h"
#include "proto/redis/loop.h"
#include "sdk/src/agent/clock_probe.h"
#include "sdk/src/agent/heartbeat.h"
#include "sdk/src/agent/registering.h"
#include "sdk/src/agent/shared.h"
#include "sdk/src/core/mode_host.h"
#include "sdk/src/core/op.h"
#include "sdk/src/loop/hub.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {

class Session final : public HubMember, public ModeHost, public HeartbeatListener {
 public:
  Session(Runtime& runtime, AgentShared& agent);
  ~Session() override;

  /// @param started called once, with how the start ended; not after stop().
  void begin(std::function<void(Status)> started);
  /// @param patience how long to take the registration back; negative: for ever.
  /// @param ended called once, when nothing of the session runs any more.
  void stop(Duration patience, std::function<void(Status)> ended);
  /// Takes over an operation and begins it; a session that is not up cancels it.
  void launch(std::unique_ptr<Op> op);
  /// Looks when the next asynchronous request is over time.
  void watch_requests();
  /// @return why the agent is not up yet.
  Error obstacle() const;

  // HubMember
  void on_link_ready(bool again) override;
  void on_link_down(const Error& why) override;
  void on_hearing() override { links_changed(); }
  void on_subscription_refused(const Error& why) override;
  void on_payload(std::string_view payload) override { mode_.on_payload(payload); }
  size_t max_payload() const override { return mode_.max_payload(); }
  void on_oversized(uint64_t bytes) override { mode_.on_oversized(bytes); }
  // ModeHost
  Runtime& runtime() override { return runtime_; }
  EnvelopeDecoder& decoder() override { return hub_->decoder(); }
  void deliver(Lane lane, MessagePtr message) override;
  bool awaits_replies() override { return agent_.requests->any_waits(); }
  void on_receiving_lost(const Error& why) override;
  void lost_data(const std::string& what) override;
  void in_doubt(InDoubt doubt, const std::string& why) override;
  void ask_time() override { clock_.ask(commands()); }
  void begin_anew(const std::string& why) override;
  void on_outcome(OutgoingKind kind, const Id128& id, std::string_view target, const SendOutcome& outcome) override;
  // OpHost
  redis::Client& commands() override { return hub_->commands(); }
  AgentContext& context() override { return agent_; }
  uv_loop_t* loop() override { return runtime_.loop(); }
  void run(std::unique_ptr<Op> op) override;
  void retire(Op& op) override;

 private:
  // HeartbeatListener
  void on_beating() override { ask_time(); }
  void on_lease_renewed(MonoTime sent) override;
  void on_beat_recovered() override { mode_.recovered(); }
  void on_registration(Registration found) override;

  enum class State : uint8_t { kIdle, kJoining, kRegistering, kUp, kStopping, kClosing, kEnded };
  static constexpr auto kMoves = transitions<State>({{State::kIdle, State::kJoining},
                                                     {State::kJoining, State::kRegistering},
                                                     {State::kRegistering, State::kUp},
                                                     {State::kRegistering, State::kJoining},
                                                     {State::kUp, State::kJoining},
                                                     {State::kUp, State::kRegistering},
                                                     {State::kJoining, State::kStopping},
                                                     {State::kRegistering, State::kStopping},
                                                     {State::kUp, State::kStopping},
                                                     {State::kStopping, State::kClosing},
                                                     {State::kClosing, State::kEnded}});

  struct Timers {
    explicit Timers(Session& session);
    redis::Timer retry, requests;
    redis::BeforePoll wake;
  };

  void wake_poller();
  bool starting() const { return static_cast<bool>(started_); }
  void join();
  void links_changed();
  void try_register();
  void register_again(RegisterOp::Occasion occasion, const std::string& why);
  void not_registered(const Error& why);
  void take_reply(MessagePtr reply);
  void came_up(const Secret& token);
  void went_down(const Error& why);
  void rename();
  void fail_start(const Error& why);
  void refuse_messages();
  void on_clock_stepped();
  void take_back(Duration patience, const Status& flushed);
  void close(const Status& outcome);
  void cancel_operations();
  void let_go(const Status& outcome);

  Runtime& runtime_;
  AgentShared& agent_;
  Mode& mode_;
  std::string channel_;
  StateMachine<State> state_{State::kIdle, kMoves};
  std::function<void(Status)> started_;
  std::function<void(Status)> ended_;
  std::shared_ptr<Hub> hub_;
  std::unique_ptr<Timers> timers_;
  std::unique_ptr<Heartbeat> heartbeat_;
  ClockProbe clock_;
  std::vector<std::unique_ptr<Op>> operations_;
  std::vector<std::unique_ptr<Op>> retired_;  // deleted when the stack is back in the loop
  Registering registering_;
  Backoff backoff_;
  bool was_up_ = false;
  bool link_lost_ = false;  // since it was up
  bool renaming_ = false;
  std::optional<Error> obstacle_;
};

}  // namespace mas::sdk
