// Reading the answers of a sentinel.
#include "proto/redis/sentinel/statement.h"

#include <algorithm>
#include <iterator>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/reply_values.h"

namespace mas::redis {
namespace {

constexpr size_t kMaxId = 64;  // a run id has 40 characters

uint64_t number_field(const Reply& list, std::string_view name) {
  const Reply* value = field_of(list, name);
  return value != nullptr && value->is_text() ? parse_number<uint64_t>(value->text).value_or(0) : 0;
}

}  // namespace

std::optional<Node> node_of(const Reply& host, const Reply& port) {
  if (!host.is_text() || !is_host(host.text)) return std::nullopt;
  std::optional<uint16_t> number;
  if (port.is_text()) number = parse_number<uint16_t>(port.text);
  if (port.is_integer() && port.integer <= UINT16_MAX)
    number = static_cast<uint16_t>(std::max<int64_t>(port.integer, 0));
  if (!number || *number == 0) return std::nullopt;
  return Node{std::string(host.text), *number};
}

Command statement_question(std::string_view master_name) {
  Command question("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_name);
  question.add("SENTINEL", "MASTER", master_name);
  question.add("SENTINEL", "SENTINELS", master_name);
  question.add("SENTINEL", "MYID");
  return question;
}

Status StatementReader::take(size_t index, const Reply& reply) {
  if (index == 0) return take_address(reply);
  if (index == 1) take_master(reply);
  if (index == 2) take_sentinels(reply);
  if (index == 3 && reply.is_text() && reply.text.size() <= kMaxId) statement_.id = std::string(reply.text);
  return Status();
}

Status StatementReader::take_address(const Reply& reply) {
  if (reply.is_error()) return error_of(reply);
  if (reply.is_nil()) return Error{Errc::kNotFound, "it does not know '" + master_name_ + "'"};
  std::optional<Node> primary;
  if (reply.is_array() && reply.count == 2) primary = node_of(reply[0], reply[1]);
  if (!primary) return Error{Errc::kProtocol, "it names no valid address of '" + master_name_ + "'"};
  statement_.primary = std::move(*primary);
  return Status();
}

void StatementReader::take_master(const Reply& reply) {
  if (!reply.is_array()) return;
  statement_.epoch = number_field(reply, "config-epoch");
  statement_.others = number_field(reply, "num-other-sentinels");
}

void StatementReader::take_sentinels(const Reply& reply) {
  if (!reply.is_array()) return;
  for (const Reply& sentinel : reply) {
    if (!sentinel.is_array() || statement_.sentinels.size() == kMaxUrlNodes) continue;
    const Reply* host = field_of(sentinel, "ip");
    const Reply* port = field_of(sentinel, "port");
    if (host == nullptr || port == nullptr) continue;
    if (auto node = node_of(*host, *port)) statement_.sentinels.push_back(std::move(*node));
  }
}

std::optional<Node> replicated_server(const Reply& role) {
  if (!role.is_array() || role.count < 3 || !role[0].is_text() || role[0].text != "slave") return std::nullopt;
  return node_of(role[1], role[2]);
}

bool is_switch_of(std::string_view payload, std::string_view master_name) {
  return payload.size() > master_name.size() && payload.starts_with(master_name) && payload[master_name.size()] == ' ';
}

}  // namespace mas::redis
