// Log lines on their way to a descriptor that is read late, or never.
#include "daemons/common/log_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::common;

namespace {

constexpr size_t kPipeBytes = 4096;
const std::string kLine(1023, 'x');

std::string missing(uint64_t lines) { return std::to_string(lines) + " missing"; }

/// The sum over the lines that missing() made.
uint64_t told_missing(const std::string& text) {
  uint64_t lines = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.ends_with(" missing")) lines += std::stoull(line);
  return lines;
}

/// A pipe that is full after a page.
struct Pipe {
  Pipe() {
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(kPipeBytes));
  }
  ~Pipe() {
    close(ends[0]);
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_writer() {
    if (ends[1] >= 0) close(std::exchange(ends[1], -1));
  }
  void fill() const {
    const std::string page(kPipeBytes, '\n');
    REQUIRE(write(ends[1], page.data(), page.size()) == static_cast<ssize_t>(page.size()));
  }
  /// Until the last writer has closed it.
  std::string read_all() const {
    std::string all;
    char some[65536];
    for (ssize_t size; (size = read(ends[0], some, sizeof some)) > 0;) all.append(some, static_cast<size_t>(size));
    return all;
  }

  int ends[2];
};

}  // namespace

TEST_CASE("lines are written in their order") {
  Pipe pipe;
  std::string read;
  std::thread reader([&] { read = pipe.read_all(); });
  std::string expected;
  {
    LogWriter writer(pipe.ends[1], missing);
    for (int i = 0; i < 5000; ++i) {
      std::string line = "line " + std::to_string(i);
      writer.write(line);
      expected += line + "\n";
    }
    CHECK(writer.dropped() == 0);
  }
  pipe.close_writer();
  reader.join();
  CHECK(read == expected);
}

TEST_CASE("who logs does not wait for who does not read, and what is missing is said") {
  Pipe pipe;
  pipe.fill();
  std::string read;
  std::thread reader;
  const uint64_t room = kMaxWaitingLogBytes / (kLine.size() + 1);
  uint64_t dropped = 0;
  {
    LogWriter writer(pipe.ends[1], missing);
    for (uint64_t i = 0; i < 3 * room; ++i) writer.write(kLine);
    dropped = writer.dropped();
    CHECK(dropped >= room - 1);  // as much again may be on its way already
    CHECK(dropped <= 2 * room + 1);
    reader = std::thread([&] { read = pipe.read_all(); });
  }
  pipe.close_writer();
  reader.join();
  // In one line or in two: the thread may have come to its first lines only after some were dropped.
  CHECK(told_missing(read) == dropped);
  CHECK(static_cast<uint64_t>(std::count(read.begin(), read.end(), kLine[0])) == (3 * room - dropped) * kLine.size());
}

TEST_CASE("an end is not held up for ever") {
  Pipe pipe;
  pipe.fill();
  const auto begin = mono_now();
  {
    LogWriter writer(pipe.ends[1], missing);
    writer.write(kLine);
  }
  CHECK(mono_now() - begin < std::chrono::seconds(5));
}

TEST_CASE("lines that cannot be written are counted") {
  LogWriter writer(-1, missing);
  writer.write("a");
  writer.write("b");
  for (int i = 0; i < 2000 && writer.dropped() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(writer.dropped() == 2);
}
