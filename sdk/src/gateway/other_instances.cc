// Registered instances and leases, in one run in the agent's slot.
#include "sdk/src/gateway/other_instances.h"

#include <utility>

#include "proto/redis/reply.h"

namespace mas::sdk {

OtherInstances::OtherInstances(ModeHost& host, std::function<void()> died) : host_(host), died_(std::move(died)) {}

void OtherInstances::add(std::string_view name) {
  if (name.size() > kLongestName || name.empty() || known_.size() >= kMost) return;
  if (name == host_.context().instance()) return;
  if (known_.try_emplace(std::string(name), false).second) fresh_ = true;
}

void OtherInstances::note(std::string_view name) {
  add(name);
  if (fresh_ && due_ == 0) check();
}

void OtherInstances::check() {
  if (due_ > 0) return;
  const AgentContext& agent = host_.context();
  fresh_ = failed_ = false;
  asked_.clear();
  registered_.clear();
  leased_.clear();
  redis::Command command("HRANDFIELD", agent.keys.instances(agent.config.id), kMost);
  for (const auto& [name, dead] : known_) {
    asked_.push_back(name);
    command.add("EXISTS", agent.keys.alive(agent.config.id, name));
  }
  if (host_.commands().send(command, redis::reply_to<&OtherInstances::on_reply>(this))) due_ = command.count();
}

void OtherInstances::on_reply(uint64_t tag, const redis::Answer& answer) {
  const auto reply = redis::checked(answer);
  if (!reply) {
    failed_ = true;
  } else if (tag == 0) {
    for (const auto& name : **reply)
      if (name.is_text()) registered_.emplace(name.text.substr(0, kLongestName + 1));
  } else if ((*reply)->integer != 0) {
    leased_.insert(asked_[tag - 1]);
  }
  if (--due_ == 0) end();
}

void OtherInstances::end() {
  if (failed_) return;
  const bool steady = host_.context().lease.steady(mono_now());
  bool died = false;
  for (const auto& name : asked_) {
    auto known = known_.find(name);
    if (known == known_.end()) continue;
    const bool dead = !leased_.contains(name) && (steady || !registered_.contains(name));
    died = died || (dead && !known->second);
    known->second = dead;
  }
  for (const auto& name : registered_) add(name);
  if (fresh_) check();
  if (died) died_();
}

void OtherInstances::forget() {
  host_.commands().forget(this);
  due_ = 0;
}

std::vector<std::string> OtherInstances::dead() const {
  std::vector<std::string> names;
  for (const auto& [name, is_dead] : known_)
    if (is_dead) names.push_back(name);
  return names;
}

}  // namespace mas::sdk
