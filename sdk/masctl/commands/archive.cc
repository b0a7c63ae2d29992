// `archive`: the group, and its questions: list, show.
#include "proto/base/base64.h"
#include "proto/base/bytes.h"
#include "proto/base/secret_file.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/input_file.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/archive_filters.h"
#include "sdk/masctl/commands/archive_replay.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/redis/archive_reader.h"

namespace mas::ctl {

namespace {

namespace archive = gateway::archive;

struct ListOptions {
  ArchiveFilterOptions filter;
  size_t limit = 100;
};

struct ShowOptions {
  std::string record, key_file;
};

void write_record(JsonWriter& json, const ArchivedRecord& record) {
  json.key("record").string(record.name());
  json.key("time").string(time_text(record.time));
  json_member(json, "sender", record.sender);
  json_member(json, "target", record.target);
  json_member(json, "type", record.type);
  json_member(json, "id", record.message_id);
  json.key("bytes").unsigned_integer(record.bytes);
}

struct Listed {
  std::vector<ArchivedRecord> records;
  size_t unreadable = 0;  ///< entries
};

void write_list(JsonWriter& json, const Listed& listed) {
  json.begin_object();
  json_list(json, "records", listed.records, [](JsonWriter& each, const ArchivedRecord& record) {
    each.begin_object();
    write_record(each, record);
    each.end_object();
  });
  json.key("unreadable").unsigned_integer(listed.unreadable).end_object();
}

void print_list(Output& out, const Listed& listed) {
  Table table({"RECORD", "TIME", "SENDER", "TARGET", "TYPE", "MESSAGE", "BYTES"});
  for (const auto& record : listed.records)
    table.add({record.name(), time_text(record.time), record.sender, record.target, record.type, record.message_id,
               std::to_string(record.bytes)});
  out.table(table, "the archive has no such message");
  if (listed.unreadable > 0) out.note(std::to_string(listed.unreadable) + " entries of the archive cannot be read");
}

Result<Document> run_list(Context& context, const ListOptions& options) {
  auto filter = archive_filter(options.filter, wall_now());
  if (!filter.ok()) return filter.error();
  context.redis.expect_messages();
  ArchiveReader reader(context.redis, context.keys());
  auto records = reader.find(*filter, true, options.limit);
  if (!records.ok()) return records.error();
  return Document::of(Listed{std::move(*records), reader.unreadable()}, write_list, print_list);
}

/// @return the envelope of the record.
Result<std::string> open_record(const std::string& bytes, const ArchivedRecord& record, const std::string& key_file,
                                const Keys& keys) {
  archive::Entry entry;
  if (auto status = archive::decode(bytes, entry); !status.ok()) return status.error();
  auto key = archive::Key::read(entry.key_id, path_of(key_file));
  if (!key.ok()) return key.error().in("--key-file");
  auto envelopes = archive::open(entry, *key, keys.archive(record.partition));
  if (envelopes.ok()) return envelopes->substr(entry.records[record.number].begin, entry.records[record.number].size);
  return Error{Errc::kRefused, "--key-file: the record was encrypted under key '" + std::string(entry.key_id) +
                                   "', and this is a different key, or the entry was changed"};
}

struct Shown {
  ArchivedRecord record;
  std::string envelope;
};

void write_shown(JsonWriter& json, const Shown& shown) {
  json.begin_object();
  write_record(json, shown.record);
  json_raw_member(json, "payload", shown.envelope);
  json.end_object();
}

void print_shown(Output& out, const Shown& shown) {
  const ArchivedRecord& record = shown.record;
  out.field("record", record.name());
  out.field("time", time_text(record.time));
  out.field("sender", record.sender);
  out.field("target", record.target);
  out.field("type", record.type);
  out.field("message", record.message_id);
  out.field("payload", shown.envelope);
}

Result<Document> run_show(Context& context, const ShowOptions& options) {
  auto named = parse_record_name(options.record);
  if (!named.ok()) return named.error();
  if (named->records.size() != 1) return Error{Errc::kInvalidArgument, "expected one record"};
  context.redis.expect_messages();
  ArchiveReader reader(context.redis, context.keys());
  auto records = reader.find_named(*named);
  if (!records.ok()) return records.error();
  auto bytes = reader.entry(named->partition, named->entry);
  if (!bytes.ok()) return bytes.error();
  if (!*bytes) return Error{Errc::kNotFound, "it no longer exists"};
  auto envelope = open_record(**bytes, records->front(), options.key_file, context.keys());
  if (!envelope.ok()) return envelope.error();
  return Document::of(Shown{std::move(records->front()), std::move(*envelope)}, write_shown, print_shown);
}

}  // namespace

void add_archive_commands(Cli& cli) {
  Command& group = cli.group("archive", "The archive of delivered messages");

  Command* list =
      group.add_subcommand("list", "Print the newest archived messages, oldest first, without their payload");
  auto& listed = cli.leaf<ListOptions>(*list, run_list);
  add_archive_filters(*list, listed.filter);
  list->add_option("--limit", listed.limit, "Maximum number of messages. Default: 100")
      ->between(1, 100'000)
      ->type_name("N");
  list->footer(
      "Examples:\n"
      "  masctl archive list --target billing --from 1h\n"
      "  masctl archive list --sender alice --type invoice --json | jq '.records[].record'");

  Command* show = group.add_subcommand("show", "Print one archived message with its payload");
  auto& shown = cli.leaf<ShowOptions>(*show, run_show);
  show->add_option("RECORD", shown.record, "The message, as archive list names it")->required()->type_name("");
  show->add_option("--key-file", shown.key_file, "The key of the archive (archive.encryption_key_file of the gateway)")
      ->required()
      ->type_name("FILE");

  add_archive_replay(cli, group);
}

}  // namespace mas::ctl
