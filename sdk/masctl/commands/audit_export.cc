// `audit export`: records as a file, partition by partition, in the order of each chain.
#include <cstdio>

#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/audit.h"
#include "sdk/masctl/commands/audit_options.h"
#include "sdk/masctl/commands/audit_rows.h"

namespace mas::ctl {

namespace {

namespace audit = gateway::audit;

struct ExportOptions {
  AuditFilterOptions filter;
  std::string format = "jsonl";
};

/// Writes what matches of each block as lines.
class Exporter {
 public:
  Exporter(Output& out, const audit::Filter& filter, bool csv) : out_(out), filter_(filter), csv_(csv) {
    if (csv_) text_ = audit::csv_heading();
  }
  ~Exporter() { flush(0); }

  bool take(std::string_view bytes) {
    if (!audit::decode_block(bytes, block_).ok()) {
      ++unreadable_;
      return true;
    }
    for (size_t i = 0; i < block_.records.size(); ++i) {
      if (!audit::matches(filter_, block_.records[i])) continue;
      if (csv_) {
        audit::append_csv(text_, block_, i);
        continue;
      }
      audit::append_json(text_, block_, i);
      text_ += '\n';
    }
    flush(kChunk);
    return !out_.closed();
  }

  size_t unreadable() const { return unreadable_; }

 private:
  static constexpr size_t kChunk = 256 * 1024;

  void flush(size_t more_than) {
    if (text_.size() <= more_than || text_.empty()) return;
    text_.pop_back();  // foreign() ends the line itself
    out_.foreign(text_);
    text_.clear();
  }

  Output& out_;
  const audit::Filter& filter_;
  bool csv_;
  audit::Block block_;
  std::string text_;
  size_t unreadable_ = 0;
};

Result<Document> run_export(Context& context, const ExportOptions& options) {
  auto filter = audit_filter(options.filter, wall_now());
  if (!filter.ok()) return filter.error();
  AuditReader reader(context.redis, context.keys());
  auto partitions = reader.partitions();
  if (!partitions.ok()) return partitions.error();
  Exporter exporter(context.out, *filter, options.format == "csv");
  for (uint32_t p : *partitions) {
    Status status = reader.read({p}, range_of(*filter), [&](uint32_t, std::string_view, std::string_view block) {
      return exporter.take(block);
    });
    if (!status.ok()) return status.error();
  }
  note_unreadable(context.out, exporter.unreadable());
  return Document::printed();
}

}  // namespace

void add_audit_export_command(Cli& cli, Command& audit_group) {
  Command* command = audit_group.add_subcommand("export", "Print all records, partition by partition");
  auto& options = cli.leaf<ExportOptions>(*command, run_export);
  add_audit_filters(*command, options.filter);
  command
      ->add_option("--format", options.format,
                   "jsonl: one JSON object per line; csv: with a header line. Default: jsonl")
      ->type_name("FORMAT")
      ->one_of({"jsonl", "csv"});
  command->footer("Examples:\n  masctl audit export --format csv --since 2026-11-01 > audit.csv");
}

}  // namespace mas::ctl
