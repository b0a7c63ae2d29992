// Keys and rules, from files and Redis to the turn loop.
#include "daemons/gatewayd/setup/turn_setup.h"

#include <malloc.h>

#include <utility>

#include "daemons/gatewayd/replay/replay_frame.h"

namespace mas::gateway {

/// What is derived from the secret.
struct TurnSetup::Secrets {
  Secrets(const MasterKey& secret, const std::string& ns)
      : tickets(secret.derive("mas.ticket.v2"), ns),
        payload(secret.derive("mas.audit.payload.v1")),
        replay(secret.derive(kReplayLabel)) {}
  TurnKeys keys() const { return {tickets, payload, replay}; }

  TicketOffice tickets;
  HmacKey payload, replay;
};

TurnSetup::TurnSetup(common::Frame& frame, const Settings& settings, audit::ChainMemory& chains,
                     std::function<void(const Status&)> secret_came)
    : frame_(frame),
      settings_(settings),
      chains_(chains),
      secret_came_(std::move(secret_came)),
      shared_secret_(frame.redis(), frame.keys(), [this](const Result<MasterKey>& secret) { on_secret(secret); }) {}

void TurnSetup::ask_secret() {
  if (master_read_ && !secret_) shared_secret_.ask();
}

void TurnSetup::on_secret(const Result<MasterKey>& secret) {
  if (secret_) return;
  if (secret) secret_ = *secret;
  secret_came_(secret ? Status() : Status(secret.error()));
}

bool TurnSetup::prepare(size_t partitions) {
  if (prepared_) return false;
  Status status = read_all(partitions);
  problem_ = status ? std::string() : status.error().message;
  if (!status) {
    if (repeat_.should_log(problem_, mono_now())) frame_.log().error("not_prepared", {{"why", problem_}});
    return false;
  }
  if (turns_ == nullptr) return false;  // the secret is asked for
  prepared_ = true;
  malloc_trim(0);  // compiling the patterns took megabytes that nobody will need again
  set_policy();
  turns_->start();
  return true;
}

Status TurnSetup::read_all(size_t partitions) {
  if (auto status = read_master_key(); !status) return status;
  if (!secret_) return {};
  if (turns_ == nullptr) make_turns(partitions);
  if (auto status = renew_archive(); !status) return status.error().in("archive");
  if (auto status = renew_dlp(); !status) return status.error().in("dlp");
  return {};
}

Status TurnSetup::read_master_key() {
  if (master_read_) return {};
  auto key = settings_.master_key();
  if (!key) return key.error().in("gateway.master_key_file");
  master_ = *key;
  secret_ = master_;
  master_read_ = true;
  return {};
}

void TurnSetup::make_turns(size_t partitions) {
  secrets_ = std::make_shared<const Secrets>(*secret_, settings_.redis_namespace);
  replays_.emplace(frame_, settings_.redis_namespace, secrets_->replay, settings_.max_envelope);
  verdicts_.emplace(frame_, settings_.redis_namespace, secrets_->replay, settings_.max_envelope);
  TurnOptions options;
  options.ns = settings_.redis_namespace;
  options.policy = settings_.policy();
  options.default_limits = settings_.default_limits();
  options.max_envelope = settings_.max_envelope;
  options.messages = static_cast<size_t>(settings_.turn_messages);
  options.bytes = settings_.turn_bytes;
  options.cached_agents = static_cast<size_t>(settings_.cached_agents);
  options.wait_replicas = settings_.wait_replicas;
  options.wait_timeout = settings_.wait_timeout;
  turns_ =
      std::make_unique<TurnLoop>(frame_, chains_, std::move(options), master_ ? &*master_ : nullptr, secrets_->keys());
  turns_->set_partitions(partitions);
}

/// What looks at payloads is made anew from the settings; where it cannot be, what there is stays.
Status TurnSetup::renew_dlp() {
  Status status;
  if (settings_.dlp_mode == Mode::kOff) {
    dlp_rules_ = nullptr;
    turns_->set_dlp(nullptr);
  } else if (auto stage = make_dlp(); stage) {
    turns_->set_dlp(std::move(*stage));
  } else {
    status = stage.error();
  }
  dlp_problem_ = status ? std::string() : status.error().message;
  return status;
}

Result<std::unique_ptr<dlp::ContentStage>> TurnSetup::make_dlp() {
  common::Problems problems;
  auto rules = settings_.dlp_rules(problems);
  if (rules == nullptr) return Error{Errc::kInvalidArgument, problems.empty() ? "dlp: no rules" : problems.front()};
  auto key = settings_.dlp_key();
  if (!key) return key.error();
  auto stage = dlp::ContentStage::make(rules, std::move(*key), secrets_->payload, settings_.max_envelope);
  if (stage) dlp_rules_ = rules;
  return stage;
}

/// The keys of the archive are read anew. Where one cannot be, those that there are stay.
Status TurnSetup::renew_archive() {
  auto key = settings_.archive.key();
  auto old = settings_.archive.old_key();
  if (!key) return key.error();
  if (!old) return old.error();
  std::shared_ptr<const archive::Key> shared;
  if (*key) shared = std::make_shared<const archive::Key>(std::move(**key));
  turns_->set_archive(shared);
  replays_->set_archive_keys(std::move(shared), std::move(*old));
  return {};
}

/// The policy's digest names the rules in force, too.
void TurnSetup::set_policy() {
  Policy policy = settings_.policy();
  if (dlp_rules_ != nullptr)
    policy.digest = sha256(std::string(view_of(policy.digest)).append(view_of(dlp_rules_->digest)));
  policy.memory_low = shortages_.memory_low;
  policy.dead_letters_full = shortages_.dead_letters_full;
  policy.dead_letters_closed = shortages_.dead_letters_closed;
  turns_->set_policy(policy, settings_.default_limits());
}

void TurnSetup::set_shortages(const Shortages& shortages) {
  if (std::exchange(shortages_, shortages) != shortages && turns_ != nullptr) set_policy();
}

void TurnSetup::reload() {
  if (turns_ == nullptr) return;
  if (auto status = renew_dlp(); !status)  // check() has seen them: a file that changed since
    frame_.log().error(dlp_rules_ == nullptr ? "dlp_not_started" : "dlp_rules_kept", {{"why", status.error().message}});
  if (auto status = renew_archive(); !status)
    frame_.log().error("archive_keys_kept", {{"why", status.error().message}});
  malloc_trim(0);
  set_policy();
}

std::string TurnSetup::obstacle() const {
  if (!problem_.empty()) return problem_;
  if (turns_ == nullptr) return "the gateways' secret has not been read yet";
  if (dlp_problem_.empty() || dlp_rules_ != nullptr) return {};
  return "data-loss prevention could not start; every message is UNAVAILABLE: " + dlp_problem_;
}

void TurnSetup::describe(JsonWriter& json) const {
  if (settings_.dlp_mode == Mode::kOff) return;
  json.key("dlp").string(dlp_problem_.empty() ? "running" : dlp_rules_ != nullptr ? "former rules" : "not started");
  if (!dlp_problem_.empty()) json.key("dlp_problem").string(dlp_problem_);
}

}  // namespace mas::gateway
