"""The stage of the tests of faults: all parts on one Redis, behind a proxy that can misbehave.

After each fault all parts must work again: the daemons are ready, registryd indexes a new agent, healthd notices a dead
one, gatewayd owns every partition, an agent of the library answers a request.
"""

import itertools
import threading
import time

from harness import MasTestCase, PythonAgent, Resp, poll_until

PARTITIONS = 16
_names = itertools.count(1)


class Load:
    """A thread that publishes to an agent through every fault, some thousand messages a second: not more than an agent
    under a sanitizer prints, so that a request does not wait behind them."""

    def __init__(self, url, target):
        self._url, self._target = url, target
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.published = 0

    def __enter__(self):
        self._thread.start()
        poll_until(lambda: self.published > 100, what="the load runs")
        return self

    def __exit__(self, *exc):
        self._stopping.set()
        self._thread.join()

    def _run(self):
        envelope = f'{{"sender_id":"load","target_id":"{self._target}","message_type":"load","data":{{"n":1}}}}'
        while not self._stopping.is_set():
            try:
                with Resp(self._url, 1) as client:
                    while not self._stopping.is_set():
                        client.pipeline([("PUBLISH", f"agent.{self._target}", envelope)] * 10, raise_errors=False)
                        self.published += 10
                        self._stopping.wait(0.005)
            except OSError:
                self._stopping.wait(0.05)


class FaultTestCase(MasTestCase):
    """All parts on one Redis, behind a proxy that can misbehave."""

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.proxy = self.start_proxy(self.redis)
        url = self.proxy.url()
        fast = {"redis": {"connect_timeout": "1s", "command_timeout": "1s"}, "lease": {"ttl": "2s"}}
        self.registryd = self.start_daemon("mas-registryd", url, fast)
        self.healthd = self.start_daemon("mas-healthd", url, fast)
        self.gatewayd = self.start_daemon("mas-gatewayd", url, fast)
        self.daemons = (self.registryd, self.healthd, self.gatewayd)
        self.listener = self.start_listener(self.redis, "echo", "--echo", url=url)
        self.ask_echo()  # it has not only registered but heard so, too

    def check_recovered(self):
        for daemon in self.daemons:
            daemon.wait_ready(20)
        self.listener.wait_registered(self.redis, 20)
        self.ask_echo()
        self.check_registry()
        self.check_partitions()

    def ask_echo(self):
        done = self.masctl("request", "--as", "ops", "echo", "ping", '{"n":1}', redis=self.redis)
        self.assertEqual((done.returncode, done.stdout), (0, '{"n":1}\n'), done.stderr)

    def check_registry(self):
        """registryd sees an agent come; healthd sees it die."""
        name = f"probe-{next(_names)}"
        agent = PythonAgent(self.redis.url(), name, ["probe"], heartbeat_interval=0.2, heartbeat_ttl=1).start()
        poll_until(lambda: name in self.redis.cmd("SMEMBERS", "mas.capability:probe"), 15, f"{name} is indexed")
        seen = time.monotonic() + 1  # of an agent whose heartbeat it never saw healthd expects one for a minute
        poll_until(lambda: time.monotonic() > seen, 5, f"{name} has beaten for a while")
        agent.vanish()
        poll_until(lambda: self.redis.cmd("HGET", f"agent:{name}", "status") == "INACTIVE", 15, f"{name} is INACTIVE")
        self.redis.cmd("DEL", f"agent:{name}")

    def check_partitions(self):
        keys = [f"mas.lease:{{{p}}}" for p in range(PARTITIONS)]
        poll_until(lambda: all(self.redis.cmd("MGET", *keys)), 20, "every partition has an owner")

    def check_said(self, *words):
        """Every daemon said one of the words, in its log or in /readyz."""
        for daemon in self.daemons:
            poll_until(lambda: any(word in daemon.written() + daemon.get("/readyz")[1] for word in words), 10,
                       f"{daemon.name} says one of {words}; it wrote: {daemon.written()}")
