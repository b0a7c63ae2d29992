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

Result<Document> run_send(Context& context, const MessageOptions& options) {
  auto gateway = by_gateway(options.mode);
  if (!gateway.ok()) return gateway.error();
  if (*gateway) return gateway_send(context, options);
  auto envelope = make_envelope(options, false);
  if (!envelope.ok()) return envelope.error();
  auto receivers = context.redis.ask_one(redis::Command(context.redis.on_cluster() ? "SPUBLISH" : "PUBLISH",
                                                        context.keys().channel(options.target), envelope->json));
  if (!receivers.ok()) return receivers.error();
  const bool heard = receivers->integer > 0;
  Document document = Document::of(
      std::pair(std::move(envelope->message_id), receivers->integer),
      [](JsonWriter& json, const auto& sent) {
        json.begin_object().key("message_id").string(sent.first);
        json.key("receivers").integer(sent.second).end_object();
      },
      [](Output& out, const auto& sent) {
        if (sent.second > 0) out.line("sent " + sent.first);
      });
  if (!heard) return std::move(document).fails_with(nobody_listens(options.target));
  return document;
}

Result<Document> run_request(Context& context, const MessageOptions& options) {
  auto gateway = by_gateway(options.mode);
  if (!gateway.ok()) return gateway.error();
  if (*gateway) return gateway_request(context, options);
  auto envelope = make_envelope(options, true);
  if (!envelope.ok()) return envelope.error();
  auto reply = RequestOp::run(context.settings, options.as, options.target, *envelope);
  if (!reply.ok()) return reply.error().code == Errc::kNoReceiver ? nobody_listens(options.target) : reply.error();
  const std::string& shown = options.whole_envelope ? reply->envelope : reply->data;
  return Document::foreign(one_line(shown), shown);
}

}  // namespace

void add_message_commands(Cli& cli) {
  Command* send = cli.root().add_subcommand("send", "Send a message; fails if no agent receives it");
  auto& send_options = cli.leaf<MessageOptions>(*send, run_send);
  add_message_options(*send, send_options);
  add_mode_options(*send, send_options.mode, send_options.credentials);
  send->add_option("--priority", send_options.priority, "The requested lane. Default: normal")
      ->type_name("LANE")
      ->one_of({"critical", "high", "normal", "low", "bulk"});
  send->footer(
      "The message is sent in the agent's name; nothing is registered. With --mode gateway the command is an\n"
      "instance of the agent until the gateway's receipt arrives, and fails if the message is refused.\n"
      "Examples:\n"
      "  masctl send --as ops planner note '{\"text\":\"hello\"}'\n"
      "  masctl send --as ops planner plan @plan.json");

  Command* request = cli.root().add_subcommand("request", "Send a request and print the data of the reply");
  auto& request_options = cli.leaf<MessageOptions>(*request, run_request);
  add_message_options(*request, request_options);
  add_mode_options(*request, request_options.mode, request_options.credentials);
  request->add_flag("--envelope", request_options.whole_envelope, "Print the whole envelope of the reply");
  request->footer(
      "Waits up to --timeout for the reply. In peer-to-peer mode a program that runs as the same agent receives\n"
      "the reply, too, and ignores it.\n"
      "Examples:\n"
      "  masctl request --as ops calculator sum.request '{\"a\":1,\"b\":2}' --timeout 2");
}

}  // namespace mas::ctl
