// Makes the turn loop, and keeps in force what it decides by: keys, rules, the policy.
//
//     keys not read ──prepare()──▶ secret awaited ──Redis has it──▶ loop made
//                                                  ──rules and archive keys read──▶ loop started
//
// Happy path: prepare() once a second, until all is read and the loop runs; reload() reads rules and keys again.
// Failure modes:
// - A file cannot be read: it is said in the log, obstacle() names it, and prepare() tries again: the file may be put
//   right, or was being replaced.
// - A master key is configured and cannot be read: the secret that gateways share does not take its place.
// - At a reload a file cannot be read: what was read before stays in force, and it is said in the log.
// Threading: loop thread. Ownership: the loop's, and that of all keys; drain the loop before this goes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemons/common/service.h"
#include "daemons/gatewayd/health/health.h"
#include "daemons/gatewayd/replay/replay_mover.h"
#include "daemons/gatewayd/replay/verdict_mover.h"
#include "daemons/gatewayd/settings/settings.h"
#include "daemons/gatewayd/setup/shared_secret.h"
#include "daemons/gatewayd/turn/turn_loop.h"

namespace mas::gateway {

class TurnSetup {
 public:
  /// @param settings the service's, changed by it before reload(). @param secret_came called when Redis answered with
  /// the secret that gateways share, or with one that cannot be used.
  TurnSetup(common::Frame& frame, const Settings& settings, audit::ChainMemory& chains,
            std::function<void(const Status&)> secret_came);

  /// Reads what has not been read yet. @param partitions how many there are, as far as is known. @return whether the
  /// loop was started by this call.
  bool prepare(size_t partitions);
  /// Asks for the secret that gateways share, if there is no other and it is not known yet.
  void ask_secret();
  /// The settings are new ones.
  void reload();
  /// What there is no room for, from the next turn on.
  void set_shortages(const Shortages& shortages);

  /// nullptr: the secret is not known yet.
  TurnLoop* turns() const { return turns_.get(); }
  /// nullptr: likewise.
  ReplayMover* replays() { return replays_ ? &*replays_ : nullptr; }
  /// nullptr: likewise.
  VerdictMover* verdicts() { return verdicts_ ? &*verdicts_ : nullptr; }
  /// Whether all was read, and the loop runs.
  bool prepared() const { return prepared_; }
  /// Why nothing can be decided yet, or content is not looked at that should be; empty: all is well.
  std::string obstacle() const;
  /// Appends what data-loss prevention goes by, unless it is off.
  void describe(JsonWriter& json) const;

 private:
  struct Secrets;

  void on_secret(const Result<MasterKey>& secret);
  Status read_all(size_t partitions);
  Status read_master_key();
  void make_turns(size_t partitions);
  Status renew_dlp();
  Result<std::unique_ptr<dlp::ContentStage>> make_dlp();
  Status renew_archive();
  void set_policy();

  common::Frame& frame_;
  const Settings& settings_;
  audit::ChainMemory& chains_;
  std::function<void(const Status&)> secret_came_;
  SharedSecret shared_secret_;
  bool master_read_ = false;
  std::optional<MasterKey> master_;  // configured
  std::optional<MasterKey> secret_;  // what tickets and hashes are made with: the master key, or the shared secret
  std::shared_ptr<const Secrets> secrets_;
  std::optional<ReplayMover> replays_;
  std::optional<VerdictMover> verdicts_;
  std::shared_ptr<const dlp::Rules> dlp_rules_;  // in force; null: payloads are not looked at
  std::string dlp_problem_;                      // why the settings' rules are not in force; empty: they are
  Shortages shortages_;
  std::unique_ptr<TurnLoop> turns_;
  bool prepared_ = false;
  std::string problem_;  // why it is not prepared: a file that cannot be read; empty: all were, or are waited for
  common::RepeatFilter repeat_;
};

}  // namespace mas::gateway
