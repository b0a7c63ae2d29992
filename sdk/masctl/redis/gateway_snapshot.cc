// A heartbeat's members.
#include <cstdlib>

#include "proto/base/numbers.h"
#include "proto/wire/json.h"
#include "sdk/masctl/redis/gateway_reader.h"

namespace mas::ctl {

namespace {

uint64_t unsigned_of(std::string_view token) { return leading_number<uint64_t>(token); }

std::map<std::string, uint64_t> counts_of(std::string_view token) {
  std::map<std::string, uint64_t> counts;
  auto members = JsonReader::local().members(token);
  if (!members.ok()) return counts;
  for (const auto& [name, value] : *members) counts[name] = unsigned_of(value);
  return counts;
}

/// @return the numbers of a flat array.
std::vector<unsigned> numbers_of(std::string_view token) {
  std::vector<unsigned> numbers;
  for (size_t at = token.find_first_of("0123456789"); at < token.size();) {
    numbers.push_back(static_cast<unsigned>(unsigned_of(token.substr(at))));
    at = token.find_first_of("0123456789", token.find_first_not_of("0123456789", at));
  }
  return numbers;
}

/// @return texts by number; members of another form are left out.
std::map<unsigned, std::string> texts_of(std::string_view token) {
  std::map<unsigned, std::string> texts;
  auto members = JsonReader::local().members(token);
  if (!members.ok()) return texts;
  for (const auto& [name, value] : *members) {
    bool number = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
    if (number) texts[static_cast<unsigned>(unsigned_of(name))] = json_text(value);
  }
  return texts;
}

void take_member(GatewaySnapshot& snapshot, std::string_view name, std::string_view token) {
  if (name == "instance") snapshot.instance = json_text(token);
  if (name == "version") snapshot.version = json_text(token);
  if (name == "host") snapshot.host = json_text(token);
  if (name == "http") snapshot.http = json_text(token);
  if (name == "pipeline") snapshot.pipeline = json_text(token);
  if (name == "profile") snapshot.profile = json_text(token);
  if (name == "pid") snapshot.pid = static_cast<int64_t>(unsigned_of(token));
  if (name == "since") snapshot.since = std::strtod(std::string(token).c_str(), nullptr);
  if (name == "turns") snapshot.turns = unsigned_of(token);
  if (name == "messages") snapshot.messages = unsigned_of(token);
  if (name == "round_trips") snapshot.round_trips = unsigned_of(token);
  if (name == "decided") snapshot.decided = counts_of(token);
  if (name == "resting") snapshot.resting = texts_of(token);
  if (name == "owned") snapshot.owned = numbers_of(token);
}

}  // namespace

Result<GatewaySnapshot> parse_snapshot(std::string_view heartbeat) {
  auto members = JsonReader::local().members(heartbeat);
  if (!members.ok()) return members.error();
  GatewaySnapshot snapshot;
  for (const auto& [name, token] : *members) take_member(snapshot, name, token);
  return snapshot;
}

}  // namespace mas::ctl
