// Checks what the command line gave and writes the envelope.
#include "sdk/masctl/commands/outgoing.h"

#include "proto/base/ids.h"
#include "proto/base/utf8.h"
#include "proto/wire/envelope.h"
#include "sdk/masctl/commands/data_argument.h"

namespace mas::ctl {

namespace {

std::string new_message_id() {
  std::string id;
  append_uuid(id, new_uuid_v7(wall_now()));
  return id;
}

Status check_addresses(const MessageOptions& options) {
  if (!is_foreign_agent_id(options.as)) return Error{Errc::kInvalidArgument, "--as: not an agent id"};
  if (!is_foreign_agent_id(options.target)) return Error{Errc::kInvalidArgument, "TARGET: not an agent id"};
  if (options.type.empty() || options.type.size() > limits::kMessageTypeBytes || !is_valid_utf8(options.type)) {
    return Error{Errc::kInvalidArgument, "TYPE: expected 1 to 256 bytes of UTF-8"};
  }
  return {};
}

}  // namespace

Result<Outgoing> make_envelope(const MessageOptions& options, bool expects_reply) {
  Status addresses = check_addresses(options);
  if (!addresses.ok()) return addresses.error();
  auto data = read_data(options.data);
  if (!data.ok()) return data.error();

  Outgoing out;
  out.message_id = new_message_id();
  if (expects_reply) out.correlation_id = new_message_id();
  EnvelopeFields fields;
  fields.sender_id = options.as;
  fields.target_id = options.target;
  fields.message_type = options.type;
  fields.data = *data;
  fields.meta.correlation_id = out.correlation_id;
  fields.meta.expects_reply = expects_reply;
  fields.meta.priority = options.priority;
  fields.timestamp = wall_now();
  fields.message_id = out.message_id;
  append_envelope(out.json, fields);
  if (out.json.size() > limits::kEnvelopeBytes) {
    return Error{Errc::kInvalidArgument,
                 "the message has " + std::to_string(out.json.size()) + " bytes; agents take at most 1 MiB by default"};
  }
  return out;
}

void add_message_options(Command& command, MessageOptions& options) {
  command.add_option("--as", options.as, "The agent in whose name to send")->required()->type_name("ID");
  command.add_option("TARGET", options.target, "The agent to send to")->required()->type_name("");
  command.add_option("TYPE", options.type, "The message's type, such as sum.request")->required()->type_name("");
  command
      .add_option("DATA", options.data, "A JSON object, @FILE to read it from, or - for standard input. Default: {}")
      ->type_name("");
}

}  // namespace mas::ctl
