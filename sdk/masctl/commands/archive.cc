// `archive`: the group, and its questions: list, show.
#include "proto/base/base64.h"
#include "proto/base/bytes.h"
#include "proto/base/secret_file.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/archive_replay.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/json_parts.h"
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

std::string time_text(WallMicros time) {
  std::string text;
  append_rfc3339(text, time);
  return text;
}

void write_record(JsonWriter& json, const ArchivedRecord& record) {
  json.key("record").string(record.name());
  json.key("time").string(time_text(record.time));
  struct Text {
    std::string_view name, value;
  };
  for (const Text& text : {Text{"sender", record.sender}, Text{"target", record.target}, Text{"type", record.type},
                           Text{"id", record.message_id}}) {
    json.key(text.name);
    json_text_or_lossy(json, text.value);
  }
  json.key("bytes").unsigned_integer(record.bytes);
}

void print_json(Output& out, const std::vector<ArchivedRecord>& records, size_t unreadable) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("records").begin_array();
  for (const auto& record : records) {
    json.begin_object();
    write_record(json, record);
    json.end_object();
  }
  json.end_array().key("unreadable").unsigned_integer(unreadable).end_object();
  out.foreign(text);
}

ExitCode run_list(Context& context, const ListOptions& options) {
  auto filter = archive_filter(options.filter, wall_now());
  if (!filter.ok()) return context.out.fail(filter.error());
  auto redis = SyncRedis::open(context.settings, SyncRedis::kMessageBytes);
  if (!redis.ok()) return context.out.fail(redis.error());
  ArchiveReader reader(**redis, context.settings.keys);
  auto records = reader.find(*filter, true, options.limit);
  if (!records.ok()) return context.out.fail(records.error());
  if (context.out.json()) {
    print_json(context.out, *records, reader.unreadable());
    return ExitCode::kOk;
  }
  Table table({"RECORD", "TIME", "SENDER", "TARGET", "TYPE", "MESSAGE", "BYTES"});
  for (const auto& record : *records)
    table.add({record.name(), time_text(record.time), record.sender, record.target, record.type, record.message_id,
               std::to_string(record.bytes)});
  context.out.table(table);
  if (reader.unreadable() > 0)
    context.out.note(std::to_string(reader.unreadable()) + " entries of the archive cannot be read");
  if (context.out.terminal() && table.empty()) context.out.note("the archive has no such message");
  return ExitCode::kOk;
}

/// A path, also for a name without '/', which elsewhere is a systemd credential.
std::string path_of(const std::string& file) { return file.find('/') == std::string::npos ? "./" + file : file; }

/// @return the envelope of the record.
Result<std::string> open_record(const std::string& bytes, const ArchivedRecord& record, const std::string& key_file,
                                const Keys& keys) {
  archive::Entry entry;
  if (auto status = archive::decode(bytes, entry); !status.ok()) return status.error();
  auto key = archive::Key::read(entry.key_id, path_of(key_file));
  if (!key.ok()) return key.error().in("--key-file");
  auto envelopes = archive::open(entry, *key, keys.archive(record.partition));
  if (envelopes.ok()) return envelopes->substr(entry.records[record.number].begin, entry.records[record.number].size);
  return Error{Errc::kRefused, "--key-file: the record was sealed under a key called '" + std::string(entry.key_id) +
                                   "', and this is another one (or the entry was changed)"};
}

void print_record(Output& out, const ArchivedRecord& record, const std::string& envelope) {
  if (out.json()) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    write_record(json, record);
    json.key("payload");
    json_raw_or_text(json, envelope);
    json.end_object();
    return out.foreign(text);
  }
  struct Line {
    std::string_view name;
    std::string value;
  };
  for (const Line& line : {Line{"record", record.name()}, Line{"time", time_text(record.time)},
                           Line{"sender", record.sender}, Line{"target", record.target}, Line{"type", record.type},
                           Line{"message", record.message_id}, Line{"payload", envelope}})
    out.field(line.name, line.value);
}

ExitCode run_show(Context& context, const ShowOptions& options) {
  auto named = parse_record_name(options.record);
  if (named.ok() && named->records.size() != 1)
    return context.out.fail(Error{Errc::kInvalidArgument, "name one record"});
  if (!named.ok()) return context.out.fail(named.error());
  auto redis = SyncRedis::open(context.settings, SyncRedis::kMessageBytes);
  if (!redis.ok()) return context.out.fail(redis.error());
  ArchiveReader reader(**redis, context.settings.keys);
  auto records = reader.find_named(*named);
  if (!records.ok()) return context.out.fail(records.error());
  auto bytes = reader.entry(named->partition, named->entry);
  if (!bytes.ok()) return context.out.fail(bytes.error());
  if (!*bytes) return context.out.fail(Error{Errc::kNotFound, "it is not there any more"});
  auto envelope = open_record(**bytes, records->front(), options.key_file, context.settings.keys);
  if (!envelope.ok()) return context.out.fail(envelope.error());
  print_record(context.out, records->front(), *envelope);
  return ExitCode::kOk;
}

}  // namespace

void add_archive_commands(Cli& cli) {
  Command& group = cli.group("archive", "Messages that were delivered, where the gateway keeps them");

  Command* list =
      group.add_subcommand("list", "Print the newest archived messages, oldest first, without their payload");
  auto& listed = cli.leaf<ListOptions>(*list, run_list);
  add_archive_filters(*list, listed.filter);
  list->add_option("--limit", listed.limit, "How many at most. Default: 100")->between(1, 100'000)->type_name("N");
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
