// One line on stderr that is written over while a benchmark runs; nothing where stderr is no terminal.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

namespace mas::ctl {

class Progress {
 public:
  Progress() : shown_(isatty(STDERR_FILENO) == 1) {}
  ~Progress() { show(""); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& text) const {
    if (shown_) std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
  }

 private:
  bool shown_;
};

}  // namespace mas::ctl
