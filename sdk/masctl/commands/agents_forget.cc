// `agents forget`: who is looked at, what is found, what goes, and the operator's record of it.
//
// Agents are looked at by the script of proto/wire/forget_agent.h, a page at a time. Those that may go are then removed
// by the same script, which looks again, in one transaction with the record that names them.
// On a cluster there is a script for each partition, and the record is written before the removal.
// Pace: after each page a rest as long as the page took, so that Redis is never busy with this for more than half of
// its time.
#include "sdk/masctl/commands/agents_forget.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "proto/base/ids.h"
#include "proto/wire/forget_agent.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/bounded_reads.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/partitions_reader.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

constexpr size_t kPage = 100;       // so that a record can name all of its agents
constexpr size_t kScripts = 2'000;  // of a page, on a cluster

struct Options {
  std::vector<std::string> agents;
  std::string stopped_for;
  bool discard = false, dry_run = false;
  std::string by;
};

struct Found : ForgetAnswer {
  std::string id;
};

std::string_view reason(ForgetState state) {
  switch (state) {
    case ForgetState::kForgotten:
      return "forgotten";
    case ForgetState::kWould:
      return "would be forgotten";
    case ForgetState::kNone:
      return "has no streams";
    case ForgetState::kRegistered:
      return "is registered: it was not stopped in order";
    case ForgetState::kAlive:
      return "is alive";
    case ForgetState::kRecent:
      return "was active too recently";
    case ForgetState::kWaiting:
      return "has waiting messages; --discard removes them";
    case ForgetState::kForeign:
      return "has a key that should be a stream and is not";
  }
  return "unknown";
}

bool may_go(ForgetState state) { return state == ForgetState::kForgotten || state == ForgetState::kWould; }

/// What became of whom.
struct ForgetResult {
  std::vector<Found> shown;
  std::map<ForgetState, uint64_t> kept;
  uint64_t gone = 0;
  int64_t discarded = 0;
  bool dry_run = false, lines = false;  ///< lines: a line per agent, for people
};

void write_outcome(JsonWriter& json, const ForgetResult& outcome) {
  json.begin_object();
  json_list(json, "agents", outcome.shown, [](JsonWriter& each, const Found& found) {
    each.begin_object().key("id").string(found.id).key("state").string(forget_state_name(found.state));
    each.key("waiting").integer(found.waiting).key("gone_ms").integer(found.gone_ms).end_object();
  });
  json.key("forgotten").unsigned_integer(outcome.gone).key("discarded").integer(outcome.discarded);
  json.key("kept").begin_object();
  for (const auto& [state, count] : outcome.kept) json.key(forget_state_name(state)).unsigned_integer(count);
  json.end_object().key("dry_run").boolean(outcome.dry_run).end_object();
}

std::string backlog_of(const Found& found) {
  return found.waiting > 0 ? " (" + std::to_string(found.waiting) + " messages)" : "";
}

void print_outcome(Output& out, const ForgetResult& outcome) {
  if (outcome.lines)
    for (const Found& found : outcome.shown)
      out.line("'" + found.id + "' " + std::string(reason(found.state)) + backlog_of(found));
  std::string text = std::to_string(outcome.gone) + (outcome.gone == 1 ? " agent " : " agents ");
  text += outcome.dry_run ? "would be forgotten" : "forgotten";
  if (outcome.discarded > 0) text += ", with " + std::to_string(outcome.discarded) + " waiting messages";
  for (const auto& [state, count] : outcome.kept)
    text += "; kept: " + std::to_string(count) + " " + std::string(forget_state_name(state));
  out.line(text);
}

/// @return what a script of proto/wire/forget_agent.h answered.
Result<ForgetAnswer> answer_of(const Value& reply) {
  if (reply.is_error()) return Error{Errc::kRefused, printable(reply.text, 300)};
  auto state = reply.elements.size() == 3 ? parse_forget_state(reply.elements[0].text) : std::nullopt;
  if (!state) return Error{Errc::kProtocol, "unexpected answer of the script"};
  return ForgetAnswer{*state, reply.elements[1].integer, reply.elements[2].integer};
}

class Forgetting {
 public:
  Forgetting(Context& context, const Options& options, Duration gone)
      : redis_(context.redis), keys_(context.keys()), options_(options), forget_{gone, options.discard, true} {
    outcome_.dry_run = options.dry_run;
    outcome_.lines = named() || options.dry_run;
  }

  /// What was done before a failure is shown, too.
  Document run() {
    Status status = named() ? look_at_all(options_.agents) : walk();
    const bool all_went = !named() || outcome_.kept.empty();
    Document document = Document::of(std::move(outcome_), write_outcome, print_outcome);
    if (!status.ok()) return std::move(document).fails_with(status.error());
    return std::move(document).exits_with(all_went ? ExitCode::kOk : ExitCode::kFailed);
  }

 private:
  bool named() const { return !options_.agents.empty(); }

  Status walk() {
    std::set<std::string> seen;
    Status problem;
    Status status = each_key_page(redis_, lane_scan_pattern(keys_), "stream", [&](const std::vector<Value>& names) {
      std::vector<std::string> news;
      for (const Value& name : names) {
        std::string_view id = name.is_text() ? agent_id_of_lane(keys_, name.text) : std::string_view();
        if (!id.empty() && seen.emplace(id).second) news.emplace_back(id);
      }
      problem = look_at_all(news);
      return problem.ok();
    });
    return problem.ok() ? status : problem;
  }

  Status look_at_all(const std::vector<std::string>& ids) {
    if (auto status = count_partitions(); !status.ok()) return status;
    const size_t page = redis_.on_cluster() ? std::clamp<size_t>(kScripts / (partitions_ + 1), 1, kPage) : kPage;
    for (size_t at = 0; at < ids.size(); at += page) {
      auto first = ids.begin() + static_cast<std::ptrdiff_t>(at);
      auto last = first + static_cast<std::ptrdiff_t>(std::min(page, ids.size() - at));
      const MonoTime begun = mono_now();
      if (auto status = do_page({first, last}); !status.ok()) return status.error().in("forgetting agents");
      if (last != ids.end() || !named()) std::this_thread::sleep_for(mono_now() - begun);
    }
    return {};
  }

  Status do_page(const std::vector<std::string>& ids) {
    looked_ = mono_now();
    auto looked = redis_.on_cluster() ? look_by_slot(ids) : ask(ids, true);
    if (!looked.ok()) return looked.error();
    std::vector<std::string> go;
    for (const Found& found : *looked)
      if (found.state == ForgetState::kWould && !options_.dry_run)
        go.push_back(found.id);
      else
        take(found);
    if (go.empty()) return {};
    auto gone = redis_.on_cluster() ? remove_by_slot(go) : ask(go, false);
    if (!gone.ok()) return gone.error();
    for (const Found& found : *gone) take(found);
    return {};
  }

  /// @param look only, or remove and record.
  Result<std::vector<Found>> ask(const std::vector<std::string>& ids, bool look) {
    ForgetOptions forget = forget_;
    forget.dry_run = look;
    redis::Command command;
    for (const auto& id : ids) command.add(redis::Command::of(forget_agent_words(keys_, id, forget)));
    if (!look) append_record(command, ids);
    auto replies = look ? redis_.ask(command) : transact(redis_, command);
    if (!replies.ok()) return replies.error();
    std::vector<Found> all;
    for (size_t i = 0; i < ids.size(); ++i) {
      auto answer = answer_of((*replies)[i]);
      if (!answer.ok()) return answer.error();
      all.push_back({*answer, ids[i]});
    }
    return all;
  }

  void append_record(redis::Command& command, const std::vector<std::string>& ids) const {
    append_operator_record(command, keys_, operator_name(options_.by), "agents.forget", "agent.stream",
                           std::string(options_.discard ? "discard " : "") + joined_words(ids));
  }

  Status count_partitions() {
    if (!redis_.on_cluster() || partitions_ > 0) return {};
    auto number = read_partitions(redis_, keys_);
    if (!number.ok()) return number.error();
    partitions_ = *number;
    return {};
  }

  Result<std::vector<Found>> look_by_slot(const std::vector<std::string>& ids) {
    redis::Command command;
    for (const auto& id : ids) command.add(redis::Command::of(agent_presence_words(keys_, id)));
    std::vector<ForgetParts> parts(ids.size());
    if (auto status = ask_parts(command, parts, &ForgetParts::add_presence); !status.ok()) return status.error();
    if (auto status = ask_lanes(ids, parts, 0, partitions_, true); !status.ok()) return status.error();
    std::vector<Found> all;
    for (size_t i = 0; i < ids.size(); ++i) all.push_back({parts[i].whole(), ids[i]});
    return all;
  }

  /// The streams of partition 0 stay where others do.
  Result<std::vector<Found>> remove_by_slot(const std::vector<std::string>& ids) {
    redis::Command record;
    append_record(record, ids);
    if (auto written = redis_.ask_one(record); !written.ok()) return written.error();
    if (mono_now() - looked_ > kForgetWithin)
      return Error{Errc::kTimeout, "the look at the agents took too long, so nothing of theirs was removed"};
    std::vector<ForgetParts> parts(ids.size());
    if (auto status = ask_lanes(ids, parts, 1, partitions_, false); !status.ok()) return status.error();
    std::vector<Found> all;
    std::vector<std::string> last;
    std::vector<ForgetParts> last_parts;
    for (size_t i = 0; i < ids.size(); ++i) {
      const ForgetState others = parts[i].whole().state;
      const bool gone = others == ForgetState::kForgotten || others == ForgetState::kNone;
      if (!gone) all.push_back({parts[i].whole(), ids[i]});
      if (gone) last.push_back(ids[i]);
      if (gone) last_parts.push_back(parts[i]);
    }
    if (auto status = ask_lanes(last, last_parts, 0, 1, false); !status.ok()) return status.error();
    for (size_t i = 0; i < last.size(); ++i) all.push_back({last_parts[i].whole(), last[i]});
    return all;
  }

  /// @param from the first partition. @param to the one behind the last.
  Status ask_lanes(const std::vector<std::string>& ids, std::vector<ForgetParts>& parts, unsigned from, unsigned to,
                   bool look) {
    ForgetOptions forget = forget_;
    forget.dry_run = look;
    redis::Command command;
    for (unsigned p = from; p < to; ++p)
      for (const auto& id : ids) command.add(redis::Command::of(forget_lanes_words(keys_, id, p, forget)));
    return ask_parts(command, parts, &ForgetParts::add_lanes);
  }

  /// @param command one for each agent, in their order, as often as there are partitions.
  Status ask_parts(const redis::Command& command, std::vector<ForgetParts>& parts,
                   void (ForgetParts::*add)(const ForgetAnswer&)) {
    if (command.count() == 0) return {};
    auto replies = redis_.ask(command);
    if (!replies.ok()) return replies.error();
    for (size_t i = 0; i < replies->size(); ++i) {
      auto answer = answer_of((*replies)[i]);
      if (!answer.ok()) return answer.error();
      (parts[i % parts.size()].*add)(*answer);
    }
    return {};
  }

  void take(const Found& found) {
    if (may_go(found.state)) {
      ++outcome_.gone;
      outcome_.discarded += found.waiting;
    } else {
      ++outcome_.kept[found.state];
    }
    if (named() || may_go(found.state)) outcome_.shown.push_back(found);
  }

  SyncRedis& redis_;
  const Keys& keys_;
  const Options& options_;
  const ForgetOptions forget_;
  unsigned partitions_ = 0;  // on a cluster, once they were counted
  MonoTime looked_{};        // when the look at a page began
  ForgetResult outcome_;
};

Result<Document> run_forget(Context& context, const Options& options) {
  if (options.agents.empty() == options.stopped_for.empty())
    return Error{Errc::kInvalidArgument, "expected either AGENT or --stopped-for"};
  for (const auto& id : options.agents)
    if (auto status = check_agent_id(id); !status.ok()) return status.error();
  Duration gone = kForgetSoonest;
  if (!options.stopped_for.empty()) {
    auto period = parse_period(options.stopped_for);
    if (!period.ok()) return period.error().in("--stopped-for");
    gone = *period;
  }
  return Forgetting(context, options, gone).run();
}

}  // namespace

void add_agents_forget_command(Cli& cli, Command& agents) {
  Command* forget = agents.add_subcommand("forget", "Remove the empty streams of agents that have stopped");
  auto& options = cli.leaf<Options>(*forget, run_forget);
  forget->add_option("AGENT", options.agents, "Agents; each must have stopped at least 10 s ago")->type_name("");
  forget
      ->add_option("--stopped-for", options.stopped_for,
                   "All agents that stopped at least this long ago: 45s, 24h, 30d")
      ->type_name("TIME");
  forget->add_flag("--discard", options.discard, "Also remove streams with waiting messages; the messages are lost");
  forget->add_flag("--dry-run", options.dry_run, "Print which agents, and change nothing");
  add_by_option(*forget, options.by);
  forget->footer(
      "The streams of an agent stay while it is registered, alive or was active recently. After the removal,\n"
      "senders get TARGET_NOT_FOUND until the agent starts again, unless it has an identity. Its state, lists and\n"
      "limits stay.\n"
      "Examples:\n"
      "  masctl agents forget --stopped-for 30d --dry-run\n"
      "  masctl agents forget worker-17 worker-18");
}

}  // namespace mas::ctl
