// `top`: the gateways at work, refreshed until Ctrl-C.
#include <poll.h>

#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/interrupt.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/top_view.h"

namespace mas::ctl {

namespace {

struct TopOptions {
  bool once = false;
  std::string interval = "1";
};

constexpr const char* kClear = "\x1b[H\x1b[J";

double wall_seconds() { return static_cast<double>(wall_now()) / 1e6; }

Result<GatewayView> look(const Settings& settings) {
  SyncRedis redis(settings);  // a link that failed stays failed: each look has its own
  return read_gateways(redis, settings.keys);
}

void print(Output& out, const TopView& top, bool refresh) {
  if (out.json()) return out.line(top.json(wall_seconds()));
  std::string screen = refresh && out.terminal() ? kClear : "";
  for (const auto& line : top.header()) screen += line + "\n";
  for (const Table& table : {top.gateways(wall_seconds()), top.decided(), top.partitions()}) {
    if (!table.empty()) screen += "\n" + (out.terminal() ? table.aligned() : table.tab_separated());
  }
  out.line(screen);
}

Result<Document> run_top(Context& context, const TopOptions& options) {
  auto interval = parse_seconds(options.interval);
  if (!interval.ok()) return interval.error().in("--interval");
  remember_interrupts();
  TopView top;
  do {
    auto view = look(context.settings);
    if (!view.ok() && (options.once || top.view().gateways.empty())) return view.error();
    if (!view.ok()) {
      context.out.note(view.error().message);
    } else {
      top.look(std::move(*view), mono_now());
      print(context.out, top, !options.once);
    }
    if (options.once || context.out.closed()) break;
    poll(nullptr, 0, static_cast<int>(to_millis(*interval)));
  } while (!interrupted());
  return Document::printed();
}

}  // namespace

void add_top_command(Cli& cli) {
  Command* top = cli.root().add_subcommand(
      "top", "Show the gateways at work: rates, decisions, waiting messages, owners of partitions");
  auto& options = cli.leaf<TopOptions>(*top, run_top);
  top->add_flag("--once", options.once, "Print the totals once and exit; rates need two samples");
  top->add_option("--interval", options.interval, "Time between two samples. Default: 1")->type_name("SECONDS");
  top->footer(
      "The figures are those that gateways write to Redis every few seconds, so rates are updated at that pace.\n"
      "With --json, prints one document per sample, one per line. Ends with Ctrl-C.\n"
      "Examples:\n"
      "  masctl top\n"
      "  masctl top --once --json");
}

}  // namespace mas::ctl
