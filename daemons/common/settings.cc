// The options that every daemon has, and what is checked about them together.
#include "daemons/common/settings.h"

#include <arpa/inet.h>

#include "proto/base/ids.h"
#include "proto/base/secret_file.h"
#include "proto/redis/tls.h"
#include "proto/wire/keys.h"

namespace mas::common {
namespace {

using namespace std::chrono_literals;

Error config_error(std::string text) { return Error{Errc::kInvalidArgument, std::move(text)}; }

}  // namespace

Result<ListenAddress> parse_listen(std::string_view text) {
  auto colon = text.rfind(':');
  int64_t port = colon == std::string_view::npos ? -1 : parse_integer(text.substr(colon + 1)).value_or(-1);
  std::string host(text.substr(0, colon));
  bool v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (v6) host = host.substr(1, host.size() - 2);
  unsigned char address[16];
  if (port < 0 || port > 65535 || inet_pton(v6 ? AF_INET6 : AF_INET, host.c_str(), address) != 1)
    return config_error("'" + printable(text) + "' is not an address to listen on; expected IPV4:PORT or [IPV6]:PORT");
  return ListenAddress{std::move(host), static_cast<uint16_t>(port)};
}

Settings::Settings(uint16_t http_port) : http_listen("127.0.0.1:" + std::to_string(http_port)) {}

bool is_agent(Profile profile, std::string_view id) {
  return profile == Profile::kProduction ? check_agent_id(id).ok() : is_foreign_agent_id(id);
}

void Settings::describe(OptionTable& table) {
  table.section("redis", "The connection to Redis.");
  table.url(
      "url", redis_url, Apply::kRestart,
      "URL of the Redis server: redis://[user:password@]host[:port][/db]; rediss:// for TLS (?ca= cert= key= "
      "server_name=); unix:///path[?db=N]; redis+sentinel://host[:port],host.../master-name[/db] for the primary that "
      "Redis Sentinel names (?sentinel_user= sentinel_password_file=), rediss+sentinel:// with TLS; "
      "redis+cluster://host[:port],host... for a Redis Cluster (not for mas-gatewayd), rediss+cluster:// with TLS. "
      "--redis and MAS_REDIS_URL override this option. Do not put a password here; use password_file.");
  table.text("password_file", redis_password_file, Apply::kRestart,
             "File whose first line is the Redis password. It must not be accessible to others. A name without "
             "'/' is a systemd credential of the unit. Overrides a password in the URL.");
  table.text("namespace", redis_namespace, Apply::kRestart,
             "Prefix of every key and channel, written as 'namespace/'. All parts of one system need the same value. "
             "MAS_NAMESPACE overrides this option.");
  table.duration("connect_timeout", redis_connect_timeout, {100ms, 1min}, Apply::kRestart,
                 "Timeout of one connection attempt, including the handshake.");
  table.duration(
      "command_timeout", redis_command_timeout, {100ms, 1min}, Apply::kRestart,
      "Timeout of one command. A command without an answer in this time fails, and the connection is replaced.");

  table.section("http", "The read-only HTTP server: /healthz, /readyz, /metrics.");
  table.text("listen", http_listen, Apply::kRestart,
             "Address and port to listen on. Port 0 chooses a free port; the log and the daemon's heartbeat name it. "
             "Beyond loopback, set tls_cert and token_file, or use a proxy that authenticates.");
  table.text("hosts", http_hosts, Apply::kReload,
             "Host names by which this server is reached, separated by spaces. A request whose Host header is another "
             "name is refused, since a web page may lead a browser here (DNS rebinding). Addresses and localhost are "
             "always served.");
  table.text("tls_cert", http_tls_cert, Apply::kRestart,
             "PEM file of the server's certificate. With it, the server speaks TLS only. The file is read again at "
             "SIGHUP and every minute.");
  table.text("tls_key", http_tls_key, Apply::kRestart,
             "PEM file of the private key of tls_cert. Default: the key is in the file of tls_cert.");
  table.text(
      "token_file", http_token_file, Apply::kRestart,
      "File whose first line is a bearer token of at least 16 characters. With it, /metrics and the details of "
      "/readyz need the header 'Authorization: Bearer TOKEN'; /healthz and the status of /readyz do not. It must "
      "not be accessible to others, and is read again at SIGHUP. A name without '/' is a systemd credential.");
  table.integer("max_connections", http_max_connections, {1, 1024}, Apply::kRestart,
                "Maximum number of open connections. A further connection closes the oldest one.");
  table.duration("timeout", http_timeout, {1s, 10min}, Apply::kRestart,
                 "Time after which an idle connection is closed, in whole seconds.");

  table.section("log", "The log, written to standard error.");
  table.choice("level", log_level, kLogLevelNames, Apply::kReload, "Lowest level that is logged.");
  table.choice("format", log_format, kLogFormatNames, Apply::kRestart,
               "Format of the log. auto: human on a terminal, JSON otherwise.");

  table.section("daemon", "Start and stop.");
  table.duration(
      "drain_timeout", drain_timeout, {100ms, 10min}, Apply::kReload,
      "Time that the daemon waits for unfinished work after SIGTERM or SIGINT. After that it exits with status 1.");
}

void Settings::check(Problems& problems) const {
  if (auto address = parse_listen(http_listen); !address) problems.push_back("http.listen: " + address.error().message);
  if (auto access = http_access(); !access) problems.push_back(access.error().message);
  if (http_tls_cert.empty() && !http_tls_key.empty())
    problems.emplace_back("http.tls_key is given without http.tls_cert");
  if (!http_tls_cert.empty())
    if (auto pair = redis::TlsContext::create(http_tls()); !pair)
      problems.push_back("http.tls_cert: " + pair.error().message);
  if (auto status = check_namespace(redis_namespace); !status)
    problems.push_back("redis.namespace: " + status.error().message);
  if (auto where = endpoint(); !where) problems.push_back(where.error().message);
}

Result<redis::Endpoint> Settings::endpoint() const {
  auto parsed = redis::parse_url(redis_url,
                                 redis_password_file.empty() ? redis::PasswordIn::kUrl : redis::PasswordIn::kElsewhere);
  if (!parsed) return parsed.error().in("redis.url");
  if (const auto& file = parsed->sentinel.password_file; !file.empty())
    if (auto password = read_password(file); !password) return password.error().in("redis.url: sentinel_password_file");
  if (redis_password_file.empty()) return parsed;
  auto password = read_password(redis_password_file);
  if (!password) return password.error().in("redis.password_file");
  parsed->password = std::move(*password);
  return parsed;
}

Result<HttpAccess> Settings::http_access() const {
  HttpAccess access;
  auto hosts = parse_hosts(http_hosts);
  if (!hosts) return hosts.error().in("http.hosts");
  access.hosts = std::move(*hosts);
  if (http_token_file.empty()) return access;
  auto token = read_token(http_token_file);
  if (!token) return token.error().in("http.token_file");
  access.token = std::move(*token);
  return access;
}

redis::TlsFiles Settings::http_tls() const {
  redis::TlsFiles files;
  files.cert = http_tls_cert;
  files.key = http_tls_key.empty() ? http_tls_cert : http_tls_key;
  return files;
}

}  // namespace mas::common
