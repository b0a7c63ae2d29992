// `archive replay`: records that are chosen by name or filter, handed to a gateway as requests (archive/request.h).
//
// A page of requests is added at a time, with the operator's record (on a cluster before it) and with how far this
// replay has come, in one transaction. So a replay that failed half-way goes on exactly where it ended, by --resume,
// also when nobody knows whether its last transaction was executed. masctl opens nothing and needs no key: the gateway
// that holds it does.
// On a cluster each partition has requests, of its senders only, so that a gateway moves them by one script.
#include "sdk/masctl/commands/archive_replay.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/wire/partitions.h"
#include "proto/wire/replayed.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/archive_filters.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/archive_reader.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/partitions_reader.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

namespace archive = gateway::archive;

constexpr size_t kPage = 100;                        // requests of one transaction
constexpr uint64_t kRequestBytes = 4 * 1024 * 1024;  // of the messages of one request, when there is more than one

struct ReplayOptions {
  std::vector<std::string> records;
  ArchiveFilterOptions filter;
  size_t limit = 10'000;
  bool all = false;
  bool dry_run = false;
  std::string resume;
  std::string by;
};

Status check(const ReplayOptions& options) {
  int ways = int{!options.records.empty()} + int{options.filter.any()} + int{options.all};
  if (ways == 1) return {};
  return Error{Errc::kInvalidArgument, ways == 0 ? "expected RECORD, a filter such as --target or --from, or --all"
                                                 : "expected only one of RECORD, filters and --all"};
}

/// @param began from when ages are reckoned: what a replay chose when it began, it chooses when it goes on.
Result<std::vector<ArchivedRecord>> choose(ArchiveReader& reader, const ReplayOptions& options, WallMicros began) {
  if (options.records.empty()) {
    auto filter = archive_filter(options.filter, began);
    if (!filter.ok()) return filter.error();
    return reader.find(*filter, false, options.limit + 1);
  }
  std::vector<ArchivedRecord> chosen;
  for (const auto& name : options.records) {
    auto named = parse_record_name(name);
    if (!named.ok()) return named.error();
    auto found = reader.find_named(*named);
    if (!found.ok()) return Error{found.error().code, found.error().message + "; nothing was changed"};
    chosen.insert(chosen.end(), found->begin(), found->end());
  }
  return chosen;
}

/// Some records of one entry, which follow each other.
struct PlacedRequest {
  std::string text;
  const ArchivedRecord* last = nullptr;
  size_t records = 0;
};

using Records = std::vector<const ArchivedRecord*>;

/// @param records of one place, in their order.
std::vector<PlacedRequest> requests_for(const Records& records) {
  std::vector<PlacedRequest> requests;
  archive::Request open;
  uint64_t bytes = 0;
  const ArchivedRecord* last = nullptr;
  auto close = [&] {
    if (!open.records.empty()) requests.push_back({archive::request_text(open), last, open.records.size()});
    open.records.clear();
    bytes = 0;
  };
  for (const ArchivedRecord* record : records) {
    bool same = record->partition == open.partition && record->entry == open.entry && !open.records.empty() &&
                record->number > open.records.back() && bytes + record->bytes <= kRequestBytes;
    if (!same) close();
    open.partition = record->partition;
    open.entry = record->entry;
    open.records.push_back(record->number);
    bytes += record->bytes;
    last = record;
  }
  close();
  return requests;
}

/// The order in which records of one place are handed over, unless they are named.
auto order_of(const ArchivedRecord& record) {
  const size_t dash = record.entry.find('-');
  return std::tuple(
      record.time, record.partition, leading_number<uint64_t>(record.entry),
      leading_number<uint64_t>(std::string_view(record.entry).substr(std::min(dash, record.entry.size() - 1) + 1)),
      record.number);
}

/// How far a replay has come in one place, as Redis keeps it: "16 1795350096000000 3:1795350096000-0:7", or "16 0 -".
struct Progress {
  unsigned partitions = 0;
  WallMicros time = 0;
  std::string name;

  std::string text() const { return std::to_string(partitions) + " " + std::to_string(time) + " " + name; }
  static Progress parse(std::string_view text) {
    Progress out;
    out.partitions = leading_number<unsigned>(text);
    text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
    out.time = leading_number<WallMicros>(text);
    text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
    out.name = text;
    return out;
  }
};

/// Leaves out what was handed over before. A record that has left the archive since is found by its time.
Status skip(const Progress& done, Records& records) {
  auto same = [&done](const ArchivedRecord* record) { return record->name() == done.name; };
  auto found = std::find_if(records.begin(), records.end(), same);
  if (found != records.end()) {
    records.erase(records.begin(), found + 1);
    return {};
  }
  if (done.name == "-") return {};
  auto named = parse_record_name(done.name);
  if (!named.ok()) return named.error();
  ArchivedRecord last;
  last.partition = named->partition;
  last.entry = named->entry;
  last.number = named->records.front();
  last.time = done.time;
  std::erase_if(records, [&last](const ArchivedRecord* record) { return order_of(*record) <= order_of(last); });
  return {};
}

/// "883753a59d1c-1795350096000000": something random, and when the replay began.
std::string run_name(WallMicros began) {
  constexpr size_t kDigits = 12;
  return new_instance_id().hex().substr(0, kDigits) + "-" + std::to_string(began);
}

Result<WallMicros> beginning_of(const std::string& run) {
  const size_t dash = run.find('-');
  if (dash != std::string::npos && dash + 1 < run.size())
    if (auto began = leading_number<WallMicros>(std::string_view(run).substr(dash + 1)); began > 0) return began;
  return Error{Errc::kInvalidArgument,
               "--resume: '" + visible(run) + "' is no name of a replay; expected the one in its error message"};
}

/// A replay, from the choice of its records to its end.
class Replay {
 public:
  Replay(SyncRedis& redis, const Keys& keys, const ReplayOptions& options, std::string run)
      : redis_(redis), keys_(keys), who_(operator_name(options.by)), run_(std::move(run)) {}

  /// Finds where each record goes. @param resumes an earlier replay, whose records are left out.
  Status prepare(const std::vector<ArchivedRecord>& chosen, bool resumes) {
    auto partitions = read_partitions(redis_, keys_);
    if (!partitions.ok()) return partitions.error();
    partitions_ = *partitions;
    for (const auto& record : chosen)
      places_[keys_.placed(partition_of(record.sender, partitions_))].push_back(&record);
    if (!resumes) return {};
    redis::Command command;
    for (const auto& [place, records] : places_) command.add("HGET", keys_.replay_progress(place), run_);
    auto found = command.count() > 0 ? redis_.ask(command) : Result<std::vector<Value>>(std::vector<Value>());
    if (!found.ok()) return found.error();
    bool known = false;
    auto reply = found->begin();
    for (auto& [place, records] : places_) {
      const Value& text = *reply++;
      if (text.is_error()) return text.error();
      if (text.is_nil()) continue;
      known = true;
      const Progress done = Progress::parse(text.text);
      if (redis_.on_cluster() && done.partitions != partitions_)
        return Error{Errc::kRefused, "the number of partitions has changed since replay " + run_ +
                                         " began, so what it has handed over is in other places"};
      if (auto status = skip(done, records); !status.ok()) return status;
    }
    if (known) return {};
    return Error{Errc::kNotFound, "no unfinished replay " + run_ + " has requested any of these records"};
  }

  size_t left() const {
    size_t count = 0;
    for (const auto& [place, records] : places_) count += records.size();
    return count;
  }
  size_t handed_over() const { return handed_over_; }
  const std::string& run() const { return run_; }

  /// @param begins it is no earlier one that goes on.
  Status hand_over(bool begins) {
    if (begins)
      if (auto status = note_beginning(); !status.ok()) return status;
    for (const auto& [place, records] : places_)
      if (auto status = hand_over(place, records); !status.ok()) return unfinished(status.error());
    redis::Command done;
    for (const auto& [place, records] : places_) done.add("HDEL", keys_.replay_progress(place), run_);
    if (done.count() > 0) static_cast<void>(redis_.ask(done));  // what stays is never looked at again
    return {};
  }

 private:
  Status note_beginning() {
    redis::Command command;
    for (const auto& [place, records] : places_)
      command.add("HSET", keys_.replay_progress(place), run_, Progress{partitions_, 0, "-"}.text());
    if (command.count() == 0) return {};
    auto noted = redis_.ask(command);
    if (!noted.ok()) return noted.error().in("nothing was handed over");
    for (const Value& reply : *noted)
      if (reply.is_error()) return reply.error().in("nothing was handed over");
    return {};
  }

  Status hand_over(unsigned place, const Records& records) {
    const auto requests = requests_for(records);
    for (size_t at = 0; at < requests.size(); at += kPage) {
      std::vector<std::string> page;
      size_t count = 0;
      const ArchivedRecord* last = nullptr;
      for (size_t i = at; i < std::min(at + kPage, requests.size()); ++i) {
        page.push_back(requests[i].text);
        count += requests[i].records;
        last = requests[i].last;
      }
      redis::Command command = set_command("RPUSH", keys_.replays(place), page);
      command.add("HSET", keys_.replay_progress(place), run_, Progress{partitions_, last->time, last->name()}.text());
      append_operator_record(command, keys_, who_, "archive.replay", keys_.replays(place), joined_words(page));
      auto values = transact(redis_, command);
      if (!values.ok()) return values.error();
      handed_over_ += count;
      last_ = last->name();
    }
    return {};
  }

  Error unfinished(const Error& why) const {
    std::string text = why.message + "; " + std::to_string(handed_over_) + " of " + std::to_string(left()) +
                       " messages are known to be handed over";
    if (!last_.empty()) text += ", the last of them " + last_;
    return {why.code, text + "; the others follow, and none twice, by the same command with --resume " + run_};
  }

  SyncRedis& redis_;
  const Keys& keys_;
  const std::string who_, run_;
  unsigned partitions_ = 0;
  std::map<unsigned, Records> places_;
  size_t handed_over_ = 0;
  std::string last_;
};

Result<Document> run_replay(Context& context, const ReplayOptions& options) {
  if (auto status = check(options); !status.ok()) return status.error();
  context.redis.expect_messages();
  ArchiveReader reader(context.redis, context.keys());
  const bool resumes = !options.resume.empty();
  const std::string run = resumes ? options.resume : run_name(wall_now());
  auto began = beginning_of(run);
  if (!began.ok()) return began.error();
  auto chosen = choose(reader, options, *began);
  if (!chosen.ok()) return chosen.error();
  const bool more = options.records.empty() && chosen->size() > options.limit;
  if (more) chosen->resize(options.limit);
  Replay replay(context.redis, context.keys(), options, run);
  if (auto status = replay.prepare(*chosen, resumes); !status.ok()) return status.error();
  Status status;
  if (!options.dry_run) status = replay.hand_over(!resumes);
  const size_t count = options.dry_run ? replay.left() : replay.handed_over();
  const bool dry_run = options.dry_run;
  const std::string unfinished = status.ok() ? "" : replay.run();
  Document document = Document::of(
      count,
      [=](JsonWriter& json, size_t) {
        json.begin_object().key("messages").unsigned_integer(count).key("more").boolean(more);
        json.key("dry_run").boolean(dry_run);
        if (!unfinished.empty()) json.key("resume").string(unfinished);
        json.end_object();
      },
      [=](Output& out, size_t) {
        out.line(std::to_string(count) + (count == 1 ? " message " : " messages ") + (dry_run ? "would be " : "") +
                 "handed to the gateway for replay");
        if (more) out.note("more messages match; continue with --from after the last of these, or raise --limit");
      });
  if (!status.ok()) return std::move(document).fails_with(status.error());
  return document;
}

}  // namespace

void add_archive_replay(Cli& cli, Command& group) {
  Command* replay = group.add_subcommand(
      "replay", "Make the gateway decide archived messages again, by the current policies, and deliver them");
  auto& options = cli.leaf<ReplayOptions>(*replay, run_replay);
  replay->add_option("RECORD", options.records, "Messages, as archive list names them")->type_name("");
  add_archive_filters(*replay, options.filter);
  replay->add_flag("--all", options.all, "All archived messages");
  replay->add_option("--limit", options.limit, "Maximum number of messages, oldest first. Default: 10000")
      ->between(1, 1'000'000)
      ->type_name("N");
  replay
      ->add_option("--resume", options.resume,
                   "Continue a replay that failed half-way, by the name that its error message has, with the same "
                   "RECORDs or filters")
      ->type_name("REPLAY");
  replay->add_flag("--dry-run", options.dry_run, "Print how many, and change nothing");
  add_by_option(*replay, options.by);
  replay->footer(
      "An accepted message is delivered with its original id, marked as replayed. A refused message is audited.\n"
      "Neither is archived again. Two requests deliver twice.\n"
      "Examples:\n"
      "  masctl archive replay --target billing --from 2026-11-24T12:00:00Z --to 2026-11-24T13:00:00Z --dry-run\n"
      "  masctl archive replay 3:1795350096000-0:7");
}

}  // namespace mas::ctl
