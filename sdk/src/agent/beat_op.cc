// Writes the heartbeat and the lease, and looks whether the registration is still there.
#include "sdk/src/agent/beat_op.h"

#include "proto/wire/agent_entry.h"
#include "sdk/src/core/lease.h"

namespace mas::sdk {

void BeatOp::begin() {
  const AgentContext& agent = host_.context();
  redis::Command writes;
  if (due_.heartbeat) writes.add(heartbeat(agent, agent.clock->of(wall_now())));
  if (due_.lease) {
    lease_tag_ = writes.count();
    writes.add("EXISTS", agent.keys.alive(agent.config.id, agent.instance())).add(instance_lease(agent));
  }
  // An instance that stopped may have cut the heartbeat down to this lease.
  if (due_.lease && !due_.heartbeat) {
    heartbeat_tag_ = writes.count();
    writes.add("PEXPIRE", agent.keys.heartbeat(agent.config.id), to_millis(agent.config.heartbeat_ttl));
  }
  if (writes.count() > 0) {
    if (auto status = send(writes, kWrite); !status) return finish(status.error());
  }
  redis::Command length("HSTRLEN", agent.keys.agent(agent.config.id), "status");
  if (auto status = send(length, kStatusLength); !status) finish(status.error());
}

void BeatOp::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!answer) return finish(answer.error());
  const redis::Reply& reply = **answer;
  if (tag < kStatus) return take_write(tag, reply);  // perhaps late, on a cluster whose slots move
  if (state_.is(State::kBeating)) return judge(reply);
  if (state_.is(State::kAsking)) return take_answer(tag, reply);
  if (reply.is_error()) return finish(redis::error_of(reply).in("beating"));
  if (reply.integer == 0)
    return finish(Error{Errc::kUnavailable, "Redis is out of memory, and the last heartbeat or lease has expired"});
  if (tag == kExtension + 1) end(Registration::kRegistered);  // the second of the two extensions
}

/// Who answers for a heartbeat that has to be written again is the next beat.
void BeatOp::take_write(uint64_t tag, const redis::Reply& reply) {
  AgentContext& agent = host_.context();
  const bool gone = reply.is_integer() && reply.integer == 0;
  if (gone && tag == lease_tag_) agent.lease.lapsed();
  if (gone && tag == heartbeat_tag_)
    static_cast<void>(host_.commands().send(heartbeat(agent, agent.clock->of(wall_now())), redis::ReplyTo{}));
  if (reply.error_code() == "OOM") out_of_memory_ = true;
  if (reply.is_error() && !out_of_memory_) finish(redis::error_of(reply).in("beating"));
}

void BeatOp::judge(const redis::Reply& length) {
  if (length.is_error()) return finish(redis::error_of(length).in("reading the registration"));
  if (out_of_memory_) return extend();
  if (length.integer == 0 || length.integer == static_cast<int64_t>(kStatusInactive.size())) return ask();
  end(Registration::kRegistered);
}

void BeatOp::extend() {
  state_.to(State::kExtending);
  const AgentContext& agent = host_.context();
  const AgentConfig& config = agent.config;
  redis::Command extensions("PEXPIRE", agent.keys.heartbeat(config.id), to_millis(config.heartbeat_ttl));
  extensions.add("PEXPIRE", agent.keys.alive(config.id, agent.instance()), to_millis(kLeaseTtl));
  if (auto sent = send(extensions, kExtension); !sent) finish(sent.error());
}

void BeatOp::ask() {
  state_.to(State::kAsking);
  const AgentContext& agent = host_.context();
  redis::Command command("HGET", agent.keys.agent(agent.config.id), "status");
  command.add("EXISTS", agent.keys.lease("healthd"));
  if (auto sent = scatter(command, kStatus, kEntryTextBytes); !sent) finish(sent.error());
}

/// The two answers, in any order.
void BeatOp::take_answer(uint64_t tag, const redis::Reply& reply) {
  if (tag == kStatus) {
    if (reply.is_error()) return finish(redis::error_of(reply).in("reading the registration"));
    if (reply.is_nil()) return end(Registration::kLost);
    inactive_ = reply.text == kStatusInactive;
  } else {
    judged_ = !reply.is_integer() || reply.integer != 0;
  }
  if (inactive_ && judged_) end(*inactive_ && !*judged_ ? Registration::kInactive : Registration::kRegistered);
}

void BeatOp::end(Registration registration) {
  state_.to(State::kDone);
  finish(registration);
}

}  // namespace mas::sdk
