"""Tests with enrolled users: a Redis, a master key, agents that have one file each."""

import pathlib
import time
import tomllib

from .masctl_case import OK, CommandTest
from .poll import poll_until
from .resp import Resp, RespError


class EnrollCase(CommandTest):
    def setUp(self):
        super().setUp()
        self.master = str(self.dir / "master.key")
        self.ok("key", "generate", self.master)

    def ok(self, *args, **options):
        done = self.ctl(*args, **options)
        self.assertEqual(done.returncode, OK, done.stdout + done.stderr)
        return done.stdout

    def file_of(self, agent):
        return self.dir / f"{agent}.toml"

    def enroll(self, agent, *flags):
        """Enrolls it. @return the file of its credentials."""
        out = self.file_of(agent)
        self.ok("enroll", agent, "--master-key", self.master, "--out", out, *flags)
        return out

    def user(self, name):
        """What Redis says of a user. The order of subcommands in it may change from one answer to the next."""
        def sorted_words(value):
            return sorted(value.split()) if isinstance(value, str) else [*map(sorted_words, value)]
        return sorted_words(self.redis.cmd("ACL", "GETUSER", name))

    def credentials(self, agent):
        return tomllib.loads(self.file_of(agent).read_text())

    def log_in(self, user, password, redis=None):
        """A connection as that user; RespError where Redis does not let it in."""
        client = Resp((redis or self.redis).url())
        try:
            client.cmd("AUTH", user, password)
        except RespError:
            client.close()
            raise
        self.addCleanup(client.close)
        return client

    def as_agent(self, agent, redis=None):
        credentials = self.credentials(agent)
        return self.log_in(credentials["redis_user"], credentials["redis_password"], redis)

    def may_log_in(self, agent, redis=None):
        try:
            self.as_agent(agent, redis).close()
        except RespError:
            return False
        return True

    def asking(self, what, agent, *more, mode="p2p"):
        """mas-asking-agent with its file and nothing else."""
        env = {"MAS_CREDENTIALS": str(self.file_of(agent)), "MAS_MODE": mode}
        return self.process("mas-asking-agent", what, agent, *more, env=env, name=f"{what}-{agent}-{time.monotonic_ns()}").start()

    def refusals(self, redis=None):
        """What Redis refused to users of agents, as (user, context, object)."""
        log = [dict(zip(entry[::2], entry[1::2])) for entry in (redis or self.redis).cmd("ACL", "LOG", 1000)]
        # Whoever is first writes the default settings; an agent that may not goes by what is there.
        return [(e["username"], e["reason"], e["object"]) for e in log
                if e["reason"] != "auth" and e["object"] != "mas.config"]

    def wait_asked(self, asker, count=5):
        """Waits until that many requests were answered."""
        poll_until(lambda: sum(line.split()[2:3] == ["0"] for line in asker.out().splitlines() if line.startswith("heard"))
                   >= count, 20, lambda: f"requests are answered; {asker.out()[-2000:]}{asker.err()}")

    def write_private(self, name, text, mode=0o600):
        path = pathlib.Path(self.dir / name)
        path.touch(mode=mode)
        path.chmod(mode)
        path.write_text(text)
        return path


def closed_within(client, seconds):
    """How long it took until the server closed the connection; None: it did not."""
    began = time.monotonic()
    client._sock.settimeout(seconds)
    try:
        ended = client._sock.recv(1) == b""
    except TimeoutError:
        return None
    except OSError:
        ended = True
    return time.monotonic() - began if ended else None
