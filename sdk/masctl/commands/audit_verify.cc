// `audit verify`: recomputes every chain and holds it against signed heads.
//
//   online    heads of the stream (and of files) → retired blocks, if given → blocks of the stream → heads that came
//             meanwhile, for what they say about trimming
//   offline   heads of files → retired blocks
//
// Beside what a chain shows of itself (verify.h): what should be there and is not, blocks or heads as a whole
// (find_losses).
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/audit.h"
#include "sdk/masctl/commands/audit_sources.h"
#include "sdk/masctl/redis/audit_reader.h"

namespace mas::ctl {

namespace {

namespace audit = gateway::audit;

struct VerifyOptions {
  std::vector<std::string> offline;
  std::vector<std::string> retired;
  std::vector<std::string> heads;
  std::vector<std::string> keys;
  bool to_end = false;
};

/// What a verification found.
struct VerifiedAudit {
  std::vector<audit::ChainReport> reports;
  size_t trusted_heads = 0, untrusted_heads = 0;
  std::vector<std::string> complaints, losses, remarks;  ///< sentences

  bool all_well() const {
    return complaints.empty() && losses.empty() &&
           std::all_of(reports.begin(), reports.end(), [](const auto& report) { return report.ok(); });
  }
  bool any_lost() const {
    return std::any_of(reports.begin(), reports.end(), [](const auto& report) { return !report.lost.empty(); });
  }
  ExitCode exit_code() const {
    if (!all_well()) return ExitCode::kBadAudit;
    return any_lost() ? ExitCode::kLostAudit : ExitCode::kOk;
  }
};

std::string verdict(const audit::ChainReport& report) {
  if (!report.ok()) return "BAD: " + std::string(audit::fault_text(report.fault));
  return report.lost.empty() ? "intact" : "BLOCKS LOST";
}

void print_details(Output& out, const audit::ChainReport& report) {
  std::string name = "partition " + std::to_string(report.partition) + ": ";
  if (!report.ok()) {
    std::string entry = report.bad_entry.empty() ? "" : " (entry " + report.bad_entry + ")";
    out.line(name + "the first bad block is " + std::to_string(report.bad_block) + entry + ", " +
             std::string(audit::fault_text(report.fault)) + ": " + visible(report.why));
  }
  for (const audit::LostBlocks& lost : report.lost)
    out.line(audit::lost_blocks_text(lost) + " were lost at " + time_text(lost.time) +
             ": a gateway had seen them, and their numbers were given again");
  if (report.first > audit::kFirstBlock && !report.front.empty()) out.line(name + report.front);
  if (report.unanchored_since() != 0)
    out.line(name + "no signed head covers the blocks since " + std::to_string(report.unanchored_since()));
}

void print_verified(Output& out, const VerifiedAudit& verified) {
  Table table({"PARTITION", "BLOCKS", "RECORDS", "CHAIN", "ANCHORED", "VERDICT"});
  for (const audit::ChainReport& report : verified.reports) {
    std::string chain = report.last == 0 ? "-" : std::to_string(report.first) + "-" + std::to_string(report.last);
    std::string anchored = report.anchored == 0 ? "-" : "to " + std::to_string(report.anchored);
    table.add({std::to_string(report.partition), std::to_string(report.blocks), std::to_string(report.records), chain,
               anchored, verdict(report)});
  }
  out.table(table);
  for (const audit::ChainReport& report : verified.reports) print_details(out, report);
  for (const std::string& complaint : verified.complaints) out.line("heads: " + visible(complaint));
  for (const std::string& loss : verified.losses) out.line("lost: " + loss);
  for (const std::string& remark : verified.remarks) out.note(remark);
  const bool well = verified.all_well(), lost = verified.any_lost();
  const char* result = !well  ? "THE AUDIT IS NOT INTACT"
                       : lost ? "THE AUDIT LACKS BLOCKS: Redis lost data, or somebody removed them"
                              : "every chain is intact";
  out.line(out.painted(result, well && !lost ? Paint::kGood : Paint::kBad));
}

void write_report(JsonWriter& json, const audit::ChainReport& report) {
  json.begin_object().key("partition").unsigned_integer(report.partition).key("ok").boolean(report.ok());
  json.key("blocks").unsigned_integer(report.blocks).key("records").unsigned_integer(report.records);
  json.key("first").unsigned_integer(report.first).key("last").unsigned_integer(report.last);
  json.key("anchored").unsigned_integer(report.anchored);
  json.key("unanchored_since").unsigned_integer(report.unanchored_since()).key("front").string(report.front);
  if (!report.ok()) {
    json.key("fault").string(audit::fault_text(report.fault)).key("bad_block").unsigned_integer(report.bad_block);
    json.key("entry").string(visible(report.bad_entry)).key("why").string(visible(report.why));
  }
  json_list(json, "lost", report.lost, [](JsonWriter& each, const audit::LostBlocks& lost) {
    each.begin_object().key("first").unsigned_integer(lost.first).key("last").unsigned_integer(lost.last);
    each.key("time").string(time_text(lost.time)).key("hash").string(to_hex(lost.hash)).end_object();
  });
  json.end_object();
}

void write_verified(JsonWriter& json, const VerifiedAudit& verified) {
  auto write_visible = [](JsonWriter& each, const std::string& text) { each.string(visible(text)); };
  json.begin_object().key("ok").boolean(verified.exit_code() == ExitCode::kOk);
  json_list(json, "partitions", verified.reports, write_report);
  json.key("heads").begin_object().key("trusted").unsigned_integer(verified.trusted_heads);
  json.key("untrusted").unsigned_integer(verified.untrusted_heads);
  json_list(json, "complaints", verified.complaints, write_visible);
  json.end_object();
  json_list(json, "losses", verified.losses, write_visible);
  json_list(json, "remarks", verified.remarks, write_visible);
  json.end_object();
}

/// One verification, from the sources to the result.
class Verification {
 public:
  Verification(Context& context, const VerifyOptions& options, std::vector<VerifyKey> keys)
      : context_(context), options_(options), keys_(std::move(keys)), ledger_(keys_, context.settings.ns) {}

  Result<VerifiedAudit> run() {
    Status status = read_heads();
    if (status.ok()) status = offline() ? feed_retired_files(options_.offline) : read_online();
    if (!status.ok()) return status.error();
    // A partition that signed heads name, but of which nothing is there, is judged too.
    for (uint32_t p : ledger_.partitions())
      if (!offline() || options_.to_end) verifier_of(p);
    for (auto& [partition, verifier] : verifiers_)
      verified_.reports.push_back(verifier.finish(ledger_.of(partition), !offline() || options_.to_end));
    std::erase_if(verified_.reports, [](const audit::ChainReport& report) {
      return report.blocks == 0 && report.ok() && report.lost.empty();
    });
    find_losses();
    verified_.trusted_heads = ledger_.trusted();
    verified_.untrusted_heads = ledger_.untrusted();
    verified_.complaints = ledger_.complaints();
    verified_.remarks = remarks();
    return std::move(verified_);
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
      if (torn) context_.out.note(path + ": the last line is incomplete and was ignored");
    }
    return {};
  }

  Status feed_retired_files(const std::vector<std::string>& paths) {
    auto files = find_retired_files(paths);
    if (!files.ok()) return files.error();
    for (const RetiredFile& file : *files)
      if (auto status = feed_retired_file(file, verifier_of(file.partition)); !status.ok()) return status;
    return {};
  }

  Status read_online() {
    const Keys& keys = context_.keys();
    AuditReader reader(context_.redis, keys);
    std::string last = "-";
    Status status = reader.read_stream(keys.audit_heads(), last, [&](std::string_view entry, std::string_view line) {
      ledger_.add_in_order(line, std::string(keys.audit_heads()).append(" ").append(entry));
      last = "(" + std::string(entry);
    });
    heads_in_redis_ = last != "-";
    if (!status.ok()) return status;
    if (status = feed_retired_files(options_.retired); !status.ok()) return status;
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
      verified_.losses.push_back(
          "partition " + std::to_string(p) +
          " has no block in Redis, although messages of its senders were decided: its audit is missing");
    return {};
  }

  void find_losses() {
    const bool heads = ledger_.trusted() + ledger_.untrusted() > 0;
    if (verified_.reports.empty() && verified_.losses.empty())
      verified_.losses.push_back(
          "nothing to verify: there are neither blocks nor heads. If messages were ever decided here, their audit is "
          "missing");
    else if (!keys_.empty() && ledger_.trusted() == 0)
      verified_.losses.push_back(
          "no head was signed with the given key: the heads are missing, or gateways sign with another key or not at "
          "all");
    else if (!offline() && heads && !heads_in_redis_)
      verified_.losses.push_back("the files contain heads, but Redis has none: the stream of heads is missing");
  }

  /// What stands between this result and a proof.
  std::vector<std::string> remarks() const {
    std::vector<std::string> list;
    if (keys_.empty())
      list.push_back("no public key was given (--key), so no signature was checked and nothing anchors the chains");
    if (!keys_.empty() && ledger_.untrusted() > 0)
      list.push_back(std::to_string(ledger_.untrusted()) + " heads are not signed with the given key and were ignored");
    if (options_.heads.empty())
      list.push_back(
          "no heads from outside Redis were given (--heads): an attacker who can write to Redis can remove blocks and "
          "heads together");
    return list;
  }

  Context& context_;
  const VerifyOptions& options_;
  std::vector<VerifyKey> keys_;
  audit::HeadLedger ledger_;
  std::map<uint32_t, audit::ChainVerifier> verifiers_;
  bool heads_in_redis_ = false;
  VerifiedAudit verified_;
};

Result<Document> run_verify(Context& context, const VerifyOptions& options) {
  auto keys = read_public_keys(options.keys);
  if (!keys.ok()) return keys.error();
  auto verified = Verification(context, options, std::move(*keys)).run();
  if (!verified.ok()) return verified.error();
  const ExitCode code = verified->exit_code();
  return Document::of(std::move(*verified), write_verified, print_verified).exits_with(code);
}

}  // namespace

void add_audit_verify_command(Cli& cli, Command& audit_group) {
  Command* verify = audit_group.add_subcommand(
      "verify", "Recompute every chain; report the first bad block and the blocks that no signed head covers");
  auto& options = cli.leaf<VerifyOptions>(*verify, run_verify);
  auto* offline = verify->add_option("--offline", options.offline,
                                     "Verify these files of retired blocks (or folders of them) without Redis");
  offline->type_name("FILE")->expected(1, -1);
  verify
      ->add_option("--retired", options.retired,
                   "Files of retired blocks (or folders of them), verified before the blocks in Redis")
      ->type_name("FILE")
      ->expected(1, -1)
      ->excludes(offline);
  verify->renamed_option("--archive", "--retired");
  verify->add_option("--heads", options.heads, "File of signed heads that was kept outside Redis; may be repeated")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  verify->add_option("--key", options.keys, "Public key of the gateways, \"ed25519:…\" or a file; may be repeated")
      ->type_name("PUBLIC")
      ->expected(1)
      ->take_all();
  verify->add_flag(
      "--to-end", options.to_end,
      "The files of --offline are complete: a block that a head names and the files lack is reported as lost");
  verify->footer(
      "Examples:\n"
      "  masctl audit verify --key /etc/mas/audit.pub --heads /mnt/elsewhere/heads.jsonl\n"
      "  masctl audit verify --offline /var/lib/mas/gatewayd/retired --heads heads.jsonl --key audit.pub");
}

}  // namespace mas::ctl
