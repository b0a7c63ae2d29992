// posix_spawn with two inherited descriptors.
#include "sdk/bench/worker_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

extern char** environ;

namespace mas::ctl {

namespace {

constexpr Duration kGoodbye = std::chrono::seconds(10);

Error system_error(const char* what) { return {Errc::kInternal, std::string(what) + ": " + std::strerror(errno)}; }

/// The URL travels in the environment: a command line is for everybody to read.
void export_settings(const Settings& settings) {
  setenv("MAS_REDIS_URL", settings.redis_url.c_str(), 1);
  setenv("MAS_NAMESPACE", settings.ns.c_str(), 1);
}

/// @return the worker's pid.
Result<pid_t> spawn_worker(const WorkerSpec& spec, int control_fd) {
  std::vector<std::string> args = {"masctl",  "bench-worker", spec.role,
                                   "--self",  spec.self,      "--peer",
                                   spec.peer, "--payload",    std::to_string(spec.payload_bytes)};
  args.insert(args.end(), spec.more.begin(), spec.more.end());
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);

  // Both ends go first to numbers that cannot be the target of the other one.
  int control = fcntl(control_fd, F_DUPFD_CLOEXEC, 64);
  int ack = spec.ack_fd < 0 ? -1 : fcntl(spec.ack_fd, F_DUPFD_CLOEXEC, 64);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, control, kControlFd);
  if (ack >= 0) posix_spawn_file_actions_adddup2(&actions, ack, kAckFd);
  pid_t pid = -1;
  int failed = posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(control);
  if (ack >= 0) close(ack);
  errno = failed;
  if (failed != 0) return system_error("cannot start a bench process");
  return pid;
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::spawn(const Settings& settings, const WorkerSpec& spec) {
  export_settings(settings);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return system_error("socketpair");
  LineChannel ours(ends[0]);
  auto pid = spawn_worker(spec, ends[1]);
  close(ends[1]);
  if (!pid.ok()) return pid.error();
  return std::unique_ptr<WorkerProcess>(new WorkerProcess(*pid, std::move(ours), spec.role));
}

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(const Settings& settings, const WorkerSpec& spec) {
  auto worker = spawn(settings, spec);
  if (!worker.ok()) return worker;
  auto ready = (*worker)->answer(settings.timeout + spec.start_time);
  if (!ready.ok()) return ready.error();
  return worker;
}

WorkerProcess::~WorkerProcess() {
  channel_.reset();
  for (MonoTime end = mono_now() + kGoodbye; mono_now() < end;) {
    pid_t ended = waitpid(pid_, nullptr, WNOHANG);
    if (ended == pid_ || (ended < 0 && errno != EINTR)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  kill(pid_, SIGKILL);  // many agents whose messages nobody takes would stop one after the other
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

Status WorkerProcess::send_line(const std::string& line) { return channel_->write_line(line); }

Result<std::string> WorkerProcess::answer(Duration timeout) {
  constexpr std::string_view kError = "error ";
  auto line = channel_->read_line(timeout);
  if (!line.ok()) return line.error().in(role_);
  if (!line->starts_with(kError)) return line;
  char* text = nullptr;
  long code = std::strtol(line->c_str() + kError.size(), &text, 10);
  return Error{static_cast<Errc>(code), role_ + ":" + text};
}

Result<std::string> WorkerProcess::ask(const std::string& line, Duration timeout) {
  Status told = send_line(line);
  if (!told.ok()) return told.error();
  return answer(timeout);
}

Result<std::unique_ptr<AckPipe>> AckPipe::open() {
  std::unique_ptr<AckPipe> acks(new AckPipe);
  if (pipe2(acks->fds_, O_CLOEXEC) != 0) return system_error("pipe");
  return acks;
}

AckPipe::~AckPipe() {
  close(fds_[0]);
  close(fds_[1]);
}

}  // namespace mas::ctl
