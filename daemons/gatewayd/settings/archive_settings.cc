// Every option of the archive with its range and help.
#include "daemons/gatewayd/settings/archive_settings.h"

namespace mas::gateway {
namespace {

Result<std::optional<archive::Key>> read_key(const std::string& id, const std::string& file) {
  if (file.empty()) return std::optional<archive::Key>();
  auto key = archive::Key::read(id, file);
  if (!key) return key.error();
  return std::optional<archive::Key>(std::move(*key));
}

}  // namespace

void ArchiveSettings::describe(common::OptionTable& table) {
  using namespace std::chrono_literals;
  using common::Apply;
  table.section("archive",
                "The archive of delivered messages, from which masctl archive replays. Its memory in Redis is about "
                "the size of the messages.");
  table.text("encryption_key_file", key_file, Apply::kReload,
             "File with the key that payloads are encrypted under. It must be the same for all gateways. A name "
             "without '/' is a systemd credential; the unit provides mas.archive-key. Empty: nothing is archived.");
  table.text("encryption_key_id", key_id, Apply::kReload, "Name of that key, written into each archived entry.");
  table.text("old_key_file", old_key_file, Apply::kReload,
             "File with the previous key, so that messages archived under it can still be replayed.");
  table.text("old_key_id", old_key_id, Apply::kReload, "Name of the previous key.");
  table.duration(
      "keep", keep, {1min, 8760h}, Apply::kReload,
      "Time that delivered messages are kept. Older ones are removed, even when archiving has been switched off.");
  table.size(
      "max_bytes", max_bytes, {1024 * 1024, 1ull << 40}, Apply::kReload,
      "Approximate maximum memory in Redis of one partition's archive. Past it, the oldest messages are removed.");
}

void ArchiveSettings::check(common::Problems& problems) const {
  if (auto one = key(); !one) problems.push_back("archive.encryption_key_file: " + one.error().message);
  if (auto one = old_key(); !one) problems.push_back("archive.old_key_file: " + one.error().message);
  if (!key_file.empty() && !old_key_file.empty() && key_id == old_key_id)
    problems.push_back("archive.old_key_id: is the encryption_key_id, too; two keys need two names");
}

Result<std::optional<archive::Key>> ArchiveSettings::key() const { return read_key(key_id, key_file); }
Result<std::optional<archive::Key>> ArchiveSettings::old_key() const { return read_key(old_key_id, old_key_file); }

}  // namespace mas::gateway
