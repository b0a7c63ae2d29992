// Differences, tables, JSON.
#include "sdk/masctl/commands/top_view.h"

#include <cmath>
#include <cstdio>

#include "sdk/masctl/cli/json_parts.h"

namespace mas::ctl {

namespace {

constexpr size_t kShownPartitions = 16;

/// @return the increase of a counter; from 0 when it went back, which a restart would explain.
uint64_t increase(uint64_t before, uint64_t after) { return after >= before ? after - before : after; }

double per(double amount, double of) { return of > 0 ? amount / of : 0; }

GatewayRates rates_between(const GatewaySnapshot& before, const GatewaySnapshot& after, double seconds) {
  GatewayRates rates;
  auto messages = static_cast<double>(increase(before.messages, after.messages));
  rates.messages = per(messages, seconds);
  rates.per_turn = per(messages, static_cast<double>(increase(before.turns, after.turns)));
  rates.round_trips = per(static_cast<double>(increase(before.round_trips, after.round_trips)), messages);
  for (const auto& [name, count] : after.decided) {
    auto found = before.decided.find(name);
    rates.decided[name] =
        per(static_cast<double>(increase(found == before.decided.end() ? 0 : found->second, count)), seconds);
  }
  return rates;
}

bool same_numbers(const GatewaySnapshot& a, const GatewaySnapshot& b) {
  return a.messages == b.messages && a.turns == b.turns && a.round_trips == b.round_trips && a.decided == b.decided;
}

/// How long numbers may stand still before that means "nothing happens" and not "not written yet".
constexpr Duration kWrittenWithin = std::chrono::seconds(6);

std::string decimal(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string brief(const std::string& instance) { return instance.substr(0, 8); }

}  // namespace

void write_partition(JsonWriter& json, const PartitionState& partition) {
  json.begin_object().key("waiting").unsigned_integer(partition.waiting).key("owner");
  json_text_or_lossy(json, partition.owner);
  json_member(json, "resting", partition.resting);
  json.end_object();
}

void TopView::look(GatewayView view, MonoTime now) {
  std::map<std::string, Seen> seen;
  for (const auto& gateway : view.gateways) take(gateway, now, seen);
  seen_ = std::move(seen);
  view_ = std::move(view);
}

void TopView::take(const GatewaySnapshot& snapshot, MonoTime now, std::map<std::string, Seen>& seen) {
  auto before = seen_.find(snapshot.instance);
  if (before == seen_.end()) {
    seen[snapshot.instance] = {snapshot, now, false, {}};
    return;
  }
  Seen next = before->second;
  if (!same_numbers(next.snapshot, snapshot) || now - next.at > kWrittenWithin) {
    next.rates = rates_between(next.snapshot, snapshot, std::chrono::duration<double>(now - next.at).count());
    next.measured = true;
    next.snapshot = snapshot;
    next.at = now;
  }
  seen[snapshot.instance] = std::move(next);
}

const GatewayRates* TopView::rates(const std::string& instance) const {
  auto found = seen_.find(instance);
  return found == seen_.end() || !found->second.measured ? nullptr : &found->second.rates;
}

std::map<std::string, std::pair<double, uint64_t>> TopView::decisions() const {
  std::map<std::string, std::pair<double, uint64_t>> sum;
  for (const auto& gateway : view_.gateways) {
    const GatewayRates* known = rates(gateway.instance);
    for (const auto& [name, count] : gateway.decided) {
      sum[name].second += count;
      if (known == nullptr) continue;
      auto rate = known->decided.find(name);
      if (rate != known->decided.end()) sum[name].first += rate->second;
    }
  }
  return sum;
}

uint64_t TopView::waiting() const {
  uint64_t sum = 0;
  for (const auto& partition : view_.partitions) sum += partition.waiting;
  return sum;
}

size_t TopView::unowned() const {
  size_t count = 0;
  for (const auto& partition : view_.partitions) count += partition.owner.empty() ? 1 : 0;
  return count;
}

size_t TopView::resting() const {
  size_t count = 0;
  for (const auto& partition : view_.partitions) count += partition.resting.empty() ? 0 : 1;
  return count;
}

std::vector<std::string> TopView::header() const {
  if (view_.gateways.empty() && view_.partitions.empty()) return {"no gateway has run on this Redis yet"};
  std::string line = std::to_string(view_.gateways.size()) +
                     (view_.gateways.size() == 1 ? " gateway, " : " gateways, ") +
                     std::to_string(view_.partitions.size()) + " partitions, " +
                     grouped(static_cast<double>(waiting())) + " frames waiting";
  if (unowned() > 0) line += ", " + std::to_string(unowned()) + " partitions without an owner";
  if (resting() > 0) line += ", " + std::to_string(resting()) + " at rest";
  if (!view_.changing) return {line};
  return {line, "the number of partitions is being changed to " + std::to_string(view_.changing->to) +
                    "; gateways decide nothing until masctl partitions set has finished"};
}

Table TopView::gateways(double wall) const {
  Table table({"GATEWAY", "HOST", "PID", "PROFILE", "UP", "OWNS", "MESSAGES/S", "PER TURN", "TRIPS/MESSAGE", "TOTAL"});
  for (const auto& gateway : view_.gateways) {
    const GatewayRates* known = rates(gateway.instance);
    table.add({brief(gateway.instance), gateway.host, std::to_string(gateway.pid),
               gateway.profile.empty() ? "-" : gateway.profile, brief_duration(wall - gateway.since),
               std::to_string(gateway.owned.size()), known ? grouped(known->messages) : "-",
               known ? decimal(known->per_turn, 1) : "-", known ? decimal(known->round_trips, 4) : "-",
               grouped(static_cast<double>(gateway.messages))});
  }
  return table;
}

Table TopView::decided() const {
  Table table({"DECISION", "PER SECOND", "TOTAL"});
  for (const auto& [name, counts] : decisions()) {
    if (counts.second > 0) table.add({name, grouped(counts.first), grouped(static_cast<double>(counts.second))});
  }
  return table;
}

Table TopView::partitions() const {
  Table table({"PARTITION", "WAITING", "OWNER", "AT REST"});
  size_t shown = 0;
  for (size_t p = 0; p < view_.partitions.size() && shown < kShownPartitions; ++p) {
    const auto& partition = view_.partitions[p];
    if (partition.waiting == 0 && !partition.owner.empty() && partition.resting.empty()) continue;
    table.add({std::to_string(p), grouped(static_cast<double>(partition.waiting)),
               partition.owner.empty() ? "(nobody)" : brief(partition.owner), partition.resting});
    ++shown;
  }
  return table;
}

std::string TopView::json(double wall) const {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("time").number(wall).key("gateways").begin_array();
  for (const auto& gateway : view_.gateways) {
    const GatewayRates* known = rates(gateway.instance);
    json.begin_object().key("instance");
    json_text_or_lossy(json, gateway.instance);
    json_member(json, "host", gateway.host);
    json_member(json, "profile", gateway.profile);
    json.key("pid").integer(gateway.pid).key("since").number(gateway.since);
    json.key("messages").unsigned_integer(gateway.messages).key("turns").unsigned_integer(gateway.turns);
    json.key("round_trips").unsigned_integer(gateway.round_trips).key("owned").begin_array();
    for (unsigned p : gateway.owned) json.unsigned_integer(p);
    json.end_array();
    if (known != nullptr) {
      json.key("messages_per_second").number(known->messages).key("messages_per_turn").number(known->per_turn);
      json.key("round_trips_per_message").number(known->round_trips);
    }
    json.end_object();
  }
  json.end_array().key("decisions").begin_object();
  for (const auto& [name, counts] : decisions()) {
    json.key(is_valid_utf8(name) ? name : visible(name)).begin_object();
    json.key("per_second").number(counts.first).key("total").unsigned_integer(counts.second).end_object();
  }
  json.end_object().key("partitions").begin_array();
  for (const auto& partition : view_.partitions) write_partition(json, partition);
  json.end_array();
  if (view_.changing) json.key("changing_to").unsigned_integer(view_.changing->to);
  json.end_object();
  return text;
}

}  // namespace mas::ctl
