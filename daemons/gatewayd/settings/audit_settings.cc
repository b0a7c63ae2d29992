// Every option of the audit with its range and help.
#include "daemons/gatewayd/settings/audit_settings.h"

#include "daemons/common/unit_files.h"
#include "proto/wire/sign.h"

namespace mas::gateway {

void AuditSettings::describe(common::OptionTable& table) {
  using namespace std::chrono_literals;
  using common::Apply;
  table.section("audit", "The audit: signed heads, and how long blocks stay in Redis.");
  table.text("signing_key", signing_key, Apply::kRestart,
             "File with the private Ed25519 key that signs heads (openssl genpkey -algorithm ed25519), or the name of "
             "a systemd credential. All gateways need the same key. Empty: the unit's credential mas.audit-key, if "
             "there is one; otherwise no heads are signed, and the audit has no anchor outside Redis.");
  table.duration("head_interval", head_interval, {100ms, 24h}, Apply::kReload,
                 "Time between two signed heads. None is signed when nothing was recorded since the last one.");
  table.integer("head_blocks", head_blocks, {1, 1'000'000'000}, Apply::kReload,
                "Number of new blocks after which a head is signed before the interval is over.");
  table.integer(
      "refusals", refusals, {1, 1'000'000}, Apply::kReload,
      "Refusals per second that are recorded individually, for each proven sender and for all unproven senders of a "
      "partition together; 100 times as many at once. Further refusals are counted, in one record per second.");
  table.text("heads_file", heads_file, Apply::kReload,
             "File to which this gateway appends its signed heads. Put it on a medium that an attacker of Redis cannot "
             "write to. Empty: heads.jsonl in the unit's state directory; without a state directory, no file.");
  table.duration("retention", retention, {0s, 876'000h}, Apply::kReload,
                 "Time that audit blocks stay in Redis. Older blocks are retired: written to a file, then removed from "
                 "Redis. 0s: blocks stay for ever.");
  table.text("retired_dir", retired_dir, Apply::kRestart,
             "Folder for retired blocks. It must exist. Empty: retired in the unit's state directory; without a state "
             "directory, no block is retired.");
  table.size("retired_file_size", retired_file_size, {64 * 1024, 1024ull * 1024 * 1024}, Apply::kReload,
             "Size of a file of retired blocks at which a new file is begun.");
  table.renamed("archive_dir", "retired_dir");
  table.renamed("archive_file_size", "retired_file_size");
}

void AuditSettings::check(common::Problems& problems) const {
  std::string place = placed().signing_key;
  if (place.empty()) return;
  auto key = SigningKey::read(place);
  if (!key.ok()) problems.push_back("audit.signing_key: " + key.error().message);
}

AuditSettings AuditSettings::placed() const {
  AuditSettings settings = *this;
  settings.signing_key = common::or_credential(signing_key, "mas.audit-key");
  settings.heads_file = common::or_in_state_directory(heads_file, "heads.jsonl");
  settings.retired_dir = common::or_in_state_directory(retired_dir, "retired");
  return settings;
}

}  // namespace mas::gateway
