// `audit verify`: recomputes every chain and holds it against signed heads.
//
//   online    heads of the stream (and of files) → archives, if given → blocks of the stream → heads that came meanwhile,
//             for what they say about trimming
//   offline   heads of files → archives
//
// Beside what a chain shows of itself (verify.h): what should be there and is not, blocks or heads as a whole (find_losses).
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/audit.h"
#include "sdk/masctl/commands/audit_sources.h"
#include "sdk/masctl/redis/audit_reader.h"

namespace mas::ctl {

namespace {

namespace audit = gateway::audit;

struct VerifyOptions {
  std::vector<std::string> offline;
  std::vector<std::string> archives;
  std::vector<std::string> heads;
  std::vector<std::string> keys;
  bool to_end = false;
};

/// One verification, from the sources to the verdict.
class Verification {
 public:
  Verification(Context& context, const VerifyOptions& options, std::vector<VerifyKey> keys)
      : context_(context), options_(options), keys_(std::move(keys)), ledger_(keys_, context.settings.ns) {}

  ExitCode run() {
    Status status = read_heads();
    if (status.ok()) status = offline() ? feed_archives(options_.offline) : read_online();
    if (!status.ok()) return context_.out.fail(status.error());
    // A partition that signed heads name, but of which nothing is there, is judged too.
    for (uint32_t p : ledger_.partitions())
      if (!offline() || options_.to_end) verifier_of(p);
    for (auto& [partition, verifier] : verifiers_)
      reports_.push_back(verifier.finish(ledger_.of(partition), !offline() || options_.to_end));
    std::erase_if(reports_, [](const audit::ChainReport& report) { return report.blocks == 0 && report.ok(); });
    find_losses();
    context_.out.json() ? print_json() : print();
    return all_well() ? ExitCode::kOk : ExitCode::kBadAudit;
  }

 private:
  bool offline() const { return !options_.offline.empty(); }

  audit::ChainVerifier& verifier_of(uint32_t partition) {
    return verifiers_.try_emplace(partition, partition, context_.settings.ns).first->second;
  }

  Status read_heads() {
    for (const std::string& path : options_.heads) {
      bool torn = false;
      if (auto status = feed_heads(path, ledger_, torn); !status.ok()) return status;
      if (torn) context_.out.note(path + ": the last line is not whole, and is left out");
    }
    return {};
  }

  Status feed_archives(const std::vector<std::string>& paths) {
    auto archives = find_archives(paths);
    if (!archives.ok()) return archives.error();
    for (const AuditArchive& archive : *archives)
      if (auto status = feed_archive(archive, verifier_of(archive.partition)); !status.ok()) return status;
    return {};
  }

  Status read_online() {
    auto redis = SyncRedis::open(context_.settings);
    if (!redis.ok()) return redis.error();
    const Keys& keys = context_.settings.keys;
    AuditReader reader(**redis, keys);
    std::string last = "-";
    Status status = reader.read_stream(keys.audit_heads(), last, [&](std::string_view entry, std::string_view line) {
      ledger_.add_in_order(line, std::string(keys.audit_heads()).append(" ").append(entry));
      last = "(" + std::string(entry);
    });
    heads_in_redis_ = last != "-";
    if (!status.ok()) return status;
    if (status = feed_archives(options_.archives); !status.ok()) return status;
    if (status = read_blocks(reader); !status.ok()) return status;
    return reader.read_stream(keys.audit_heads(), last,
                              [&](std::string_view, std::string_view line) { ledger_.add_marks(line); });
  }

  Status read_blocks(AuditReader& reader) {
    auto partitions = reader.partitions();
    if (!partitions.ok()) return partitions.error();
    for (uint32_t p : *partitions) verifier_of(p).next_source();
    std::set<uint32_t> empty(partitions->begin(), partitions->end());
    Status status =
        reader.read(*partitions, {}, [&](uint32_t partition, std::string_view entry, std::string_view block) {
          empty.erase(partition);
          verifier_of(partition).add(entry, block);
          return true;
        });
    if (!status.ok()) return status;
    auto decided = reader.with_senders({empty.begin(), empty.end()});
    if (!decided.ok()) return decided.error();
    for (uint32_t p : *decided)
      losses_.push_back("partition " + std::to_string(p) +
                        " has no block in Redis, though messages of its senders were decided: its audit is gone");
    return {};
  }

  void find_losses() {
    const bool heads = ledger_.trusted() + ledger_.untrusted() > 0;
    if (reports_.empty() && losses_.empty())
      losses_.push_back(
          "there is nothing to verify, neither a block nor a head: where a message was ever decided, its audit is "
          "gone");
    else if (!keys_.empty() && ledger_.trusted() == 0)
      losses_.push_back(
          "there is no head under the given key: they are gone, or gateways sign with another key, or with none");
    else if (!offline() && heads && !heads_in_redis_)
      losses_.push_back("Redis has no head, though files have some: the stream of heads is gone");
  }

  bool all_well() const {
    return ledger_.complaints().empty() && losses_.empty() &&
           std::all_of(reports_.begin(), reports_.end(), [](const auto& report) { return report.ok(); });
  }

  /// What stands between this verdict and a proof.
  std::vector<std::string> remarks() const {
    std::vector<std::string> list;
    if (keys_.empty())
      list.push_back("no public key was given (--key): no signature was checked, so nothing anchors the chains");
    if (!keys_.empty() && ledger_.untrusted() > 0)
      list.push_back(std::to_string(ledger_.untrusted()) + " heads are not signed by the given key, and were left out");
    if (options_.heads.empty())
      list.push_back(
          "no heads from outside of Redis were given (--heads): who can write to Redis can take blocks and heads away "
          "together");
    return list;
  }

  void print() {
    Table table({"PARTITION", "BLOCKS", "RECORDS", "CHAIN", "ANCHORED", "VERDICT"});
    for (const audit::ChainReport& report : reports_) {
      std::string chain = report.last == 0 ? "-" : std::to_string(report.first) + "-" + std::to_string(report.last);
      std::string anchored = report.anchored == 0 ? "-" : "to " + std::to_string(report.anchored);
      std::string verdict = report.ok() ? "whole" : "BAD: " + std::string(audit::fault_text(report.fault));
      table.add({std::to_string(report.partition), std::to_string(report.blocks), std::to_string(report.records), chain,
                 anchored, verdict});
    }
    context_.out.table(table);
    for (const audit::ChainReport& report : reports_) print_details(report);
    for (const std::string& complaint : ledger_.complaints()) context_.out.line("heads: " + visible(complaint));
    for (const std::string& loss : losses_) context_.out.line("lost: " + loss);
    for (const std::string& remark : remarks()) context_.out.note(remark);
    bool well = all_well();
    context_.out.line(context_.out.painted(well ? "every chain is whole" : "THE AUDIT IS NOT WHOLE",
                                           well ? Paint::kGood : Paint::kBad));
  }

  void print_details(const audit::ChainReport& report) {
    std::string name = "partition " + std::to_string(report.partition) + ": ";
    if (!report.ok()) {
      std::string entry = report.bad_entry.empty() ? "" : " (entry " + report.bad_entry + ")";
      context_.out.line(name + "the first bad block is " + std::to_string(report.bad_block) + entry + ", " +
                        std::string(audit::fault_text(report.fault)) + ": " + visible(report.why));
    }
    if (report.first > audit::kFirstBlock && !report.front.empty()) context_.out.line(name + report.front);
    if (report.unanchored_since() != 0)
      context_.out.line(name + "nothing anchors the blocks since " + std::to_string(report.unanchored_since()));
  }

  static void write_report(JsonWriter& json, const audit::ChainReport& report) {
    json.begin_object().key("partition").unsigned_integer(report.partition).key("ok").boolean(report.ok());
    json.key("blocks").unsigned_integer(report.blocks).key("records").unsigned_integer(report.records);
    json.key("first").unsigned_integer(report.first).key("last").unsigned_integer(report.last);
    json.key("anchored").unsigned_integer(report.anchored);
    json.key("unanchored_since").unsigned_integer(report.unanchored_since()).key("front").string(report.front);
    if (!report.ok()) {
      json.key("fault").string(audit::fault_text(report.fault)).key("bad_block").unsigned_integer(report.bad_block);
      json.key("entry").string(visible(report.bad_entry)).key("why").string(visible(report.why));
    }
    json.end_object();
  }

  static void write_texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
    json.key(key).begin_array();
    for (const std::string& text : texts) json.string(visible(text));
    json.end_array();
  }

  void print_json() {
    std::string text;
    JsonWriter json(text);
    json.begin_object().key("ok").boolean(all_well()).key("partitions").begin_array();
    for (const audit::ChainReport& report : reports_) write_report(json, report);
    json.end_array().key("heads").begin_object().key("trusted").unsigned_integer(ledger_.trusted());
    json.key("untrusted").unsigned_integer(ledger_.untrusted());
    write_texts(json, "complaints", ledger_.complaints());
    json.end_object();
    write_texts(json, "losses", losses_);
    write_texts(json, "remarks", remarks());
    json.end_object();
    context_.out.line(text);
  }

  Context& context_;
  const VerifyOptions& options_;
  std::vector<VerifyKey> keys_;
  audit::HeadLedger ledger_;
  std::map<uint32_t, audit::ChainVerifier> verifiers_;
  std::vector<audit::ChainReport> reports_;
  bool heads_in_redis_ = false;
  std::vector<std::string> losses_;  // sentences
};

ExitCode run_verify(Context& context, const VerifyOptions& options) {
  auto keys = read_public_keys(options.keys);
  if (!keys.ok()) return context.out.fail(keys.error());
  return Verification(context, options, std::move(*keys)).run();
}

}  // namespace

void add_audit_verify_command(Cli& cli, Command& audit_group) {
  Command* verify =
      audit_group.add_subcommand("verify", "Recompute every chain; name the first bad block, and what is not anchored");
  auto& options = cli.leaf<VerifyOptions>(*verify, run_verify);
  auto* offline = verify->add_option("--offline", options.offline,
                                     "Verify these archive files (or folders of them), and do not ask Redis");
  offline->type_name("FILE")->expected(1, -1);
  verify->add_option("--archive", options.archives, "Archives of what was trimmed, before the blocks in Redis")
      ->type_name("FILE")
      ->expected(1, -1)
      ->excludes(offline);
  verify->add_option("--heads", options.heads, "A file of signed heads that was kept elsewhere; may be repeated")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  verify->add_option("--key", options.keys, "Public key of the gateways, \"ed25519:…\" or a file; may be repeated")
      ->type_name("PUBLIC")
      ->expected(1)
      ->take_all();
  verify->add_flag("--to-end", options.to_end, "The files of --offline are everything: what heads name beyond is lost");
  verify->footer(
      "Examples:\n"
      "  masctl audit verify --key /etc/mas/audit.pub --heads /mnt/elsewhere/heads.jsonl\n"
      "  masctl audit verify --offline /var/lib/mas/archive --heads heads.jsonl --key audit.pub");
}

}  // namespace mas::ctl
