// `state get`, `state set`, `state reset`: an agent's state, edited from outside.
//
// The hash is written directly, as the Python framework does. A running agent of libmas sees it after
// mas_state_refresh.
#include <algorithm>

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/redis/bounded_answer.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"
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

Result<Document> get_field(Context& context, const GetOptions& options) {
  auto value =
      context.redis.ask_one(redis::bounded(kBounds, {"HGET", context.keys().state(options.id), options.field}));
  if (!value.ok()) return value.error();
  if (value->is_nil())
    return Error{Errc::kNotFound, "the state of '" + options.id + "' has no field '" + options.field + "'"};
  return Document::of(
      std::move(value->text),
      [](JsonWriter& json, const std::string& text) {
        json.begin_object().key("value");
        json_text_or_lossy(json, text);
        json.end_object();
      },
      [](Output& out, const std::string& text) { out.foreign(text); });
}

struct Shown {
  std::string id;
  Fields fields;
};

void write_state(JsonWriter& json, const Shown& shown) {
  json.begin_object().key("id");
  json_text_or_lossy(json, shown.id);
  json.key("state").begin_object();
  for (const auto& [name, value] : shown.fields) {
    json.key(is_valid_utf8(name) ? name : visible(name));
    json_text_or_lossy(json, value);
  }
  json.end_object().end_object();
}

void print_state(Output& out, const Shown& shown) {
  Table table({"FIELD", "VALUE"});
  for (const auto& [name, value] : shown.fields) table.add({name, value});
  out.table(table, "'" + shown.id + "' has no state");
}

Result<Document> run_get(Context& context, const GetOptions& options) {
  if (!options.field.empty()) return get_field(context, options);
  const std::string key = context.keys().state(options.id);
  auto all = context.redis.ask_one(redis::bounded({.text = kBounds.text, .whole = kBounds.whole}, {"HGETALL", key}));
  if (!all.ok()) return all.error();
  Shown shown{options.id, {}};
  for (size_t i = 0; i + 1 < all->elements.size(); i += 2) {
    Value &name = all->elements[i], &value = all->elements[i + 1];
    if (!name.is_text() || !value.is_text())
      return redis::too_large(key + ": field '" + printable(name.text, 100) + "'", static_cast<uint64_t>(value.integer),
                              kBounds.text);
    shown.fields.emplace_back(std::move(name.text), std::move(value.text));
  }
  std::sort(shown.fields.begin(), shown.fields.end());
  return Document::of(std::move(shown), write_state, print_state);
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

Result<Document> run_set(Context& context, const SetOptions& options) {
  std::vector<std::string> args = {"HSET", context.settings.keys.state(options.id)};
  for (const auto& text : options.assignments) {
    auto assignment = parse_assignment(text, options.values_are_json);
    if (!assignment.ok()) return assignment.error();
    args.push_back(std::move(assignment->first));
    args.push_back(std::move(assignment->second));
  }
  auto added = context.redis.ask_one(redis::Command::of(args));
  if (!added.ok()) return added.error();
  std::string count = std::to_string(options.assignments.size());
  return Document::line("{\"written\":" + count + ",\"new\":" + std::to_string(added->integer) + "}",
                        count + " written, " + std::to_string(added->integer) + " of them new");
}

Result<Document> run_reset(Context& context, const ResetOptions& options) {
  auto removed = context.redis.ask_one(redis::Command("DEL", context.settings.keys.state(options.id)));
  if (!removed.ok()) return removed.error();
  bool existed = removed->integer > 0;
  return Document::line(std::string("{\"existed\":") + (existed ? "true" : "false") + "}",
                        existed ? "state removed" : "there was no state");
}

}  // namespace

void add_state_commands(Cli& cli) {
  Command& state = cli.group("state", "An agent's state: fields of text that outlive its process");

  Command* get = state.add_subcommand("get", "Print all fields, or the text of one field");
  auto& get_options = cli.leaf<GetOptions>(*get, run_get);
  get->add_option("ID", get_options.id, "The agent")->required()->type_name("");
  get->add_option("FIELD", get_options.field, "Print only the text of this field, unchanged")->type_name("");

  Command* set = state.add_subcommand("set", "Write one or more fields atomically");
  auto& set_options = cli.leaf<SetOptions>(*set, run_set);
  set->add_option("ID", set_options.id, "The agent")->required()->type_name("");
  set->add_option("ASSIGNMENT", set_options.assignments, "A field and its text, as FIELD=VALUE")
      ->required()
      ->type_name("");
  set->add_flag("--json-values", set_options.values_are_json, "Refuse a value that is not JSON; it is stored as given");
  set->footer(
      "Examples:\n"
      "  masctl state set planner mode=fast 'note=two words'\n"
      "  masctl state set planner --json-values 'limits={\"depth\":3}'");

  Command* reset = state.add_subcommand("reset", "Remove all fields");
  auto& reset_options = cli.leaf<ResetOptions>(*reset, run_reset);
  reset->add_option("ID", reset_options.id, "The agent")->required()->type_name("");
}

}  // namespace mas::ctl
