// A directory of a test's own, removed with everything in it.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mas::test {

struct TempDir {
  TempDir() {
    char path[] = "/tmp/mas-unit-XXXXXX";
    name = mkdtemp(path);
  }
  ~TempDir() { std::filesystem::remove_all(name); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  /// Writes a file. @return its path.
  std::string file(const std::string& base, const std::string& text, mode_t mode = 0600) const {
    std::string path = name + "/" + base;
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), mode);
    return path;
  }

  std::string name;
};

}  // namespace mas::test
