// `events`: follows the system channel.
#include <algorithm>
#include <ctime>

#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/event_line.h"
#include "sdk/masctl/redis/event_stream.h"

namespace mas::ctl {

namespace {

struct EventsOptions {
  std::vector<std::string> types;
};

class EventPrinter final : public EventSink {
 public:
  EventPrinter(Output& out, const std::vector<std::string>& types) : out_(out), types_(types) {}

  bool on_event(const Event& event, std::string_view raw) override {
    bool wanted = types_.empty() || std::find(types_.begin(), types_.end(), event.type_text) != types_.end();
    if (!wanted) return true;
    if (out_.json()) {
      out_.foreign(one_line(raw));
    } else {
      out_.line(event_line(event, wall_now()));
    }
    return !out_.closed();
  }

  void on_remark(const std::string& text) override { out_.note(text); }

 private:
  Output& out_;
  const std::vector<std::string>& types_;
};

Result<Document> run_events(Context& context, const EventsOptions& options) {
  EventPrinter printer(context.out, options.types);
  if (auto status = EventStream::run(context.settings, printer); !status.ok()) return status.error();
  return Document::printed();
}

/// "REGISTER, DEREGISTER, …" for the help.
std::string known_types() {
  std::string text;
#define MAS_EVENT(name, wire, help) \
  if (*(wire) != '\0') text += (text.empty() ? "" : ", ") + std::string(wire);
#include "proto/wire/events.def"
#undef MAS_EVENT
  return text;
}

}  // namespace

void add_events_command(Cli& cli) {
  Command* events =
      cli.root().add_subcommand("events", "Print events of agents and daemons as they happen, until Ctrl-C");
  auto& options = cli.leaf<EventsOptions>(*events, run_events);
  events->add_option("--type", options.types, "Only events of this type, such as " + known_types())
      ->type_name("TYPE")
      ->expected(1)
      ->take_all();
  events->footer("Examples:\n  masctl events --type AGENT_INACTIVE --type AGENT_ACTIVE\n  masctl events --json");
}

}  // namespace mas::ctl
