// Every option of the audit with its range and help.
#include "daemons/gatewayd/settings/audit_settings.h"

#include "daemons/common/unit_files.h"
#include "proto/wire/sign.h"

namespace mas::gateway {

void AuditSettings::describe(common::OptionTable& table) {
  using namespace std::chrono_literals;
  using common::Apply;
  table.section("audit", "The record of what was decided: signed heads, retention.");
  table.text(
      "signing_key", signing_key, Apply::kRestart,
      "File with the private Ed25519 key that signs heads (openssl genpkey -algorithm ed25519), or the name of a "
      "systemd credential. All gateways have the same one. Empty: the unit's credential mas.audit-key, if it has "
      "that; else no heads, and nothing anchors the audit.");
  table.duration("head_interval", head_interval, {100ms, 24h}, Apply::kReload,
                 "How often a signed head is written, if anything was recorded since the last one.");
  table.integer("head_blocks", head_blocks, {1, 1'000'000'000}, Apply::kReload,
                "A signed head is written earlier after so many blocks.");
  table.integer(
      "refusals", refusals, {1, 1'000'000}, Apply::kReload,
      "Refusals a second that are recorded one by one, of each sender and of the strangers of each partition; "
      "100 times as many at once. Those past it are counted, in one record a second.");
  table.text("heads_file", heads_file, Apply::kReload,
             "File that this gateway's signed heads are appended to, best on a medium that an attacker of Redis cannot "
             "write to. Empty: heads.jsonl in the unit's state directory; where there is none, no file.");
  table.duration("retention", retention, {0s, 876'000h}, Apply::kReload,
                 "How long audit blocks stay in Redis. Older ones are archived, then trimmed. 0s: for ever.");
  table.text("archive_dir", archive_dir, Apply::kRestart,
             "Folder that blocks are archived to; it must exist. Empty: archive in the unit's state directory; where "
             "there is none, nothing "
             "is archived, and so nothing is trimmed.");
  table.size("archive_file_size", archive_file_size, {64 * 1024, 1024ull * 1024 * 1024}, Apply::kReload,
             "An archive file that has reached this size is not appended to any more.");
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
  settings.archive_dir = common::or_in_state_directory(archive_dir, "archive");
  return settings;
}

}  // namespace mas::gateway
