// `agents watch`: changes of agents as they happen.
#include "sdk/masctl/commands/agents_watch.h"

#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/event_line.h"
#include "sdk/masctl/redis/event_stream.h"

namespace mas::ctl {

namespace {

/// What an event means for an agent; nullptr for events that are about something else.
const char* change_of(EventType type) {
  switch (type) {
    case EventType::kRegister:
      return "registered";
    case EventType::kDeregister:
      return "deregistered";
    case EventType::kAgentInactive:
      return "inactive";
    case EventType::kAgentActive:
      return "active";
    case EventType::kAgentFlapping:
      return "flapping";
    default:
      return nullptr;
  }
}

Paint paint_of(EventType type) {
  if (type == EventType::kRegister || type == EventType::kAgentActive) return Paint::kGood;
  return type == EventType::kDeregister ? Paint::kDim : Paint::kWarn;
}

std::string change_json(const Event& event, const char* change, double seconds) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("time").number(seconds).key("change").string(change).key("id").string(event.agent_id);
  json.key("capabilities").begin_array();
  for (const auto& capability : event.capabilities) json.string(capability);
  json.end_array();
  if (!event.text.empty()) json.key("why").string(event.text);
  json.end_object();
  return text;
}

class WatchPrinter final : public EventSink {
 public:
  explicit WatchPrinter(Output& out) : out_(out) {}

  bool on_event(const Event& event, std::string_view) override {
    const char* change = change_of(event.type);
    if (change == nullptr) return true;
    double seconds = event.timestamp > 0 ? event.timestamp : static_cast<double>(wall_now()) / 1e6;
    if (out_.json()) {
      out_.foreign(change_json(event, change, seconds));
      return !out_.closed();
    }
    std::string line =
        utc_seconds(seconds) + "  " + out_.painted(change, paint_of(event.type)) + "  " + visible(event.agent_id);
    std::string list;
    for (const auto& capability : event.capabilities) list += (list.empty() ? "  " : ",") + visible(capability);
    out_.line(line + list + (event.text.empty() ? "" : "  " + visible(event.text)));
    return !out_.closed();
  }

  void on_remark(const std::string& text) override { out_.note(text); }

 private:
  Output& out_;
};

struct WatchOptions {};

Result<Document> run_watch(Context& context, const WatchOptions&) {
  WatchPrinter printer(context.out);
  if (auto status = EventStream::run(context.settings, printer); !status.ok()) return status.error();
  return Document::printed();
}

}  // namespace

void add_agents_watch_command(Cli& cli, Command& agents) {
  Command* watch = agents.add_subcommand("watch", "Print each start, stop, death and return of an agent, until Ctrl-C");
  cli.leaf<WatchOptions>(*watch, run_watch);
  watch->footer("mas-healthd detects that an agent died. Without it, only starts and orderly stops are printed.");
}

}  // namespace mas::ctl
