// Loads and removes agents in pipelines of bounded size.
#include "sdk/bench/population.h"

#include <thread>

#include "proto/wire/agent_entry.h"
#include "proto/wire/events.h"
#include "sdk/masctl/cli/interrupt.h"
#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

namespace {

constexpr uint64_t kPerPipeline = 500;
constexpr uint64_t kAnswers[] = {10, 100, 1000};
constexpr int64_t kMaxKeysToLookAt = 10'000;  // a Redis with more than this is surely in use
constexpr auto kIndexPatience = std::chrono::seconds(120);
constexpr int kHeartbeatSeconds = 3600;  // healthd is not to bury them meanwhile

std::string id_of(uint64_t number) { return "bench-agent-" + std::to_string(number); }

std::vector<std::string> capabilities_of(uint64_t number) {
  std::vector<std::string> capabilities = {kCommonCapability};
  for (uint64_t answers : kAnswers) {
    if (number < answers) capabilities.push_back(capability_with(answers));
  }
  return capabilities;
}

/// @return whether a key belongs to somebody: neither to the daemons nor to a bench that was killed.
bool is_foreign(const Keys& keys, std::string_view key) {
  if (!key.starts_with(keys.prefix())) return true;
  key.remove_prefix(keys.prefix().size());
  return !key.starts_with("mas.") && !key.starts_with("agent:bench-");
}

}  // namespace

std::string capability_with(uint64_t answers) { return "bench." + std::to_string(answers); }

Status Population::prepare(bool force) {
  redis::Command looks("EXISTS", keys_.index_ready());
  looks.add("DBSIZE");
  auto answers = redis_.ask(looks);
  if (!answers.ok()) return answers.error();
  registryd_active_ = (*answers)[0].integer == 1;
  if (force) return {};

  Error refusal{Errc::kInvalidState, "this Redis contains other data"};
  constexpr const char* kAdvice = "; use an empty one, or load the agents anyway with --force";
  if ((*answers)[1].integer > kMaxKeysToLookAt) {
    refusal.message += ", " + std::to_string((*answers)[1].integer) + " keys" + kAdvice;
    return refusal;
  }
  auto keys = redis_.ask_one(redis::Command("KEYS", "*"));
  if (!keys.ok()) return keys.error();
  for (const auto& key : keys->elements) {
    if (!is_foreign(keys_, key.text)) continue;
    refusal.message += ", such as '" + visible(key.text) + "'" + kAdvice;
    return refusal;
  }
  return {};
}

void Population::add_agent(redis::Command& command, uint64_t number) const {
  std::string id = id_of(number);
  std::vector<std::string> capabilities = capabilities_of(number);
  std::string now = std::to_string(wall_now() / 1'000'000);
  command.add("HSET", keys_.agent(id), "id", id, "capabilities", capabilities_json(capabilities), "metadata",
              R"({"made_by":"masctl bench"})", "status", kStatusActive, "registered_at", now);
  command.add("SET", keys_.heartbeat(id), now, "EX", kHeartbeatSeconds);
  if (registryd_active_) {
    command.add("PUBLISH", keys_.system_channel(), register_event(id, capabilities));
    return;
  }
  command.add("SADD", keys_.agents_index(), id);
  for (const auto& capability : capabilities) command.add("SADD", keys_.capability_index(capability), id);
}

void Population::add_removal(redis::Command& command, uint64_t number) const {
  std::string id = id_of(number);
  command.add("UNLINK", keys_.agent(id), keys_.heartbeat(id));
  if (registryd_active_) {
    command.add("PUBLISH", keys_.system_channel(), deregister_event(id));
    return;
  }
  command.add("SREM", keys_.agents_index(), id);
  for (const auto& capability : capabilities_of(number)) command.add("SREM", keys_.capability_index(capability), id);
}

Status Population::run_checked(const redis::Command& command) {
  auto answers = redis_.ask(command);
  if (!answers.ok()) return answers.error();
  for (const auto& answer : *answers) {
    if (answer.is_error()) return Error{Errc::kRefused, answer.text};
  }
  return {};
}

Status Population::grow_to(uint64_t total) {
  while (size_ < total) {
    if (interrupted()) return Error{Errc::kCancelled, "interrupted"};
    uint64_t end = std::min(total, size_ + kPerPipeline);
    redis::Command command;
    for (uint64_t number = size_; number < end; ++number) add_agent(command, number);
    size_ = end;  // also what a failed pipeline may have written is removed
    Status added = run_checked(command);
    if (!added.ok()) return added;
  }
  if (registryd_active_) return wait_for_index(total);
  return run_checked(redis::Command("SET", keys_.index_ready(), "masctl bench", "EX", kHeartbeatSeconds));
}

Status Population::wait_for_index(uint64_t total) {
  auto wanted = static_cast<int64_t>(total);
  for (MonoTime deadline = mono_now() + kIndexPatience; mono_now() < deadline;) {
    auto agents = redis_.ask_one(redis::Command("SCARD", keys_.capability_index(kCommonCapability)));
    if (!agents.ok()) return agents.error();
    if (total > 0 ? agents->integer >= wanted : agents->integer <= wanted) return {};
    if (total > 0 && interrupted()) return Error{Errc::kCancelled, "interrupted"};
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return Error{Errc::kTimeout, "registryd did not complete the index within two minutes"};
}

Status Population::clear() {
  Status status;
  if (size_ > 0 && !registryd_active_) status = run_checked(redis::Command("DEL", keys_.index_ready()));
  while (size_ > 0 && status.ok()) {
    uint64_t begin = size_ - std::min(size_, kPerPipeline);
    redis::Command command;
    for (uint64_t number = begin; number < size_; ++number) add_removal(command, number);
    status = run_checked(command);
    if (status.ok()) size_ = begin;
    if (status.ok() && size_ == 0 && registryd_active_) status = wait_for_index(0);
  }
  return status;
}

}  // namespace mas::ctl
