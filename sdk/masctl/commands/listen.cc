// `listen`: an agent on the terminal, by libmas, that prints what comes.
#include <csignal>
#include <memory>

#include "proto/base/json_writer.h"
#include "sdk/include/mas.h"
#include "sdk/masctl/agent/agent_handle.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/event_line.h"
#include "sdk/masctl/commands/gateway_call.h"

namespace mas::ctl {

namespace {

struct ListenOptions {
  std::string id;
  std::vector<std::string> capabilities;
  std::string metadata;
  std::string reply_type;
  std::string mode;
  std::string credentials;
  bool echo = false;
  uint64_t count = 0;
};

/// What the callbacks share: one agent, one run.
struct Listener {
  Output& out;
  const ListenOptions& options;
  uint64_t heard = 0;
};

/// While it lives, Ctrl-C and SIGTERM end the agent's run.
class QuitOnSignal {
 public:
  explicit QuitOnSignal(mas_agent* agent) {
    agent_ = agent;
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
  }
  ~QuitOnSignal() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  }
  QuitOnSignal(const QuitOnSignal&) = delete;
  QuitOnSignal& operator=(const QuitOnSignal&) = delete;

 private:
  static void on_signal(int) { mas_agent_quit(agent_); }
  static inline mas_agent* agent_ = nullptr;
};

void print_message(Output& out, const mas_message* message) {
  size_t size = 0;
  if (out.json()) {
    const char* envelope = mas_message_envelope(message, &size);
    out.foreign(one_line(std::string_view(envelope, size)));
    return;
  }
  const char* data = mas_message_data(message, &size);
  std::string line = utc_seconds(mas_message_timestamp(message)) + "  " + visible(mas_message_sender(message)) + "  " +
                     visible(mas_message_type(message));
  line += mas_message_expects_reply(message) ? "  request  " : "  ";
  out.foreign(line + one_line(std::string_view(data, size)));
}

mas_status answer(const mas_message* message, const ListenOptions& options) {
  std::string type =
      options.reply_type.empty() ? std::string(mas_message_type(message)) + ".reply" : options.reply_type;
  size_t size = 0;
  const char* data = mas_message_data(message, &size);
  return mas_message_reply(message, type.c_str(), data, size);
}

mas_status on_message(mas_agent* agent, const mas_message* message, void* user) {
  auto& listener = *static_cast<Listener*>(user);
  print_message(listener.out, message);
  mas_status status = MAS_OK;
  if (listener.options.echo && mas_message_expects_reply(message)) status = answer(message, listener.options);
  if (status != MAS_OK) listener.out.note(std::string("cannot reply: ") + mas_error_detail());
  ++listener.heard;
  if (listener.heard == listener.options.count || listener.out.closed()) mas_agent_quit(agent);
  return status;
}

void on_connection(mas_agent*, mas_connection state, const char* detail, void* user) {
  auto& listener = *static_cast<Listener*>(user);
  const char* what = state == MAS_CONNECTED ? "connected again: " : "connection lost, reconnecting: ";
  listener.out.note(std::string(what) + detail);
}

void on_overflow(mas_agent*, uint64_t dropped, void* user) {
  static_cast<Listener*>(user)->out.note(std::to_string(dropped) +
                                         " messages arrived faster than they could be printed and were dropped");
}

void on_receipt(mas_agent*, const char*, const char* target, mas_status outcome, void* user) {
  auto& out = static_cast<Listener*>(user)->out;
  std::string_view decision = mas_receipt_decision();
  out.note("the reply to '" + std::string(target) +
           "' did not arrive: " + (decision.empty() ? mas_status_text(outcome) : mas_receipt_detail()));
}

Result<AgentHandle> make_agent(const Settings& settings, const ListenOptions& options) {
  AgentOptions agent_options;
  Status status = agent_options.connect_as(settings);
  for (const auto& capability : options.capabilities) {
    if (status.ok()) status = as_status(mas_options_add_capability(agent_options.get(), capability.c_str()));
  }
  if (status.ok() && !options.metadata.empty()) {
    status =
        as_status(mas_options_set_metadata(agent_options.get(), options.metadata.c_str(), options.metadata.size()));
  }
  auto gateway = by_gateway(options.mode);
  if (!gateway.ok()) return gateway.error();
  if (status.ok())
    status = as_status(mas_options_set_mode(agent_options.get(), *gateway ? MAS_MODE_GATEWAY : MAS_MODE_P2P));
  if (status.ok() && !options.credentials.empty())
    status = as_status(mas_options_set_credentials(agent_options.get(), options.credentials.c_str()));
  if (!status.ok()) return status.error();
  return AgentHandle::make(options.id, agent_options);
}

/// @return the exit code of a run that ended by itself, by --count or by a signal.
ExitCode code_of(const Listener& listener) {
  bool short_of_count = listener.options.count > 0 && listener.heard < listener.options.count;
  return short_of_count ? ExitCode::kInterrupted : ExitCode::kOk;
}

Result<Document> run_listen(Context& context, const ListenOptions& options) {
  Listener listener{context.out, options};
  auto agent = make_agent(context.settings, options);
  if (!agent.ok()) return agent.error();
  Status handler = as_status(mas_agent_on_message(agent->get(), nullptr, on_message, &listener));
  if (!handler.ok()) return handler.error();
  mas_agent_on_connection(agent->get(), on_connection, &listener);
  mas_agent_on_overflow(agent->get(), on_overflow, &listener);
  mas_agent_on_receipt(agent->get(), MAS_RECEIPTS_FAILURES, on_receipt, &listener);

  QuitOnSignal quit_on_signal(agent->get());
  Status started = as_status(mas_agent_start(agent->get(), context.settings.timeout_ms()));
  if (!started.ok()) {
    if (started.error().code == Errc::kCancelled) return Document::printed(ExitCode::kInterrupted);
    return started.error();
  }
  if (context.out.terminal()) context.out.note("listening as " + options.id + "; stop with Ctrl-C");
  Status ran = as_status(mas_agent_run(agent->get()));
  Status stopped = as_status(mas_agent_stop(agent->get(), context.settings.timeout_ms()));
  if (!ran.ok()) return ran.error();
  if (!stopped.ok()) context.out.note("could not deregister: " + stopped.error().message);
  return Document::printed(code_of(listener));
}

}  // namespace

void add_listen_command(Cli& cli) {
  Command* listen =
      cli.root().add_subcommand("listen", "Run an agent on the terminal that prints its messages, until Ctrl-C");
  auto& options = cli.leaf<ListenOptions>(*listen, run_listen);
  listen->add_option("ID", options.id, "The agent's id")->required()->type_name("");
  listen->add_option("--capability", options.capabilities, "A capability of the agent; may be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  listen->add_option("--metadata", options.metadata, "The agent's metadata, a JSON object that other agents can read")
      ->type_name("JSON");
  listen->add_flag("--echo", options.echo, "Reply to each request with its own data");
  listen
      ->add_option("--reply-type", options.reply_type,
                   "Type of these replies. Default: the request's type and '.reply'")
      ->type_name("TYPE");
  add_mode_options(*listen, options.mode, options.credentials);
  listen->add_option("--count", options.count, "Stop after this many messages. Default: never")->type_name("N");
  listen->footer(
      "The agent registers, sends heartbeats and deregisters like any other. With --json it prints each envelope\n"
      "on one line.\n"
      "Examples:\n"
      "  masctl listen echo --echo --capability echo\n"
      "  masctl listen probe --count 1 --json");
}

}  // namespace mas::ctl
