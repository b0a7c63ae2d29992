"""Tests of masctl's commands: a Redis of their own, and how a command ends."""

import json

from . import MasTestCase, poll_until

OK, FAILED, USAGE, UNREACHABLE, TIMED_OUT, WARNINGS, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


class CommandTest(MasTestCase):
    """A test of commands, against its own Redis."""

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def ctl(self, *args, **options):
        return self.masctl(*args, redis=self.redis, **options)

    def json(self, *args, code=OK):
        """Runs a command with --json; returns its document."""
        done = self.ctl(*args, "--json")
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def fails(self, code, *args, **options):
        """Runs a command that must end with `code` and say why; returns what it said."""
        done = self.ctl(*args, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn("masctl: ", done.stderr)
        return done.stderr

    def stream(self, *args, channel_ready="mas.system"):
        """A command that runs until it is stopped; waits until it hears."""
        process = self.process("masctl", *args, "--redis", self.redis.url()).start()
        poll_until(lambda: self.redis.cmd("PUBSUB", "NUMSUB", channel_ready)[1] > 0, what=f"{args} hears")
        return process
