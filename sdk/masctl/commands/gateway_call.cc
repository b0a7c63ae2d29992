// One message by the gateway, and its answer.
#include "sdk/masctl/commands/gateway_call.h"

#include <cstdlib>

#include "proto/base/json_writer.h"
#include "proto/wire/lane.h"
#include "sdk/include/mas.h"
#include "sdk/masctl/commands/data_argument.h"
#include "sdk/masctl/commands/event_line.h"
#include "sdk/masctl/redis/agent_handle.h"

namespace mas::ctl {

namespace {

Result<AgentHandle> start_agent(const Settings& settings, const MessageOptions& options) {
  AgentOptions agent_options;
  Status status = agent_options.connect_as(settings);
  if (status.ok()) status = as_status(mas_options_set_mode(agent_options.get(), MAS_MODE_GATEWAY));
  if (status.ok() && !options.credentials.empty())
    status = as_status(mas_options_set_credentials(agent_options.get(), options.credentials.c_str()));
  if (!status.ok()) return status.error();
  auto agent = AgentHandle::make(options.as, agent_options);
  if (!agent.ok()) return agent.error();
  status = as_status(mas_agent_start(agent->get(), settings.timeout_ms()));
  if (!status.ok()) return status.error();
  return agent;
}

struct Call {
  AgentHandle agent;
  std::string data;
};

Result<Call> prepare(Context& context, const MessageOptions& options) {
  auto data = read_data(options.data);
  if (!data.ok()) return data.error();
  auto agent = start_agent(context.settings, options);
  if (!agent.ok()) return agent.error();
  return Call{std::move(*agent), std::move(*data)};
}

/// @param lane a lane's name, or nothing.
mas_priority priority_of(std::string_view lane) {
  auto found = parse_lane(lane);
  return found ? static_cast<mas_priority>(static_cast<int>(*found) + 1) : MAS_PRIORITY_UNSET;
}

void print_receipt(Output& out, const char* message_id) {
  if (!out.json()) return out.line(std::string("sent ") + message_id + "  " + mas_receipt_decision());
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("message_id").string(message_id);
  json.key("decision").string(mas_receipt_decision()).key("detail").string(mas_receipt_detail());
  json.key("retry_after_ms").integer(mas_receipt_retry_after()).end_object();
  out.line(text);
}

}  // namespace

Result<bool> by_gateway(const std::string& mode) {
  const char* environment = std::getenv("MAS_MODE");
  std::string name = !mode.empty() ? mode : environment == nullptr ? "" : environment;
  if (name == "gateway") return true;
  if (name.empty() || name == "p2p") return false;
  return Error{Errc::kInvalidArgument,
               (mode.empty() ? "MAS_MODE: '" : "--mode: '") + name + "' is no mode; expected p2p or gateway"};
}

void add_mode_options(Command& command, std::string& mode, std::string& credentials) {
  command.add_option("--mode", mode, "p2p or gateway. Default: MAS_MODE, else p2p")->type_name("MODE");
  command
      .add_option("--credentials", credentials,
                  "What the agent proves itself with to the gateway. Default: MAS_CREDENTIALS")
      ->type_name("FILE");
}

ExitCode gateway_send(Context& context, const MessageOptions& options) {
  auto call = prepare(context, options);
  if (!call.ok()) return context.out.fail(call.error());
  char id[MAS_MESSAGE_ID_SIZE] = "";
  mas_send_options asked{};
  asked.priority = priority_of(options.priority);
  asked.wait_ms = context.settings.timeout_ms();
  Status sent = as_status(mas_agent_send_with(call->agent.get(), options.target.c_str(), options.type.c_str(),
                                              call->data.data(), call->data.size(), &asked, sizeof asked, id));
  bool decided = *mas_receipt_decision() != '\0';
  if (sent.ok() || (decided && context.out.json())) print_receipt(context.out, id);
  return sent.ok() ? ExitCode::kOk : context.out.fail(sent.error());
}

ExitCode gateway_request(Context& context, const MessageOptions& options) {
  auto call = prepare(context, options);
  if (!call.ok()) return context.out.fail(call.error());
  mas_message* reply = nullptr;
  Status answered =
      as_status(mas_agent_request(call->agent.get(), options.target.c_str(), options.type.c_str(), call->data.data(),
                                  call->data.size(), context.settings.timeout_ms(), &reply));
  if (!answered.ok()) return context.out.fail(answered.error());
  size_t size = 0;
  const char* text = options.whole_envelope ? mas_message_envelope(reply, &size) : mas_message_data(reply, &size);
  std::string shown(text, size);
  mas_message_unref(reply);
  context.out.foreign(context.out.json() ? one_line(shown) : shown);
  return ExitCode::kOk;
}

}  // namespace mas::ctl
