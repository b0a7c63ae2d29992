"""What the tests of fail-overs share: the whole set of programs under load, and the checks that it follows the primary.

Two of each daemon run, agents in both modes, senders. The time without service beyond Redis's own is printed.

    MAS_SENTINEL_ROUNDS   how often each case is run (default 1)
"""

import os
import statistics
import threading
import time

from harness import Resp, poll_until
from harness.gateway_peer import GatewayPeer
from sentinel_case import SentinelCase

SOON = 5  # seconds after the new primary serves, in which nobody is deaf any more
ROUNDS = int(os.environ.get("MAS_SENTINEL_ROUNDS", "1"))
FAST = {"lease": {"ttl": "2s"}}
RATE = 50  # messages a second of each sender


class FollowCase(SentinelCase):
    pauses = []  # seconds without service beyond Redis's own, of each sender in each case

    @classmethod
    def tearDownClass(cls):
        if cls.pauses:
            print(f"seconds without service after the new primary served: p50 {statistics.median(cls.pauses):.3f}, "
                  f"maximum {max(cls.pauses):.3f}, of {len(cls.pauses)} senders", flush=True)

    def start_all(self, **options):
        stage = self.start_stage(**options)
        self.url = stage.url()
        self.daemons = [self.daemon(f"mas-{name}", self.url, FAST).start()
                        for name in ("registryd", "healthd", "gatewayd") for _ in range(2)]
        for daemon in self.daemons:
            daemon.wait_ready(20)
        self.echo = self.start_listener(stage.primary, "echo", "--echo", url=self.url)
        self.worker = self.start_listener(stage.primary, "worker", "--echo", url=self.url, env={"MAS_MODE": "gateway"})
        self.events = self.process("masctl", "events", "--redis", self.url, "--json").start()
        self.receiver = self.ledger_agent("receive", "receiver")
        self.senders = [self.ledger_agent("send", f"sender-{i}", RATE, 0, "receiver") for i in range(2)]
        for sender in self.senders:
            poll_until(lambda: self.receipts(sender), 20, lambda: f"{sender.name} has receipts; {sender.written()}")
        return stage

    def ledger_agent(self, role, agent_id, *args):
        agent = self.process("mas-ledger-agent", role, agent_id, *args, name=agent_id, env={"MAS_REDIS_URL": self.url})
        agent.start().wait_for_output("ready", 20)
        return agent

    # ---- what is seen

    def receipts(self, sender):
        """Moments of its accepted receipts."""
        return [float(line.split()[2]) for line in sender.out().split("\n")[:-1]
                if line.startswith("receipt ") and line.split()[3] == "ok"]

    def links_left(self):
        """Programs of ours that are connected to a node other than the primary, but for registryd's links by which users
        are written everywhere."""
        left = []
        for node in self.stage.replicas():
            try:
                clients = node.cmd("CLIENT", "LIST").splitlines()
            except OSError:
                continue
            names = [dict(part.split("=", 1) for part in line.split() if "=" in part)["name"] for line in clients]
            left += [name for name in names if name.startswith(("mas-", "libmas")) and not name.endswith(":users")]
        return left

    def ask(self, target, **env):
        done = self.masctl("request", "--as", "ops", target, "ping", '{"n":1}', "--timeout", "2", redis=self.url,
                           env=env)
        return done.returncode == 0 and done.stdout == '{"n":1}\n'

    def check_follows(self, serves):
        """All of it within SOON of the moment when the new primary serves. Checks run side by side: a program takes a
        while to start on a busy machine."""
        probe = f"probe-{len(self.pauses)}"
        checks = {
            "senders have receipts": lambda: all(self.resumed(s, serves) for s in self.senders),
            "the receiver hears": lambda: self.handled_since(serves),
            "peer to peer is heard": lambda: self.ask("echo"),
            "the gateway decides requests and replies": lambda: self.ask("worker", MAS_MODE="gateway"),
            "events are heard": lambda: self.event_is_heard(probe),
            "nobody is left behind": lambda: not self.links_left(),
        }
        late, threads = {}, []
        for what, check in checks.items():
            threads.append(threading.Thread(target=self._check, args=(what, check, serves, late)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        self.assertEqual({what: after for what, after in late.items() if after is None or after > SOON}, {}, late)
        self.pauses += [self.resumed(sender, serves) - serves for sender in self.senders]
        for daemon in self.daemons:
            daemon.wait_ready(10)
        self.check_functions()
        self.check_rules()

    def _check(self, what, check, serves, late):
        end = serves + SOON + 5
        late[what] = None
        while late[what] is None and time.monotonic() < end:
            asked = time.monotonic()
            if check():
                late[what] = max(0.0, asked - serves)
            else:
                time.sleep(0.05)

    def resumed(self, sender, since):
        """When it had its first receipt after that moment."""
        return next((at for at in self.receipts(sender) if at > since), None)

    def handled_since(self, since):
        return any(line.startswith("got ") and float(line.split()[4]) > since
                   for line in self.receiver.out().split("\n")[:-1])

    def event_is_heard(self, probe):
        with Resp(self.stage.primary.tcp_url(), 2) as client:
            client.cmd("PUBLISH", "mas.system", f'{{"type":"REGISTER","agent_id":"{probe}","capabilities":[]}}')
        return probe in self.events.out()

    def check_functions(self):
        poll_until(lambda: self.stage.primary.cmd("FUNCTION", "LIST"), 10, "the functions of agents are loaded")

    def check_rules(self):
        """A rule that is changed on the new primary is acted on within two seconds."""
        alice = GatewayPeer(self.stage.primary, "alice")
        self.addCleanup(alice.close)
        blocked = "agent:alice:blocked_targets"
        for command, decision in (("SADD", "AUTHZ_DENIED"), ("SREM", "ALLOWED")) * 2:
            self.stage.primary.cmd(command, blocked, "worker")
            poll_until(lambda: alice.send(alice.envelope("worker")).decisions() == [decision], 2, f"it is {decision}")

    def check_came_back(self, former):
        """The former primary replicates the new one; everything goes on."""
        poll_until(lambda: former.info("replication")["role"] == "slave", 30, "the former primary is a replica")
        poll_until(lambda: not self.links_left(), SOON, "nobody went back to it")
        moment = time.monotonic()
        poll_until(lambda: all(self.resumed(sender, moment) for sender in self.senders), SOON, "senders go on")

    def rounds(self, case):
        for i in range(ROUNDS):
            if i:
                self.doCleanups()
                self.tearDown()
                self.setUp()
            case()
