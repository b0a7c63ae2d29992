// Which Redis the daemons accept.
#include "daemons/common/redis_gate.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::common;
using redis::Reply;

namespace {

Reply text(std::string_view value) {
  Reply reply;
  reply.type = Reply::Type::kString;
  reply.text = value;
  return reply;
}

Result<ServerInfo> info_of(const std::vector<Reply>& replies) {
  Reply list;
  list.type = Reply::Type::kArray;
  list.first = replies.data();
  list.count = replies.size();
  return server_info(list);
}

std::string refusal(ServerInfo info) {
  auto status = check_server(info, redis::Topology::kSingle);
  return status.ok() ? "" : status.error().message;
}

}  // namespace

TEST_CASE("HELLO's list is read by its keys") {
  Reply number;
  number.type = Reply::Type::kInteger;
  number.integer = 2;
  auto info = info_of({text("server"), text("redis"), text("version"), text("7.0.15"), text("proto"), number,
                       text("mode"), text("standalone"), text("role"), text("master"), text("odd")});
  REQUIRE(info.ok());
  CHECK(info->version == "7.0.15");
  CHECK(info->mode == "standalone");
  CHECK_FALSE(info_of({}).ok());
  CHECK_FALSE(server_info(text("OK")).ok());
}

TEST_CASE("versions from 6.2, no cluster nodes") {
  for (const char* good : {"6.2.0", "6.2", "7.0.15", "8.0.2", "10.0"}) CHECK(refusal({good, "standalone"}).empty());
  for (const char* old : {"6.0.16", "5.0.3", "6.1.9", "2.8", "", "x.y", "-7.0"})
    CHECK(refusal({old, "standalone"}).find("expected 6.2 or newer") != std::string::npos);
  CHECK(refusal({"7.0.0", "cluster"}).find("cluster") != std::string::npos);
  CHECK(check_server({"7.0.0", "cluster"}, redis::Topology::kCluster).ok());
  CHECK_FALSE(check_server({"6.0.0", "cluster"}, redis::Topology::kCluster).ok());
}
