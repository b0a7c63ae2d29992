// TLS against a real redis-server with certificates made here.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "proto/redis/connection.h"
#include "proto/redis/usable_tls.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

/// A certificate authority, a second one that nobody trusts, a server certificate for 127.0.0.1 and
/// "redis.test", and a client certificate, in a temporary directory.
struct Certificates {
  std::string dir;

  Certificates() {
    std::string pattern = std::filesystem::temp_directory_path() / "mas-tls-XXXXXX";
    dir = mkdtemp(pattern.data());
    authority("ca");
    authority("other");
    leaf("server", "subjectAltName=IP:127.0.0.1,DNS:redis.test");
    leaf("client", "subjectAltName=DNS:client.test");
    leaf("redis.test", "basicConstraints=CA:FALSE");  // its common name is the only name
  }
  ~Certificates() { std::filesystem::remove_all(dir); }

  std::string file(const std::string& name) const { return dir + "/" + name; }

 private:
  void openssl(const std::string& args) {
    REQUIRE(std::system(("cd " + dir + " && openssl " + args + " >openssl.log 2>&1").c_str()) == 0);
  }
  void authority(const std::string& name) {
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + name +
            " -keyout " + name + ".key -out " + name + ".crt");
  }
  void leaf(const std::string& name, const std::string& extension) {
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" + name + " -keyout " + name +
            ".key -out " + name + ".csr");
    std::ofstream(file(name + ".ext")) << extension << "\n";
    openssl("x509 -req -days 2 -CA ca.crt -CAkey ca.key -CAcreateserial -in " + name + ".csr -out " + name +
            ".crt -extfile " + name + ".ext");
  }
};

/// A redis-server with a TLS port; tried on several ports, since it cannot choose one itself.
struct TlsServer {
  std::optional<RedisServer> server;
  int port = 0;

  TlsServer(const Certificates& certificates, const char* auth_clients, const std::string& name = "server") {
    for (int attempt = 0; attempt < 5 && !server; ++attempt) {
      port = unused_port();
      try {
        server.emplace(std::vector<std::string>{"--tls-port", std::to_string(port), "--bind", "127.0.0.1",
                                                "--tls-cert-file", certificates.file(name + ".crt"), "--tls-key-file",
                                                certificates.file(name + ".key"), "--tls-ca-cert-file",
                                                certificates.file("ca.crt"), "--tls-auth-clients", auth_clients});
      } catch (const std::runtime_error&) {
        if (attempt == 4) throw;
      }
    }
  }
  std::string url(const std::string& options) const {
    return "rediss://127.0.0.1:" + std::to_string(port) + "/?" + options;
  }
};

}  // namespace

TEST_CASE("TLS: a trusted server is used, large values both ways") {
  Certificates certificates;
  TlsServer server(certificates, "no");
  LoopFixture loop;
  for (const std::string& name : {std::string(), std::string("&server_name=redis.test")}) {
    RecordingListener listener;
    Connection connection(loop.loop(), quick_options(server.url("ca=" + certificates.file("ca.crt") + name)),
                          &listener);
    connection.start();
    Receiver receiver;
    std::string large(3 * 1024 * 1024, 'z');
    REQUIRE(connection.send(Command("SET", "k", large).add("GET", "k"), receiver.to(), 20s).ok());
    REQUIRE(loop.run_until([&] { return receiver.answers.size() == 2; }, 20s));
    CHECK(receiver.answers[1] == large);
    CHECK(listener.downs.empty());
    connection.stop();
  }
}

TEST_CASE("TLS: an unknown authority, a wrong name, a missing file are refused with the reason") {
  Certificates certificates;
  TlsServer server(certificates, "no");
  LoopFixture loop;
  auto refusal = [&](const std::string& options) {
    RecordingListener listener;
    Connection connection(loop.loop(), quick_options(server.url(options)), &listener);
    connection.start();
    REQUIRE(loop.run_until([&] { return !listener.downs.empty(); }));
    CHECK(listener.ready == 0);
    return listener.downs[0];
  };
  CHECK(refusal("ca=" + certificates.file("other.crt")).code == Errc::kAuthFailed);
  auto name = refusal("ca=" + certificates.file("ca.crt") + "&server_name=else.test");
  CHECK(name.code == Errc::kAuthFailed);
  CHECK(name.message.find("certificate was refused") != std::string::npos);
  auto missing = refusal("ca=/no/such/file.pem");
  CHECK(missing.code == Errc::kInvalidArgument);
  CHECK(missing.message.find("/no/such/file.pem") != std::string::npos);
}

TEST_CASE("TLS: a common name is no host name") {
  Certificates certificates;
  TlsServer server(certificates, "no", "redis.test");
  LoopFixture loop;
  RecordingListener listener;
  Connection connection(loop.loop(),
                        quick_options(server.url("ca=" + certificates.file("ca.crt") + "&server_name=redis.test")),
                        &listener);
  connection.start();
  REQUIRE(loop.run_until([&] { return !listener.downs.empty(); }));
  CHECK(listener.downs[0].code == Errc::kAuthFailed);
}

TEST_CASE("TLS: files that break are as if they had not changed") {
  Certificates certificates;
  const std::string both = certificates.file("both.pem");
  auto write = [&](const std::string& key) {
    std::ofstream out(both);
    for (const std::string& part : {key, std::string("client.crt")})
      out << std::ifstream(certificates.file(part)).rdbuf();
  };
  TlsFiles files;
  files.ca = certificates.file("ca.crt");
  files.cert = files.key = both;
  CHECK_FALSE(usable_context(files).ok());  // there is no file yet
  write("client.key");
  Status now;
  auto first = usable_context(files, &now);
  REQUIRE(first.ok());
  CHECK(now.ok());
  write("server.key");  // a key of another certificate
  auto kept = usable_context(files, &now);
  REQUIRE(kept.ok());
  CHECK(*kept == *first);
  REQUIRE_FALSE(now.ok());
  CHECK(now.error().message.find(both) != std::string::npos);
  write("client.key");
  auto again = usable_context(files, &now);
  REQUIRE(again.ok());
  CHECK(now.ok());
  CHECK(*again != *first);
  files.ca = certificates.file("other.crt");  // other files: nothing was kept of them
  write("server.key");
  CHECK_FALSE(usable_context(files).ok());
}

TEST_CASE("TLS: a client certificate where the server wants one") {
  Certificates certificates;
  TlsServer server(certificates, "yes");
  LoopFixture loop;
  std::string ca = "ca=" + certificates.file("ca.crt");
  RecordingListener without;
  Connection refused(loop.loop(), quick_options(server.url(ca)), &without);
  refused.start();
  REQUIRE(loop.run_until([&] { return !without.downs.empty(); }));
  CHECK(without.ready == 0);

  RecordingListener with;
  Connection accepted(loop.loop(),
                      quick_options(server.url(ca + "&cert=" + certificates.file("client.crt") +
                                               "&key=" + certificates.file("client.key"))),
                      &with);
  accepted.start();
  REQUIRE(loop.run_until([&] { return with.ready == 1; }));
}

TEST_CASE("TLS: the next link has the certificates that lie in the files by then") {
  Certificates certificates;
  TlsServer server(certificates, "yes");
  LoopFixture loop;
  auto put = [&](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(certificates.file(from), certificates.file(to),
                               std::filesystem::copy_options::overwrite_existing);
  };
  auto install = [&](const std::string& authority, const std::string& name) {
    put(authority + ".crt", "used-ca.crt");
    put(name + ".crt", "used.crt");
    put(name + ".key", "used.key");
  };
  install("other", "other");  // an authority that the server's is not of, a certificate that it does not know
  RecordingListener listener;
  Connection connection(
      loop.loop(),
      quick_options(server.url("ca=" + certificates.file("used-ca.crt") + "&cert=" + certificates.file("used.crt") +
                               "&key=" + certificates.file("used.key"))),
      &listener);
  connection.start();
  REQUIRE(loop.run_until([&] { return !listener.downs.empty(); }));
  CHECK(listener.ready == 0);
  install("ca", "client");
  REQUIRE(loop.run_until([&] { return listener.ready == 1; }));
  install("other", "other");
  connection.drop_link(Error{Errc::kConnectionLost, "to make another"});
  const size_t downs = listener.downs.size();
  REQUIRE(loop.run_until([&] { return listener.downs.size() > downs; }));
  CHECK(listener.downs.back().code == Errc::kAuthFailed);
  connection.stop();
}

TEST_CASE("TLS: a plain server behind a rediss URL is an error, not a hang") {
  RedisServer plain({"--bind", "127.0.0.1"});
  int port = unused_port();
  plain.stop();
  RedisServer server({"--port", std::to_string(port), "--bind", "127.0.0.1"});
  LoopFixture loop;
  RecordingListener listener;
  Connection connection(loop.loop(), quick_options("rediss://127.0.0.1:" + std::to_string(port)), &listener);
  connection.start();
  REQUIRE(loop.run_until([&] { return !listener.downs.empty(); }));
  CHECK(listener.ready == 0);
}
