// One message by the gateway, and its answer.
#include "sdk/masctl/commands/gateway_call.h"

#include <cstdlib>

#include "proto/base/json_writer.h"
#include "proto/wire/lane.h"
#include "sdk/include/mas.h"
#include "sdk/masctl/agent/agent_handle.h"
#include "sdk/masctl/commands/data_argument.h"
#include "sdk/masctl/commands/event_line.h"

namespace mas::ctl {

namespace {

Result<AgentHandle> start_agent(const Settings& settings, const MessageOptions& options) {
  AgentOptions agent_options;
  Status status = agent_options.connect_as(settings);
  if (status.ok()) status = as_status(mas_options_set_mode(agent_options.get(), MAS_MODE_GATEWAY));
  if (status.ok() && !options.credentials.empty())
    status = as_status(mas_options_set_credentials(agent_options.get(), options.credentials.c_str()));
  if (!status.ok()) return status.error();
  return AgentHandle::started(settings, options.as, agent_options);
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

/// What the gateway decided of the message that this thread has just sent.
struct Receipt {
  std::string message_id, decision, detail;
  int64_t retry_after_ms = 0;
};

void write_receipt(JsonWriter& json, const Receipt& receipt) {
  json.begin_object().key("message_id").string(receipt.message_id);
  json.key("decision").string(receipt.decision).key("detail").string(receipt.detail);
  json.key("retry_after_ms").integer(receipt.retry_after_ms).end_object();
}

}  // namespace

Result<bool> by_gateway(const std::string& mode) {
  const char* environment = std::getenv("MAS_MODE");
  std::string name = !mode.empty() ? mode : environment == nullptr ? "" : environment;
  if (name == "gateway") return true;
  if (name.empty() || name == "p2p") return false;
  return Error{Errc::kInvalidArgument,
               (mode.empty() ? "MAS_MODE: '" : "--mode: '") + name + "' is not a mode; expected p2p or gateway"};
}

void add_mode_options(Command& command, std::string& mode, std::string& credentials) {
  command.add_option("--mode", mode, "p2p or gateway. Default: $MAS_MODE, else p2p")->type_name("MODE");
  command
      .add_option("--credentials", credentials,
                  "File of the agent's credentials, for gateway mode. Default: $MAS_CREDENTIALS")
      ->type_name("FILE");
}

Result<Document> gateway_send(Context& context, const MessageOptions& options) {
  auto call = prepare(context, options);
  if (!call.ok()) return call.error();
  char id[MAS_MESSAGE_ID_SIZE] = "";
  mas_send_options asked{};
  asked.priority = priority_of(options.priority);
  asked.wait_ms = context.settings.timeout_ms();
  Status sent = as_status(mas_agent_send_with(call->agent.get(), options.target.c_str(), options.type.c_str(),
                                              call->data.data(), call->data.size(), &asked, sizeof asked, id));
  Receipt receipt{id, mas_receipt_decision(), mas_receipt_detail(), mas_receipt_retry_after()};
  if (!sent.ok() && receipt.decision.empty()) return sent.error();
  const bool arrived = sent.ok();
  Document document = Document::of(std::move(receipt), write_receipt, [arrived](Output& out, const Receipt& told) {
    if (arrived) out.line("sent " + told.message_id + "  " + told.decision);
  });
  if (!arrived) return std::move(document).fails_with(sent.error());
  return document;
}

Result<Document> gateway_request(Context& context, const MessageOptions& options) {
  auto call = prepare(context, options);
  if (!call.ok()) return call.error();
  mas_message* reply = nullptr;
  Status answered =
      as_status(mas_agent_request(call->agent.get(), options.target.c_str(), options.type.c_str(), call->data.data(),
                                  call->data.size(), context.settings.timeout_ms(), &reply));
  if (!answered.ok()) return answered.error();
  size_t size = 0;
  const char* text = options.whole_envelope ? mas_message_envelope(reply, &size) : mas_message_data(reply, &size);
  std::string shown(text, size);
  mas_message_unref(reply);
  return Document::foreign(one_line(shown), shown);
}

}  // namespace mas::ctl
