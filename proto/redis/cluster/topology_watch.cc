// Asking for the map.
#include "proto/redis/cluster/topology_watch.h"

#include <algorithm>
#include <utility>

#include "proto/base/random.h"
#include "proto/redis/cluster/redirect.h"

namespace mas::redis {
namespace {

constexpr size_t kMapBytes = 8u * 1024 * 1024;  // of the largest cluster, by far
constexpr size_t kMapTextBytes = 4096;

}  // namespace

ConnectionOptions ClusterOptions::of(const Node& address) const {
  ConnectionOptions options = node;
  options.endpoint.topology = Topology::kSingle;
  options.endpoint.nodes.clear();
  options.endpoint.host = address.host;
  options.endpoint.port = address.port;
  return options;
}

TopologyWatch::TopologyWatch(uv_loop_t* loop, const ClusterOptions& options, TopologyListener& listener)
    : loop_(loop),
      options_(options),
      listener_(listener),
      backoff_(options.node.backoff_base, options.node.backoff_cap),
      timer_(loop, [this] { on_timer(); }) {}

TopologyWatch::~TopologyWatch() = default;

void TopologyWatch::start() {
  if (state_.is(State::kIdle)) reach();
}

void TopologyWatch::stop() {
  state_.to(State::kStopped);
  timer_.stop();
  if (scout_ != nullptr) scout_->stop();
}

/// The nodes of the map, then the seeds. Those that may not answer, and the one that was asked last, come last.
void TopologyWatch::begin_round() {
  const auto& seeds = options_.node.endpoint.nodes;
  candidates_.assign(seeds.rbegin(), seeds.rend());
  candidates_.insert(candidates_.end(), map_.peers().begin(), map_.peers().end());
  candidates_.insert(candidates_.end(), map_.primaries().begin(), map_.primaries().end());
  // Not every client begins with the same node.
  const auto known = candidates_.begin() + static_cast<std::ptrdiff_t>(seeds.size() + map_.peers().size());
  const auto primaries = static_cast<size_t>(candidates_.end() - known);
  if (primaries > 1)
    std::rotate(known, known + static_cast<std::ptrdiff_t>(random_u64() % primaries), candidates_.end());
  std::stable_partition(candidates_.begin(), candidates_.end(),
                        [this](const Node& node) { return node == asked_ || failing_.count(node) > 0; });
}

Node TopologyWatch::next_node() {
  if (candidates_.empty()) begin_round();
  Node node = std::move(candidates_.back());
  candidates_.pop_back();
  return node;
}

Duration TopologyWatch::patience() const {
  return std::min<Duration>(kPatience * (1 << std::min(backoff_.attempts(), 10u)), options_.node.connect_timeout);
}

void TopologyWatch::reach() {
  state_.to(State::kReaching);
  doubted_ = false;
  asked_ = next_node();
  ConnectionOptions options = options_.of(asked_);
  options.connect_timeout = patience();
  options.keep_unsent = false;
  options.primary_only = false;
  options.role_interval = {};
  options.reply_limits = {kMapBytes, kMapTextBytes};
  scout_ = std::make_unique<Connection>(loop_, std::move(options), static_cast<ConnectionListener*>(this));
  scout_->start();
}

void TopologyWatch::on_ready(Connection&) {
  if (state_.is(State::kReaching)) ask();
}

void TopologyWatch::ask() {
  state_.to(State::kAsking);
  doubted_ = false;
  auto sent = scout_->send(Command("CLUSTER", "SHARDS"), reply_to<&TopologyWatch::on_reply>(this, kShards), patience());
  if (!sent) try_next(sent.error());
}

void TopologyWatch::on_reply(uint64_t tag, const Answer& answer) {
  if (!state_.is(State::kAsking) || !answer) return;  // on_down follows
  const Reply& reply = **answer;
  if (reply.is_error() && tag == kShards) {  // Redis before 7, or a user who may not
    auto sent = scout_->send(Command("CLUSTER", "SLOTS"), reply_to<&TopologyWatch::on_reply>(this, kSlots), patience());
    if (!sent) try_next(sent.error());
    return;
  }
  if (reply.is_error()) return try_next(error_of(reply).in("CLUSTER SLOTS"));
  const SlotMap::Source source{asked_.host, options_.node.endpoint.kind == Endpoint::Kind::kTls};
  auto map = tag == kShards ? SlotMap::from_shards(reply, source) : SlotMap::from_slots(reply, source);
  if (!map) return try_next(map.error());
  if (map->empty()) return try_next(Error{Errc::kUnavailable, "no slot of the cluster has a primary"});
  take(std::move(*map));
}

void TopologyWatch::take(SlotMap map) {
  state_.to(State::kResting);
  backoff_.reset();
  candidates_.clear();
  mapped_at_ = mono_now();
  std::erase_if(corrections_, [now = mapped_at_](const auto& entry) { return entry.second.until <= now; });
  for (const auto& [slot, correction] : corrections_) map.move(slot, correction.node);
  const bool changed = map != map_;
  if (changed) map_ = std::move(map);
  failing_.erase(asked_);
  std::erase_if(failing_, [this](const Node& node) { return !knows(node); });
  if (doubted_) {
    refresh();
  } else {
    const auto half = static_cast<uint64_t>(options_.refresh_interval.count() / 2);
    timer_.once(Duration(static_cast<int64_t>(half + random_u64() % (half + 1))));
  }
  if (changed) listener_.on_map();
}

void TopologyWatch::on_down(Connection&, const Error& why, unsigned) {
  if (state_.is(State::kResting)) return refresh();
  if (state_.is(State::kReaching) || state_.is(State::kAsking)) try_next(why);
}

bool TopologyWatch::knows(const Node& node) const {
  const auto among = [&node](const auto& nodes) { return std::find(nodes.begin(), nodes.end(), node) != nodes.end(); };
  return among(map_.primaries()) || among(map_.peers());
}

/// The connection is replaced from the loop: this may be one of its callbacks.
void TopologyWatch::try_next(const Error& why) {
  failing_.insert(asked_);
  const bool round_over = candidates_.empty();
  pause(round_over ? backoff_.next(random_u64()) : Duration::zero());
  listener_.on_map_trouble(why.in("the map of the cluster from " + asked_.text()));
}

void TopologyWatch::pause(Duration wait) {
  state_.to(State::kPausing);
  timer_.once(wait);
}

void TopologyWatch::refresh() {
  if (state_.is(State::kReaching) || state_.is(State::kAsking)) doubted_ = true;
  if (!state_.is(State::kResting)) return;
  pause(std::max<Duration>(mapped_at_ + options_.least_between - mono_now(), Duration::zero()));
}

void TopologyWatch::node_failed(const Node& node) {
  failing_.insert(node);
  refresh();
}

bool TopologyWatch::moved(unsigned slot, const Node& node) {
  refresh();
  const MonoTime now = mono_now();
  Correction& correction = corrections_[slot];
  if (correction.until <= now) correction.changes = 0;
  if (correction.node != node && ++correction.changes > kMaxRedirects) return false;
  correction.node = node;
  correction.until = now + kCorrection;
  if (map_.move(slot, node)) listener_.on_map();
  return true;
}

void TopologyWatch::on_timer() {
  if (state_.is(State::kResting)) return ask();
  if (state_.is(State::kPausing)) reach();
}

}  // namespace mas::redis
