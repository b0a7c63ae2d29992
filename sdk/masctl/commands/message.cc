// `send` and `request`: one message, and its answer.

#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/gateway_call.h"
#include "sdk/masctl/commands/outgoing.h"
#include "sdk/masctl/commands/request_op.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

namespace {

Error nobody_listens(const std::string& target) {
  return {Errc::kNoReceiver, "nobody listens as '" + target + "'; the message is lost"};
}

ExitCode run_send(Context& context, const MessageOptions& options) {
  auto gateway = by_gateway(options.mode);
  if (!gateway.ok()) return context.out.fail(gateway.error());
  if (*gateway) return gateway_send(context, options);
  auto envelope = make_envelope(options, false);
  if (!envelope.ok()) return context.out.fail(envelope.error());
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto receivers =
      (*redis)->ask_one(redis::Command("PUBLISH", context.settings.keys.channel(options.target), envelope->json));
  if (!receivers.ok()) return context.out.fail(receivers.error());
  if (context.out.json()) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().key("message_id").string(envelope->message_id);
    json.key("receivers").integer(receivers->integer).end_object();
    context.out.line(text);
  } else if (receivers->integer > 0) {
    context.out.line("sent " + envelope->message_id);
  }
  return receivers->integer > 0 ? ExitCode::kOk : context.out.fail(nobody_listens(options.target));
}

ExitCode run_request(Context& context, const MessageOptions& options) {
  auto gateway = by_gateway(options.mode);
  if (!gateway.ok()) return context.out.fail(gateway.error());
  if (*gateway) return gateway_request(context, options);
  auto envelope = make_envelope(options, true);
  if (!envelope.ok()) return context.out.fail(envelope.error());
  auto reply = RequestOp::run(context.settings, options.as, options.target, *envelope);
  if (!reply.ok()) {
    return context.out.fail(reply.error().code == Errc::kNoReceiver ? nobody_listens(options.target) : reply.error());
  }
  const std::string& shown = options.whole_envelope ? reply->envelope : reply->data;
  context.out.foreign(context.out.json() ? one_line(shown) : shown);
  return ExitCode::kOk;
}

}  // namespace

void add_message_commands(Cli& cli) {
  Command* send = cli.root().add_subcommand("send", "Send a message; fails when nobody listens");
  auto& send_options = cli.leaf<MessageOptions>(*send, run_send);
  add_message_options(*send, send_options);
  add_mode_options(*send, send_options.mode, send_options.credentials);
  send->add_option("--priority", send_options.priority, "The lane that it asks for. Default: normal")
      ->type_name("LANE")
      ->one_of({"critical", "high", "normal", "low", "bulk"});
  send->footer(
      "The message is published in the agent's name; nothing is registered. With --mode gateway the command is an\n"
      "instance of the agent until the gateway's receipt is there, and fails when the message is refused.\n"
      "Examples:\n"
      "  masctl send --as ops planner note '{\"text\":\"hello\"}'\n"
      "  masctl send --as ops planner plan @plan.json");

  Command* request = cli.root().add_subcommand("request", "Send a request and print the data of the answer");
  auto& request_options = cli.leaf<MessageOptions>(*request, run_request);
  add_message_options(*request, request_options);
  add_mode_options(*request, request_options.mode, request_options.credentials);
  request->add_flag("--envelope", request_options.whole_envelope, "Print the whole envelope of the answer");
  request->footer(
      "Waits up to --timeout for the answer. A program that runs as the same agent hears the answer, too, and ignores "
      "it;\n"
      "with --mode gateway it does not.\n"
      "Examples:\n"
      "  masctl request --as ops calculator sum.request '{\"a\":1,\"b\":2}' --timeout 2");
}

}  // namespace mas::ctl
