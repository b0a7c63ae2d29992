// From the endpoint to a server that has answered the greeting, and back to the next attempt.
#include "proto/redis/server_link.h"

#include "proto/base/random.h"
#include "proto/base/secret.h"

namespace mas::redis {
namespace {

constexpr auto kMoves = transitions<LinkState>({
    {LinkState::kIdle, LinkState::kConnecting},
    {LinkState::kConnecting, LinkState::kGreeting},
    {LinkState::kConnecting, LinkState::kBackingOff},
    {LinkState::kGreeting, LinkState::kReady},
    {LinkState::kGreeting, LinkState::kBackingOff},
    {LinkState::kReady, LinkState::kBackingOff},
    {LinkState::kBackingOff, LinkState::kConnecting},
    {LinkState::kIdle, LinkState::kStopped},
    {LinkState::kConnecting, LinkState::kStopped},
    {LinkState::kGreeting, LinkState::kStopped},
    {LinkState::kReady, LinkState::kStopped},
    {LinkState::kBackingOff, LinkState::kStopped},
});

}  // namespace

ServerLink::ServerLink(uv_loop_t* loop, const ConnectionOptions& options, LinkListener& listener)
    : options_(options),
      listener_(listener),
      state_(LinkState::kIdle, kMoves),
      transport_(loop, *this, options.secret),
      hello_(options.primary_only ? Hello::kResp2 : Hello::kNone),
      backoff_(options.backoff_base, options.backoff_cap),
      timer_(loop, [this] { on_timer(); }),
      server_(options.endpoint) {
  if (options_.sentinels != nullptr) options_.sentinels->attach(*this);
}

ServerLink::~ServerLink() {
  if (options_.sentinels != nullptr) options_.sentinels->detach(*this);
}

void ServerLink::start() {
  if (state_.is(LinkState::kIdle)) connect();
}

void ServerLink::connect() {
  state_.to(LinkState::kConnecting);
  found_.reset();
  server_ = options_.endpoint;
  // A cluster is refused by on_timer(), not inside of start().
  const bool reachable = server_.topology != Topology::kCluster;
  timer_.once(reachable ? options_.connect_timeout : Duration::zero());
  if (options_.sentinels != nullptr)
    options_.sentinels->find(*this);
  else if (reachable)
    transport_.open(server_);
}

void ServerLink::on_primary(const Found& found) {
  found_ = found;
  server_.topology = Topology::kSingle;
  server_.nodes.clear();
  server_.host = found.naming.server.host;
  server_.port = found.naming.server.port;
  transport_.open(server_);
}

void ServerLink::on_primary_moved(const Node& server) {
  if (found_ && !state_.is(LinkState::kBackingOff) && !(found_->naming.server == server))
    drop(Error{Errc::kUnavailable, "the primary is " + server.text() + " now"});
  if (state_.is(LinkState::kBackingOff)) reconnect_now();
}

/// What was tried before has failed for another server.
void ServerLink::reconnect_now() {
  backoff_.reset();
  timer_.once(Duration::zero());
}

void ServerLink::on_open() {
  state_.to(LinkState::kGreeting);
  std::string bytes = greeting_.begin(server_, options_.client_name, hello_, found_ ? AskRole::kYes : AskRole::kNo);
  listener_.on_link_open(bytes.size());
  transport_.write(bytes);
  if (options_.secret) wipe(bytes);
}

/// PING comes last and shows whether Redis would serve us (LOADING, NOAUTH, MASTERDOWN).
Status ServerLink::greeted(const Reply& reply) {
  Status taken = greeting_.take(reply);
  if (taken.ok() && greeting_.done()) became_ready();
  return taken;
}

void ServerLink::became_ready() {
  state_.to(LinkState::kReady);
  timer_.stop();
  if (found_) options_.sentinels->confirm(*found_);
  ready_since_ = mono_now();
  ++generation_;
  listener_.on_link_ready();
}

void ServerLink::drop(const Error& why) {
  if (!is_open() && !state_.is(LinkState::kConnecting)) return;
  transport_.abort();
  lost(why);
}

/// Plans the next link first: the listener may do anything.
void ServerLink::lost(const Error& why) {
  const bool lasted = why.code == Errc::kTooLarge || mono_now() - ready_since_ >= options_.backoff_cap;
  if (ready() && lasted) backoff_.reset();
  leave_server();
  state_.to(LinkState::kBackingOff);
  timer_.once(backoff_.next(random_u64()));
  listener_.on_link_lost(with_address(why));
}

/// Whoever asks the sentinels next knows what came of their last answer.
void ServerLink::leave_server() {
  if (options_.sentinels == nullptr) return;
  options_.sentinels->give_up(*this);
  if (found_ && !ready()) options_.sentinels->reject(*found_, greeting() ? greeting_.replicates() : std::nullopt);
}

void ServerLink::on_timer() {
  if (state_.is(LinkState::kBackingOff)) return connect();
  if (options_.endpoint.topology == Topology::kCluster)
    return drop(Error{Errc::kInvalidArgument, "this version cannot use a cluster"});
  const char* what = state_.is(LinkState::kConnecting) ? "no connection" : "no answer to the greeting";
  drop(Error{Errc::kTimeout,
             std::string(what) + " within " + std::to_string(to_millis(options_.connect_timeout)) + " ms"});
}

void ServerLink::stop() {
  if (stopped()) return;
  state_.to(LinkState::kStopped);
  transport_.close();
  if (options_.sentinels != nullptr) options_.sentinels->give_up(*this);
  timer_.stop();
}

}  // namespace mas::redis
