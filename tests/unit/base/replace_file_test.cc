// Files that are replaced in one step.
#include "proto/base/replace_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/unit/catch.h"
#include "tests/unit/temp_dir.h"

using namespace mas;

namespace {

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

unsigned mode(const std::string& path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777u;
}

}  // namespace

TEST_CASE("replace_file: new files and permissions, whatever the umask") {
  test::TempDir dir;
  const std::string path = dir.name + "/a.pem";
  for (mode_t mask : {mode_t{0}, mode_t{0777}}) {
    const mode_t before = umask(mask);
    auto made = replace_file(path, "one");
    umask(before);
    REQUIRE(made.ok());
    CHECK(mode(path) == 0600);
    CHECK(content(path) == "one");
    unlink(path.c_str());
  }
  REQUIRE(replace_file(path, "public", {.fresh = 0644, .most = 0644}).ok());
  CHECK(mode(path) == 0644);
}

TEST_CASE("replace_file: a replaced file keeps its permissions but those of others, and old readers their content") {
  test::TempDir dir;
  const std::string path = dir.file("a.pem", "one", 0444);
  std::ifstream reader(path);
  REQUIRE(replace_file(path, "two").ok());
  CHECK(mode(path) == 0440);
  CHECK(content(path) == "two");
  CHECK(std::string(std::istreambuf_iterator<char>(reader), {}) == "one");
}

TEST_CASE("replace_file: what a crash left is no obstacle; failures leave nothing") {
  test::TempDir dir;
  dir.file(".a.pem.new", "left");
  REQUIRE(replace_file(dir.name + "/a.pem", "two").ok());
  CHECK(content(dir.name + "/a.pem") == "two");
  CHECK_FALSE(std::filesystem::exists(dir.name + "/.a.pem.new"));

  symlink("a.pem", (dir.name + "/link.pem").c_str());
  auto link = replace_file(dir.name + "/link.pem", "x");
  REQUIRE_FALSE(link.ok());
  CHECK(link.error().message.find("link.pem") != std::string::npos);
  CHECK_FALSE(replace_file(dir.name + "/none/a.pem", "x").ok());
  CHECK(std::distance(std::filesystem::directory_iterator(dir.name), {}) == 2);
}
