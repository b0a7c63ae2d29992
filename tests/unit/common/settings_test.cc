// The settings of every daemon: listen addresses, password files, reloads. Writes files into a directory of its own.
#include "daemons/common/settings.h"

#include "daemons/common/configuration.h"
#include "tests/unit/catch.h"
#include "tests/unit/common/testd.h"
#include "tests/unit/temp_dir.h"

using namespace mas;
using namespace mas::common;
using mas::test::kTestd;
using mas::test::TempDir;

namespace {

Configuration load(const ConfigSources& sources, Problems& problems) {
  return load_configuration(kTestd, sources, problems);
}

std::string error_of_password(const std::string& path) {
  Settings settings(0);
  settings.redis_password_file = path;
  auto endpoint = settings.endpoint();
  return endpoint.ok() ? "" : endpoint.error().message;
}

}  // namespace

TEST_CASE("addresses to listen on") {
  auto v4 = parse_listen("127.0.0.1:9461");
  REQUIRE(v4.ok());
  CHECK(v4->host == "127.0.0.1");
  CHECK(v4->port == 9461);
  auto v6 = parse_listen("[::1]:0");
  REQUIRE(v6.ok());
  CHECK(v6->host == "::1");
  CHECK(v6->port == 0);
  for (const char* bad : {"", "9461", ":9461", "localhost:9461", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                          "127.0.0.1:-1", "::1:80", "[::1]", "[]:80", "[127.0.0.1]:80", "127.0.0.1:80x"})
    CHECK_FALSE(parse_listen(bad).ok());
}

TEST_CASE("the password is the first line of a file that others cannot touch") {
  TempDir dir;
  Settings settings(0);
  settings.redis_url = "redis://u:old@h";
  settings.redis_password_file = dir.file("p", "s3cret\nrest\n", 0600);
  auto endpoint = settings.endpoint();
  REQUIRE(endpoint.ok());
  CHECK(endpoint->password == "s3cret");
  CHECK(endpoint->user == "u");

  CHECK(error_of_password(dir.file("group", "x", 0440)).empty());
  CHECK(error_of_password(dir.file("others", "x", 0404)).find("accessible to others") != std::string::npos);
  CHECK(error_of_password(dir.file("writable", "x", 0620)).find("accessible to others") != std::string::npos);
  CHECK(error_of_password(dir.file("empty", "\nx", 0600)).find("no password") != std::string::npos);
  CHECK(error_of_password(dir.file("long", std::string(513, 'x'), 0600)).find("512") != std::string::npos);
  CHECK(error_of_password(dir.name + "/none").find("No such file") != std::string::npos);
  CHECK(error_of_password(dir.name + "/.").find("not a file") != std::string::npos);
}

TEST_CASE("the file with the sentinels' password is read at the start, too") {
  TempDir dir;
  Settings settings(0);
  const std::string url = "redis+sentinel://h/m?sentinel_password_file=";
  settings.redis_url = url + dir.file("p", "s3cret\n", 0600);
  CHECK(settings.endpoint().ok());
  settings.redis_url = url + dir.file("others", "s3cret", 0404);
  auto endpoint = settings.endpoint();
  REQUIRE_FALSE(endpoint.ok());
  CHECK(endpoint.error().message.find("redis.url: sentinel_password_file: ") == 0);
  CHECK(endpoint.error().message.find("accessible to others") != std::string::npos);
}

TEST_CASE("a name without a slash is a systemd credential") {
  TempDir dir;
  dir.file("cred", "s3cret", 0400);
  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(error_of_password("cred").find("systemd credential") != std::string::npos);
  setenv("CREDENTIALS_DIRECTORY", dir.name.c_str(), 1);
  CHECK(error_of_password("cred").empty());
  unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("sources in their order: file, environment, MAS_REDIS_URL, --redis") {
  TempDir dir;
  ConfigSources sources;
  Problems problems;
  sources.file = dir.file("c.toml", "[redis]\nurl = 'redis://file'\nnamespace = 'f'\n", 0644);
  CHECK(load(sources, problems).settings->redis_url == "redis://file");
  sources.environment = {{"MAS_TESTD_REDIS_URL", "redis://env"}};
  CHECK(load(sources, problems).settings->redis_url == "redis://env");
  sources.environment.push_back({"MAS_REDIS_URL", "redis://shared"});
  CHECK(load(sources, problems).settings->redis_url == "redis://shared");
  sources.redis_flag = "redis://flag";
  auto config = load(sources, problems);
  CHECK(config.settings->redis_url == "redis://flag");
  CHECK(config.table.find("redis", "url")->source == "--redis");
  CHECK(config.settings->redis_namespace == "f");
  CHECK(problems.empty());
  CHECK(config.warnings.empty());
}

TEST_CASE("values that only together are wrong are problems too") {
  for (auto [section, text] : {std::pair{"redis", "url = 'http://h'"},
                               {"redis", "namespace = 'a b'"},
                               {"http", "listen = 'localhost:1'"},
                               {"redis", "password_file = '/none'"}}) {
    TempDir dir;
    Problems problems;
    load({dir.file("c.toml", "[" + std::string(section) + "]\n" + text + "\n", 0600), {}, {}}, problems);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].starts_with(std::string(section) + "."));
  }
  Problems problems;
  load({"/none.toml", {}, {}}, problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == "/none.toml: No such file or directory");
  problems.clear();
  load({"", {}, {}}, problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == "--config: the file name is empty");
}

TEST_CASE("a URL's user may have the password from a file, and needs one from somewhere") {
  TempDir dir;
  Problems problems;
  std::string password = dir.file("password", "s3cret\n", 0600);
  auto file = dir.file("c.toml", "[redis]\nurl = 'redis://alice@h'\npassword_file = '" + password + "'\n", 0600);
  auto endpoint = load({file, {}, {}}, problems).settings->endpoint();
  CHECK(problems.empty());
  REQUIRE(endpoint.ok());
  CHECK(endpoint->user == "alice");
  CHECK(endpoint->password == "s3cret");
  load({std::nullopt, {{"MAS_REDIS_URL", "redis://alice@h"}}, {}}, problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].find("a user is given but no password") != std::string::npos);
}

TEST_CASE("a secret in a file that others can read is warned of, without the secret") {
  TempDir dir;
  std::string text = "[redis]\nurl = 'redis://u:hunter2@h'\n";
  Problems problems;
  auto open = load({dir.file("open.toml", text, 0644), {}, {}}, problems);
  REQUIRE(open.warnings.size() == 1);
  CHECK(open.warnings[0].find("redis.url") != std::string::npos);
  CHECK(open.warnings[0].find("hunter2") == std::string::npos);
  CHECK(load({dir.file("closed.toml", text, 0640), {}, {}}, problems).warnings.empty());
}

TEST_CASE("what a reload would change, with secrets hidden") {
  TempDir dir;
  Problems problems;
  auto before = load({dir.file("a.toml", "[redis]\nurl = 'redis://u:one@h'\n", 0600), {}, {}}, problems);
  auto after =
      load({dir.file("b.toml", "[redis]\nurl = 'redis://u:two@h'\n[log]\nlevel = 'debug'\n", 0600), {}, {}}, problems);
  CHECK(changes_between(before.table, before.table).empty());
  auto changes = changes_between(before.table, after.table);
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].option == "redis.url");
  CHECK(changes[0].before == "redis://u:***@h");
  CHECK(changes[0].after == "redis://u:***@h");
  CHECK(changes[0].apply == Apply::kRestart);
  CHECK(changes[1].option == "log.level");
  CHECK(changes[1].before == "info");
  CHECK(changes[1].after == "debug");
  CHECK(changes[1].apply == Apply::kReload);
}
