"""The process of a redis-server, whether it serves data or is a sentinel: its life, and its log."""

import os
import pathlib
import signal
import subprocess

from .process import die_with_parent


class RedisProcess:
    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        self.log_path = self.directory / "redis.log"
        self._process = None

    def launch(self, arguments, env=None):
        """Starts it without waiting."""
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                ["redis-server", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
                env={**os.environ, **(env or {})}, preexec_fn=die_with_parent)

    def check_lives(self):
        if self._process.poll() is not None:
            raise AssertionError(f"{self.directory.name} ended: {self.log()}")

    def stop(self):
        """An orderly stop. Safe to repeat."""
        self._end(signal.SIGTERM)

    def kill(self):
        """Like a crash."""
        self._end(signal.SIGKILL)

    def pause(self):
        """Stops answering without closing anything."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def _end(self, how):
        if self._process is None:
            return
        self.resume()
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
