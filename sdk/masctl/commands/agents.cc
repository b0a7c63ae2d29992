// `agents list` and `agents show`: the registry, read.
#include <algorithm>

#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/agents_forget.h"
#include "sdk/masctl/commands/agents_watch.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/event_line.h"
#include "sdk/masctl/redis/bounded_reads.h"
#include "sdk/masctl/redis/registry_reader.h"

namespace mas::ctl {

namespace {

std::string age_of(double registered_at) {
  if (!(registered_at > 0)) return "-";
  return brief_duration(static_cast<double>(wall_now()) / 1e6 - registered_at);
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ",") + item;
  return text.empty() ? "-" : text;
}

void write_entry(JsonWriter& json, const AgentEntry& entry) {
  json_member(json, "id", entry.id);
  json_texts(json, "capabilities", entry.capabilities);
  json.key("metadata").raw(one_line(entry.metadata));
  json.key("status").string(entry.active ? kStatusActive : kStatusInactive);
  json.key("registered_at").number(entry.registered_at);
}

void write_listing(JsonWriter& json, const AgentListing& listing) {
  json.begin_object();
  json_list(json, "agents", listing.agents, [](JsonWriter& each, const AgentEntry& entry) {
    each.begin_object();
    write_entry(each, entry);
    each.end_object();
  });
  json.key("from_index").boolean(listing.from_index);
  json.key("malformed").unsigned_integer(listing.malformed).end_object();
}

void print_listing(Output& out, const AgentListing& listing) {
  Table table({"ID", "STATUS", "AGE", "CAPABILITIES", "METADATA"});
  for (const auto& entry : listing.agents) {
    table.add({entry.id, std::string(entry.active ? kStatusActive : kStatusInactive), age_of(entry.registered_at),
               joined(entry.capabilities), one_line(entry.metadata)});
  }
  out.table(table, "no agent found");
  if (listing.malformed > 0)
    out.note(std::to_string(listing.malformed) + " entries cannot be read; 'masctl doctor' names them");
}

Result<Document> run_list(Context& context, const AgentQuery& query) {
  auto listing = list_agents(context.redis, context.keys(), query);
  if (!listing.ok()) return listing.error();
  return Document::of(std::move(*listing), write_listing, print_listing);
}

struct ShowOptions {
  std::string id;
};

/// What Redis has of one agent, as it was answered.
struct AgentFacts {
  AgentEntry entry;
  int64_t heartbeat_pttl = -2;                                 // milliseconds; -1: no expiry, -2: no heartbeat
  std::vector<std::pair<std::string, std::string>> instances;  // instance, JSON
  std::vector<int64_t> instance_pttl;
  int64_t state_fields = 0;
  int64_t subscribers = 0;
};

Result<AgentFacts> read_facts(SyncRedis& redis, const Keys& keys, const std::string& id) {
  auto entries = read_agent_entries(redis, keys, std::span(&id, 1));
  if (!entries.ok()) return entries.error();
  auto& entry = entries->front();
  if (!entry.ok()) return entry.error();
  redis::Command command("PTTL", keys.heartbeat(id));
  command.add("HLEN", keys.state(id)).add("PUBSUB", redis.on_cluster() ? "SHARDNUMSUB" : "NUMSUB", keys.channel(id));
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();

  AgentFacts facts;
  facts.entry = std::move(*entry);
  facts.heartbeat_pttl = (*replies)[0].integer;
  // A key of another type has no instances.
  if (auto instances = read_pairs(redis, keys.instances(id)); instances.ok()) facts.instances = std::move(*instances);
  facts.state_fields = (*replies)[1].integer;
  const auto& subscribers = (*replies)[2].elements;
  if (subscribers.size() == 2) facts.subscribers = subscribers[1].integer;
  if (facts.instances.empty()) return facts;

  redis::Command leases;
  for (const auto& [instance, about] : facts.instances) leases.add("PTTL", keys.alive(id, instance));
  auto ttls = redis.ask(leases);
  if (!ttls.ok()) return ttls.error();
  for (const auto& ttl : *ttls) facts.instance_pttl.push_back(ttl.integer);
  return facts;
}

void write_facts(JsonWriter& json, const AgentFacts& facts) {
  json.begin_object();
  write_entry(json, facts.entry);
  json.key("heartbeat_pttl_ms").integer(facts.heartbeat_pttl);
  json.key("listening").integer(facts.subscribers);
  json.key("state_fields").integer(facts.state_fields);
  json.key("instances").begin_array();
  for (size_t i = 0; i < facts.instances.size(); ++i) {
    json.begin_object().key("instance");
    json_text_or_lossy(json, facts.instances[i].first);
    json_raw_member(json, "about", facts.instances[i].second);
    json.key("alive_pttl_ms").integer(facts.instance_pttl[i]).end_object();
  }
  json.end_array().end_object();
}

std::string ttl_text(int64_t pttl, const char* gone) {
  if (pttl == -2) return gone;
  if (pttl == -1) return "never expires, but should";
  return "expires in " + std::to_string(pttl / 1000) + "." + std::to_string(pttl % 1000 / 100) + " s";
}

void print_facts(Output& out, const AgentFacts& facts) {
  const AgentEntry& entry = facts.entry;
  Table table({"", ""});
  table.add({"id", entry.id});
  table.add({"status", std::string(entry.active ? kStatusActive : kStatusInactive)});
  table.add({"registered", utc_seconds(entry.registered_at) + " (" + age_of(entry.registered_at) + " ago)"});
  table.add({"capabilities", joined(entry.capabilities)});
  table.add({"metadata", one_line(entry.metadata)});
  table.add({"heartbeat", ttl_text(facts.heartbeat_pttl, "none: the agent counts as dead")});
  table.add({"listening", std::to_string(facts.subscribers) + " subscribers"});
  table.add({"state", std::to_string(facts.state_fields) + " fields"});
  for (size_t i = 0; i < facts.instances.size(); ++i) {
    const auto& [instance, about] = facts.instances[i];
    table.add({"instance", instance + "  " + ttl_text(facts.instance_pttl[i], "no lease") + "  " + one_line(about)});
  }
  out.table(table);
}

Result<Document> run_show(Context& context, const ShowOptions& options) {
  auto facts = read_facts(context.redis, context.keys(), options.id);
  if (!facts.ok()) return facts.error().in("agent '" + visible(options.id) + "'");
  return Document::of(std::move(*facts), write_facts, print_facts);
}

}  // namespace

void add_agents_commands(Cli& cli) {
  Command& agents = cli.group("agents", "Registered agents");

  Command* list = agents.add_subcommand("list", "List agents; by default only those that are ACTIVE");
  auto& query = cli.leaf<AgentQuery>(*list, run_list);
  list->add_option("--capability", query.capabilities, "Only agents with any of these capabilities; may be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  list->add_flag("--all-of", query.all_of, "Only agents with all of the capabilities");
  list->add_flag("--inactive", query.inactive, "Also list agents without a heartbeat");
  list->add_option("--limit", query.limit, "Maximum number of agents. Default: all")->type_name("N");
  list->footer(
      "Examples:\n"
      "  masctl agents list\n"
      "  masctl agents list --capability translate --capability summarise --all-of --json");

  Command* show = agents.add_subcommand("show", "Show one agent: its entry, heartbeat, instances and state size");
  auto& show_options = cli.leaf<ShowOptions>(*show, run_show);
  show->add_option("ID", show_options.id, "The agent")->required()->type_name("");

  add_agents_forget_command(cli, agents);
  add_agents_watch_command(cli, agents);
}

}  // namespace mas::ctl
