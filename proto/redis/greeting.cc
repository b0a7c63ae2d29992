// The first commands of a connection and their answers.
#include "proto/redis/greeting.h"

#include "proto/base/ids.h"
#include "proto/redis/command.h"
#include "proto/redis/sentinel/statement.h"

namespace mas::redis {
namespace {

constexpr size_t kGreetingBytes = 256;  // without its texts

/// Redis answers PING with an error to a user without the right to it, and while it refuses writes since a snapshot
/// failed; what only reads, PUBLISH and SUBSCRIBE go on.
bool is_pong(const Reply& reply) { return reply.error_code() == "NOPERM" || reply.error_code() == "MISCONF"; }

}  // namespace

bool is_hello(const Reply& reply) {
  return reply.is_array() && reply.count >= 2 && reply.count % 2 == 0 && reply[0].is_text() &&
         reply[0].text == "server";
}

Status check_primary(const Reply& hello) {
  for (size_t i = 0; i + 1 < hello.count; i += 2) {
    if (!hello[i].is_text() || !hello[i + 1].is_text()) continue;
    const std::string_view name = hello[i].text, value = hello[i + 1].text;
    // A sentinel tells no role.
    if ((name == "role" && value != "master") || (name == "mode" && value == "sentinel"))
      return Error{Errc::kUnavailable, "this Redis is a " + printable(value) + "; expected the primary"};
  }
  return Status();
}

std::string Greeting::begin(const Endpoint& endpoint, std::string_view client_name, Hello what, AskRole role) {
  Command hello;
  hello.reserve(kGreetingBytes + endpoint.user.size() + endpoint.password.size() + client_name.size());
  expected_.clear();
  tells_role_ = false;
  replicates_.reset();
  if (!endpoint.password.empty()) {
    expected_.push_back(Step::kAuth);
    if (endpoint.user.empty())
      hello.add("AUTH", endpoint.password);
    else
      hello.add("AUTH", endpoint.user, endpoint.password);
  }
  if (endpoint.db != 0) {
    expected_.push_back(Step::kSelect);
    hello.add("SELECT", endpoint.db);
  }
  if (!client_name.empty()) {
    expected_.push_back(Step::kName);
    hello.add("CLIENT", "SETNAME", client_name);
  }
  if (role == AskRole::kYes) {  // before HELLO, whose answer may end the link
    expected_.push_back(Step::kRole);
    hello.add("ROLE");
  }
  if (what != Hello::kNone) {
    expected_.push_back(Step::kHello);
    what == Hello::kResp2 ? hello.add("HELLO") : hello.add("HELLO", 3);
  }
  expected_.push_back(Step::kPing);
  hello.add("PING");
  return hello.take_bytes();
}

Status Greeting::take(const Reply& reply) {
  const Step step = expected_.front();
  expected_.pop_front();
  if (step == Step::kHello && is_hello(reply)) {
    tells_role_ = true;
    return check_primary(reply);
  }
  if (step == Step::kRole) replicates_ = replicated_server(reply);
  const bool tolerated =
      step == Step::kName || step == Step::kRole || step == Step::kHello || (step == Step::kPing && is_pong(reply));
  const bool too_many_clients =
      reply.is_error() && reply.text.starts_with("ERR max number of clients");  // whatever was asked
  if (!reply.is_error() || (tolerated && !too_many_clients)) return Status();
  Error why = error_of(reply);
  if (step == Step::kAuth) why.code = Errc::kAuthFailed;
  return why;
}

}  // namespace mas::redis
