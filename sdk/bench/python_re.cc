// python3 as a child: its input in a file without a name, its one line of output through a pipe.
#include "sdk/bench/python_re.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

extern char** environ;

namespace mas::ctl {

namespace {

constexpr const char* kScript = R"py(
import re, sys, time
PATTERNS = [re.compile(p, flags) for p, flags in (
    (r"\b\d{3}-\d{2}-\d{4}\b", 0),
    (r"\b(?:\d{4}[-\s]?){3}\d{4}\b", 0),
    (r"\b3[47]\d{2}[-\s]?\d{6}[-\s]?\d{5}\b", 0),
    (r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b", 0),
    (r"\b(?:\+?1[-.\s]?)?\(?\d{3}\)?[-.\s]?\d{3}[-.\s]?\d{4}\b", 0),
    (r"\b\d{1,5}\s+\w+(?:\s+\w+)*\s+(?:street|st|avenue|ave|road|rd|drive|dr|lane|ln|boulevard|blvd)\b", re.I),
    (r"\bMRN[-:\s]?\d{6,10}\b", re.I),
    (r"\b[A-TV-Z]\d{2}(?:\.\d{1,4})?\b", 0),
    (r"\b(?:member|policy|insurance)[-_\s]?(?:id|number|no)[-:\s]*[A-Z0-9]{6,15}\b", re.I),
    (r"\b(?:cvv|cvc)[-:\s]*\d{3,4}\b", re.I),
    (r"\bAKIA[0-9A-Z]{16}\b", 0),
    (r"-----BEGIN (?:RSA |EC |DSA )?PRIVATE KEY-----", 0),
    (r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", 0),
    (r"(?:api[_-]?key|apikey|secret|token)[\"'\s:=]+[A-Za-z0-9_\-]{16,}", re.I),
    (r"(?:password|passwd|pwd)[\"'\s:=]+[^\s\"']{6,}", re.I),
)]
limit = float(sys.argv[1])
texts = sys.stdin.buffer.read().decode().splitlines()
seen = found = 0
start = time.process_time()
while time.process_time() - start < limit:
    for text in texts:
        for pattern in PATTERNS:
            for match in pattern.finditer(text):
                found += 1
        seen += len(text)
print(seen, time.process_time() - start)
)py";

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

Error failed(const std::string& what) { return {Errc::kInternal, "python3: " + what}; }

/// The payloads as a file that reads from its beginning and is gone with its descriptor.
File input_of(const std::vector<std::string>& payloads) {
  File file(std::tmpfile(), std::fclose);
  if (!file) return file;
  for (const auto& payload : payloads) {
    std::fwrite(payload.data(), 1, payload.size(), file.get());
    std::fputc('\n', file.get());
  }
  if (std::fflush(file.get()) != 0 || std::fseek(file.get(), 0, SEEK_SET) != 0) file.reset();
  return file;
}

std::string read_all(int fd) {
  std::string text;
  char chunk[256];
  ssize_t got;
  while ((got = read(fd, chunk, sizeof chunk)) > 0 || (got < 0 && errno == EINTR))
    if (got > 0) text.append(chunk, static_cast<size_t>(got));
  return text;
}

}  // namespace

Result<ScanRate> measure_python(const std::vector<std::string>& payloads, double seconds) {
  File input = input_of(payloads);
  int ends[2];
  if (!input || pipe2(ends, O_CLOEXEC) != 0) return failed(std::strerror(errno));
  std::string program = "python3", dash_c = "-c", script = kScript, limit = std::to_string(seconds);
  char* argv[] = {program.data(), dash_c.data(), script.data(), limit.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(input.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t pid = -1;
  int problem = posix_spawnp(&pid, "python3", &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (problem != 0) {
    close(ends[0]);
    if (problem == ENOENT) return Error{Errc::kNotFound, "python3 is not installed"};
    return failed(std::strerror(problem));
  }
  std::string output = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  ScanRate rate;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return failed("it ended with an error");
  if (std::sscanf(output.c_str(), "%lf %lf", &rate.bytes, &rate.seconds) != 2) return failed("its answer is invalid");
  return rate;
}

}  // namespace mas::ctl
