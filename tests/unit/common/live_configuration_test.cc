// Reloads: what is taken over, and what is refused as a whole. Writes files into a directory of its own.
#include "daemons/common/live_configuration.h"

#include "tests/unit/catch.h"
#include "tests/unit/common/testd.h"
#include "tests/unit/temp_dir.h"

using namespace mas;
using namespace mas::common;
using mas::test::kTestd;
using mas::test::TempDir;

namespace {

struct Fixture {
  TempDir dir;
  ConfigSources sources{write("[log]\nlevel = 'info'\n"), {}, {}};
  Log log{"testd", static_cast<LogLevel>(99)};  // nobody reads it
  LiveConfiguration config = started();

  std::string write(const std::string& text) const { return dir.file("c.toml", text); }
  LiveConfiguration started() const {
    Problems problems;
    Configuration first = load_configuration(kTestd, sources, problems);
    REQUIRE(problems.empty());
    return {kTestd, sources, std::move(first)};
  }
};

}  // namespace

TEST_CASE("a reload takes over what changed") {
  Fixture test;
  test.write("[log]\nlevel = 'debug'\n[daemon]\ndrain_timeout = '7s'\n");
  CHECK(test.config.reload(test.log) == 2);
  CHECK(test.config.settings().log_level == LogLevel::kDebug);
  CHECK(test.config.settings().drain_timeout == std::chrono::seconds(7));
  CHECK(test.config.reload(test.log) == 0);
}

TEST_CASE("a reload with a problem changes nothing, and the next one starts from what is in effect") {
  Fixture test;
  for (const char* bad : {"[log]\nlevel = 'debug'\n[http]\nlisten = 'nowhere'\n", "[log]\nlevel = 'debug'\nodd = 1\n",
                          "[log]\nlevel = 'debug'\n[redis]\nurl = 'redis://another'\n"}) {
    test.write(bad);
    CHECK(test.config.reload(test.log) == std::nullopt);
    CHECK(test.config.settings().log_level == LogLevel::kInfo);
    CHECK(test.config.settings().redis_url != "redis://another");
  }
  test.write("[log]\nlevel = 'debug'\n");
  CHECK(test.config.reload(test.log) == 1);
}
