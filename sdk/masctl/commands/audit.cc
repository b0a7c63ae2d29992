// `audit`: the group, and its questions: query, tail, operators.
#include "sdk/masctl/commands/audit.h"

#include <algorithm>
#include <cstdlib>

#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/interrupt.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/audit_options.h"
#include "sdk/masctl/commands/audit_rows.h"
#include "sdk/masctl/commands/commands.h"

namespace mas::ctl {

namespace {

namespace audit = gateway::audit;

struct QueryOptions {
  AuditFilterOptions filter;
  size_t limit = 100;
};

struct TailOptions {
  AuditFilterOptions filter;
  size_t limit = 10;
  bool follow = false;
};

struct OperatorsOptions {
  size_t limit = 100;
};

void write_query(JsonWriter& json, const AuditRows& rows) {
  json.begin_object();
  json_list(json, "records", rows.rows, [](JsonWriter& each, const AuditRow& row) { each.raw(row.json); });
  json.key("unreadable").unsigned_integer(rows.unreadable).end_object();
}

void print_query(Output& out, const AuditRows& rows) {
  Table table(audit_headings());
  for (const AuditRow& row : rows.rows) table.add(row.cells);
  out.table(table, "no record found");
  note_unreadable(out, rows.unreadable);
}

Result<Document> run_query(Context& context, const QueryOptions& options) {
  auto filter = audit_filter(options.filter, wall_now());
  if (!filter.ok()) return filter.error();
  AuditReader reader(context.redis, context.keys());
  auto partitions = reader.partitions();
  if (!partitions.ok()) return partitions.error();
  auto rows = collect_newest(reader, *partitions, *filter, options.limit, context.out.json());
  if (!rows.ok()) return rows.error();
  return Document::of(std::move(*rows), write_query, print_query);
}

/// Prints what is there, then waits for more of all partitions.
class Tail {
 public:
  Tail(Context& context, audit::Filter filter)
      : out_(context.out), settings_(context.settings), redis_(context.redis), filter_(std::move(filter)) {}

  Status run(const TailOptions& options) {
    AuditReader reader(redis_, settings_.keys);
    auto partitions = reader.partitions();
    if (!partitions.ok()) return partitions.error();
    auto rows = collect_newest(reader, *partitions, filter_, options.limit, out_.json());
    if (!rows.ok()) return rows.error();
    print(*rows);
    take_positions(*partitions, *rows);
    if (!options.follow || positions_.empty()) return {};
    remember_interrupts();
    while (!interrupted() && !out_.closed())
      if (auto status = follow(); !status.ok()) return status;
    return {};
  }

 private:
  struct Position {
    std::string key, entry;
  };

  /// Follows from where the newest records ended, so that none is shown twice or left out.
  void take_positions(const std::vector<uint32_t>& partitions, const AuditRows& rows) {
    for (uint32_t p : partitions) {
      auto newest = rows.newest.find(p);
      positions_.push_back({settings_.keys.audit(p), newest == rows.newest.end() ? "0-0" : newest->second});
    }
  }

  Status follow() {
    std::vector<std::string> words = {"XREAD", "COUNT", "64", "BLOCK", std::to_string(block_ms()), "STREAMS"};
    for (const Position& position : positions_) words.push_back(position.key);
    for (const Position& position : positions_) words.push_back(position.entry);
    auto streams = redis_.ask_one(redis::Command::of(std::span<const std::string>(words)));
    if (!streams.ok()) return interrupted() ? Status() : Status(streams.error());
    AuditRows rows;
    for (const Value& stream : streams->elements)
      if (stream.elements.size() == 2) take_stream(stream.elements[0].text, stream.elements[1], rows);
    sort_rows(rows.rows);
    print(rows);
    return {};
  }

  void take_stream(const std::string& key, const Value& entries, AuditRows& rows) {
    auto position = std::find_if(positions_.begin(), positions_.end(), [&](const Position& p) { return p.key == key; });
    if (position == positions_.end()) return;
    for (const Value& entry : entries.elements) {
      if (entry.elements.size() != 2) continue;
      position->entry = entry.elements[0].text;
      if (audit::decode_block(field_of_entry(entry.elements[1], "b"), block_).ok())
        take_block(block_, filter_, out_.json(), block_.records.size(), rows);
      else
        ++rows.unreadable;
    }
  }

  void print(const AuditRows& rows) {
    for (const AuditRow& row : rows.rows) {
      std::string text = row.json;
      for (const auto& cell : row.cells)
        text.append(text.empty() ? "" : out_.terminal() ? "  " : "\t").append(visible(cell));
      out_.foreign(text);
    }
    note_unreadable(out_, rows.unreadable);
  }

  /// Shorter than the time-out of a command, and than a person waits after Ctrl-C.
  int block_ms() const { return std::clamp(settings_.timeout_ms() / 2, 1, 500); }

  Output& out_;
  const Settings& settings_;
  SyncRedis& redis_;
  audit::Filter filter_;
  audit::Block block_;
  std::vector<Position> positions_;
};

Result<Document> run_tail(Context& context, const TailOptions& options) {
  auto filter = audit_filter(options.filter, wall_now());
  if (!filter.ok()) return filter.error();
  if (auto status = Tail(context, std::move(*filter)).run(options); !status.ok()) return status.error();
  return Document::printed();
}

constexpr std::string_view kOperatorFields[] = {"time", "who", "action", "object", "detail"};

/// The value of one of kOperatorFields, as it is shown.
std::string operator_value(const Value& entry, std::string_view field) {
  std::string value(field_of_entry(entry.elements[1], field));
  return field == "time" ? time_text(std::strtoll(value.c_str(), nullptr, 10)) : value;
}

void write_operators(JsonWriter& json, const std::vector<Value>& entries) {
  json.begin_object();
  json_list(json, "changes", entries, [](JsonWriter& each, const Value& entry) {
    each.begin_object();
    for (std::string_view field : kOperatorFields) {
      json_member(each, field, operator_value(entry, field));
    }
    each.end_object();
  });
  json.end_object();
}

void print_operators(Output& out, const std::vector<Value>& entries) {
  Table table({"TIME", "WHO", "ACTION", "OBJECT", "DETAIL"});
  for (const Value& entry : entries) {
    std::vector<std::string> cells;
    for (std::string_view field : kOperatorFields) cells.push_back(operator_value(entry, field));
    table.add(std::move(cells));
  }
  out.table(table, "no change was recorded");
}

Result<Document> run_operators(Context& context, const OperatorsOptions& options) {
  auto reply = context.redis.ask_one(
      redis::Command("XREVRANGE", context.keys().operator_audit(), "+", "-", "COUNT", options.limit));
  if (!reply.ok()) return reply.error();
  std::vector<Value>& entries = reply->elements;
  std::erase_if(entries, [](const Value& entry) { return entry.elements.size() != 2; });
  std::reverse(entries.begin(), entries.end());
  return Document::of(std::move(entries), write_operators, print_operators);
}

}  // namespace

void add_audit_query_command(Cli& cli, Command& audit_group) {
  Command* query = audit_group.add_subcommand("query", "Print the newest matching records, oldest first");
  auto& options = cli.leaf<QueryOptions>(*query, run_query);
  add_audit_filters(*query, options.filter);
  query->add_option("--limit", options.limit, "Maximum number of records. Default: 100")
      ->type_name("N")
      ->between(1, 1'000'000);
  query->footer(
      "Examples:\n"
      "  masctl audit query --sender planner-1 --decision AUTHZ_DENIED --since 2h\n"
      "  masctl audit query --id 01a20334-6d86-7abc-8def-0123456789ab --json");
}

void add_audit_tail_command(Cli& cli, Command& audit_group) {
  Command* tail =
      audit_group.add_subcommand("tail", "Print the last records, and with --follow new ones as they are written");
  auto& options = cli.leaf<TailOptions>(*tail, run_tail);
  add_audit_filters(*tail, options.filter);
  tail->add_option("--limit", options.limit, "Number of existing records to print. Default: 10")
      ->type_name("N")
      ->between(0, 100'000);
  tail->add_flag("-f,--follow", options.follow, "Continue with new records until Ctrl-C");
  tail->footer("Examples:\n  masctl audit tail --follow --decision RATE_LIMITED");
}

void add_audit_operators_command(Cli& cli, Command& audit_group) {
  Command* operators = audit_group.add_subcommand("operators", "Print what was changed by operators, and by whom");
  auto& options = cli.leaf<OperatorsOptions>(*operators, run_operators);
  operators->add_option("--limit", options.limit, "Maximum number of changes, newest ones. Default: 100")
      ->type_name("N")
      ->between(1, 100'000);
}

void add_audit_commands(Cli& cli) {
  Command& audit_group = cli.group("audit", "The audit: what the gateways decided, and whether its chains are intact");
  add_audit_tail_command(cli, audit_group);
  add_audit_query_command(cli, audit_group);
  add_audit_verify_command(cli, audit_group);
  add_audit_export_command(cli, audit_group);
  add_audit_operators_command(cli, audit_group);
}

}  // namespace mas::ctl
