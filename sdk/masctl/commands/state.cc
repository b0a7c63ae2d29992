// `state get`, `state set`, `state reset`: an agent's state, edited from outside.
//
// The hash is written directly, as the Python framework does. A running agent of libmas sees it after mas_state_refresh.
#include <algorithm>

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/redis/bounded_answer.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/json_parts.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr redis::AnswerBounds kBounds{.text = limits::kStateValueBytes, .whole = 256u * 1024 * 1024, .refuse = true};

struct GetOptions {
  std::string id;
  std::string field;
};

struct SetOptions {
  std::string id;
  std::vector<std::string> assignments;
  bool values_are_json = false;
};

struct ResetOptions {
  std::string id;
};

ExitCode get_field(Context& context, SyncRedis& redis, const GetOptions& options) {
  auto value = redis.ask_one(redis::bounded(kBounds, {"HGET", context.settings.keys.state(options.id), options.field}));
  if (!value.ok()) return context.out.fail(value.error());
  if (value->is_nil()) {
    return context.out.fail(
        {Errc::kNotFound, "the state of '" + options.id + "' has no field '" + options.field + "'"});
  }
  if (!context.out.json()) {
    context.out.foreign(value->text);
    return ExitCode::kOk;
  }
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("value");
  json_text_or_lossy(json, value->text);
  json.end_object();
  context.out.line(text);
  return ExitCode::kOk;
}

void print_state_json(Output& out, const std::string& id, const Fields& fields) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("id");
  json_text_or_lossy(json, id);
  json.key("state").begin_object();
  for (const auto& [name, value] : fields) {
    json.key(is_valid_utf8(name) ? name : visible(name));
    json_text_or_lossy(json, value);
  }
  json.end_object().end_object();
  out.foreign(text);
}

ExitCode run_get(Context& context, const GetOptions& options) {
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  if (!options.field.empty()) return get_field(context, **redis, options);
  const std::string key = context.settings.keys.state(options.id);
  auto all = (*redis)->ask_one(redis::bounded({.text = kBounds.text, .whole = kBounds.whole}, {"HGETALL", key}));
  if (!all.ok()) return context.out.fail(all.error());
  Fields fields;
  for (size_t i = 0; i + 1 < all->elements.size(); i += 2) {
    const Value &name = all->elements[i], &value = all->elements[i + 1];
    if (!name.is_text() || !value.is_text())
      return context.out.fail(redis::too_large(key + ": field '" + printable(name.text, 100) + "'",
                                               static_cast<uint64_t>(value.integer), kBounds.text));
    fields.emplace_back(std::move(all->elements[i].text), std::move(all->elements[i + 1].text));
  }
  std::sort(fields.begin(), fields.end());
  if (context.out.json()) {
    print_state_json(context.out, options.id, fields);
    return ExitCode::kOk;
  }
  Table table({"FIELD", "VALUE"});
  for (auto& [name, value] : fields) table.add({name, value});
  context.out.table(table);
  if (context.out.terminal() && fields.empty()) context.out.note("'" + options.id + "' has no state");
  return ExitCode::kOk;
}

/// Splits FIELD=VALUE at the first '='. @return kInvalidArgument with what was expected; kTooLarge past a limit.
Result<std::pair<std::string, std::string>> parse_assignment(const std::string& text, bool value_is_json) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Error{Errc::kInvalidArgument, "'" + visible(text) + "' is not FIELD=VALUE"};
  }
  std::string name = text.substr(0, equals);
  std::string value = text.substr(equals + 1);
  if (name.size() > limits::kStateFieldNameBytes || value.size() > limits::kStateValueBytes) {
    return Error{Errc::kInvalidArgument, "field '" + visible(name.substr(0, 64)) +
                                             "' is too large: at most 1,024 bytes of name and 1 MiB of value"};
  }
  if (value_is_json) {
    auto checked = JsonReader::local().check_value(value);
    if (!checked.ok()) return Error{Errc::kInvalidArgument, name + ": " + checked.error().message};
  }
  return std::make_pair(std::move(name), std::move(value));
}

ExitCode run_set(Context& context, const SetOptions& options) {
  std::vector<std::string> args = {"HSET", context.settings.keys.state(options.id)};
  for (const auto& text : options.assignments) {
    auto assignment = parse_assignment(text, options.values_are_json);
    if (!assignment.ok()) return context.out.fail(assignment.error());
    args.push_back(std::move(assignment->first));
    args.push_back(std::move(assignment->second));
  }
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto added = (*redis)->ask_one(redis::Command::of(args));
  if (!added.ok()) return context.out.fail(added.error());
  std::string count = std::to_string(options.assignments.size());
  context.out.line(context.out.json() ? "{\"written\":" + count + ",\"new\":" + std::to_string(added->integer) + "}"
                                      : count + " written, " + std::to_string(added->integer) + " of them new");
  return ExitCode::kOk;
}

ExitCode run_reset(Context& context, const ResetOptions& options) {
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto removed = (*redis)->ask_one(redis::Command("DEL", context.settings.keys.state(options.id)));
  if (!removed.ok()) return context.out.fail(removed.error());
  bool existed = removed->integer > 0;
  if (context.out.json()) {
    context.out.line(std::string("{\"existed\":") + (existed ? "true" : "false") + "}");
  } else {
    context.out.line(existed ? "state removed" : "there was no state");
  }
  return ExitCode::kOk;
}

}  // namespace

void add_state_commands(Cli& cli) {
  Command& state = cli.group("state", "An agent's state: fields of text that outlive its process");

  Command* get = state.add_subcommand("get", "Print all fields, or the text of one");
  auto& get_options = cli.leaf<GetOptions>(*get, run_get);
  get->add_option("ID", get_options.id, "The agent")->required()->type_name("");
  get->add_option("FIELD", get_options.field, "Only this field's text, as it is")->type_name("");

  Command* set = state.add_subcommand("set", "Write fields, all at once");
  auto& set_options = cli.leaf<SetOptions>(*set, run_set);
  set->add_option("ID", set_options.id, "The agent")->required()->type_name("");
  set->add_option("ASSIGNMENT", set_options.assignments, "A field and its text: FIELD=VALUE")
      ->required()
      ->type_name("");
  set->add_flag("--json-values", set_options.values_are_json, "Refuse a value that is not JSON; it is stored as given");
  set->footer(
      "Examples:\n"
      "  masctl state set planner mode=fast 'note=two words'\n"
      "  masctl state set planner --json-values 'limits={\"depth\":3}'");

  Command* reset = state.add_subcommand("reset", "Remove every field");
  auto& reset_options = cli.leaf<ResetOptions>(*reset, run_reset);
  reset->add_option("ID", reset_options.id, "The agent")->required()->type_name("");
}

}  // namespace mas::ctl
