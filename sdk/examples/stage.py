"""The stage of the demos: starts, watches and ends processes, and prints their output.

However a demo ends, its processes end too: the stage stops them by their ids, and the kernel stops them when the demo
itself is killed by SIGKILL. The stage also removes its files, except after a SIGKILL.
"""
import ctypes
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

COLOURS = {"planner": 36, "adder-1": 32, "adder-2": 92, "echo": 34, "notekeeper": 35, "monitor": 94, "events": 33,
           "courier": 96, "clerk": 95, "student": 36, "professor": 32, "patient": 36, "doctor": 32, "specialist": 35}
libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
printing = threading.Lock()


class Failed(Exception):
    """A step of the demo did not happen."""


def die_with_the_demo():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def paint(text, colour):
    return f"\033[{colour}m{text}\033[0m" if sys.stdout.isatty() else text


def show(line):
    """Prints a line in one piece, since several threads print."""
    with printing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def chapter(text):
    show(f"\n{paint(text, 1)}")


def note(text):
    show(f"  {text}")


def until(condition, seconds, what):
    """Polls until `condition()` is true and returns its value. Raises Failed after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"{what}: did not happen within {seconds} seconds")
        time.sleep(0.02)


class Process:
    """A program and the lines of its output. With `shown`, the lines are printed too."""

    def __init__(self, name, argv, env, shown):
        self.name, self.lines, self._shown = name, [], shown
        self._popen = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, errors="replace",
                                       preexec_fn=die_with_the_demo)
        self.pid = self._popen.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._popen.stdout:
            line = line.rstrip("\n")
            self.lines.append(line)
            if self._shown:
                show(paint(f"  │ {line}", COLOURS.get(self.name, 0)))

    def says(self, text, seconds=10, after=0):
        """Waits for an output line that contains `text`, after the first `after` lines, and returns it."""
        def found():
            if self._popen.poll() is not None and not self._reader.is_alive():
                if not any(text in line for line in self.lines[after:]):
                    raise Failed(f"{self.name} ended with {self._popen.returncode}: " + "\n".join(self.lines[-5:]))
            return next((line for line in self.lines[after:] if text in line), None)
        return until(found, seconds, f"{self.name} says '{text}'")

    def kill(self):
        """Kills the process, as a crash would end it."""
        self._popen.kill()
        self._popen.wait()

    def stop(self, seconds=10):
        """Asks the process to end and waits. @return its exit code."""
        if self._popen.poll() is None:
            self._popen.terminate()
        return self.wait(seconds)

    def stop_cleanly(self):
        """As stop(). Raises Failed unless the exit code is 0."""
        if self.stop() != 0:
            raise Failed(f"{self.name} did not stop cleanly: {self.lines[-3:]}")

    def wait(self, seconds):
        """Waits until the process ends by itself. @return its exit code."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} did not end within {seconds} seconds") from None
        finally:
            self._reader.join(1)

    def running(self):
        return self._popen.poll() is None


class Stage:
    """A temporary directory, a private Redis in it, and every process of the demo. Use with `with`."""

    def __init__(self, build, **env):
        self.bin = os.path.join(os.path.abspath(build), "bin")
        self.directory = tempfile.mkdtemp(prefix="mas-demo-")
        self.socket = os.path.join(self.directory, "redis.sock")
        # The caller's environment must not lead the demo to another Redis.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAS_")}
        self.env = {**kept, "MAS_REDIS_URL": f"unix://{self.socket}", **env}
        self._processes = []
        self._daemons = []

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupted)
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            try:
                process.stop()
            except Failed as error:
                print(error, file=sys.stderr)
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def _interrupted(number, _frame):
        sys.exit(128 + number)

    def file(self, name):
        """The path of a file in the demo's directory."""
        return os.path.join(self.directory, name)

    def start(self, name, program, *arguments, shown=True, **env):
        """Starts a program of the build, or any other by its path, as `name`; `env` is added to its environment."""
        return self._run(name, os.path.join(self.bin, program), arguments, shown, env)

    def run(self, name, program, *arguments, seconds=20, **env):
        """As start(), and waits for the end. @return (exit code, the lines of its output)."""
        process = self.start(name, program, *arguments, **env)
        return process.wait(seconds), process.lines

    def _run(self, name, program, arguments, shown, env):
        process = Process(name, [program, *arguments], {**self.env, **env}, shown)
        self._processes.append(process)
        return process

    # ---- Redis and the daemons

    def start_redis(self, *options):
        program = shutil.which("redis-server") or "/usr/bin/redis-server"
        arguments = ["--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self.directory, *options]
        self._run("redis", program, arguments, False, {})
        until(lambda: self.redis("PING").startswith(b"+PONG"), 10, "redis-server answers")

    def redis(self, command):
        """The bytes that Redis answers to an inline command; empty when it does not answer."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(self.socket)
                client.sendall(command.encode() + b"\r\n")
                return client.recv(4096)
        except OSError:
            return b""

    def listeners(self, channel):
        """The number of connections that are subscribed to a channel."""
        return int(self.redis(f"PUBSUB NUMSUB {channel}").rsplit(b":", 1)[1])

    def start_daemon(self, program, *arguments):
        """Starts a daemon. The kernel chooses its HTTP port; `url` of the result is the address."""
        head = program.upper().replace("-", "_")
        daemon = self.start(program, program, *arguments, shown=False,
                            **{f"{head}_HTTP_LISTEN": "127.0.0.1:0", f"{head}_LOG_FORMAT": "json"})
        daemon.url = "http://" + json.loads(daemon.says('"http_listening"'))["address"]
        self._daemons.append(daemon)
        return daemon

    def stop_daemons(self):
        for daemon in self._daemons:
            daemon.stop_cleanly()

    def use_gateway_keys(self):
        """Tells gateways where their keys are: master.key and audit.pem in the demo's directory."""
        self.env["MAS_GATEWAYD_GATEWAY_MASTER_KEY_FILE"] = self.file("master.key")
        self.env["MAS_GATEWAYD_AUDIT_SIGNING_KEY"] = self.file("audit.pem")
        self.env["MAS_GATEWAYD_AUDIT_HEAD_INTERVAL"] = "1s"

    def await_signed_head(self, key):
        """Waits until the audit has a head signed with the private half of `key`."""
        def is_signed():
            return json.loads(self.masctl("--json", "audit", "verify", "--key", key))["heads"]["trusted"]
        until(is_signed, 20, "the audit has a signed head")

    # ---- masctl

    def masctl(self, *arguments):
        """The output of a masctl command, without the last line feed."""
        done = subprocess.run([os.path.join(self.bin, "masctl"), *arguments], env=self.env, text=True, timeout=20,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              preexec_fn=die_with_the_demo)
        if done.returncode:
            raise Failed(f"masctl {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout.rstrip("\n")

    def show(self, *arguments):
        """Runs masctl before the viewer's eyes; returns what it printed."""
        said = self.masctl(*arguments)
        note(paint(f"$ masctl {' '.join(shlex.quote(argument) for argument in arguments)}", 1))
        for line in said.splitlines():
            note("  " + line.expandtabs(12))
        return said

    def ids(self, *arguments):
        """The ids that `masctl agents …` lists."""
        return [agent["id"] for agent in json.loads(self.masctl("--json", "agents", *arguments))["agents"]]


def perform(usage, play, **env):
    """A demo's main(): runs `play(stage)` on a stage with the build that the command line names.

    @param usage printed where it names none. @param env more of the stage's environment. @return the exit code.
    """
    if len(sys.argv) != 2:
        sys.exit(usage)
    began = time.monotonic()
    try:
        with Stage(sys.argv[1], **env) as stage:
            play(stage)
    except Failed as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    print(f"\nAll steps succeeded, in {time.monotonic() - began:.0f} seconds.")
    return 0


def get(url):
    """(status, body as an object) of a GET."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)
