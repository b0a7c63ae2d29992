"""Every request ends exactly once, with its answer, its error reply or its time-out, in both modes: while Redis,
gateways and the agents that answer are killed."""

import collections
import os
import random
import time

from harness import MasTestCase, main, poll_until

OK, TIMEOUT, LOST, NO_RECEIVER, UNAVAILABLE, HANDLER_FAILED, NO_HANDLER, INVALID_PAYLOAD = (
    0, 6, 10, 12, 15, 18, 32, 33)  # mas_status
# What each type of request ends with where nothing is killed; see programs/asking_agent.c.
ENDS = {"answers": OK, "fails": HANDLER_FAILED, "misfits": INVALID_PAYLOAD, "silent": TIMEOUT, "both": OK,
        "releases": HANDLER_FAILED, "unknown": NO_HANDLER}
# What it may end with where something is killed: nothing came in time, or it was not sent or not delivered.
UNHEARD = frozenset({TIMEOUT, LOST, NO_RECEIVER, UNAVAILABLE})
RATE = 200
SECONDS = float(os.environ.get("MAS_LEDGER_SECONDS", "2"))


class RequestEndsCase(MasTestCase):
    mode = "p2p"

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("MAS_LEDGER_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"{self.id()}: MAS_LEDGER_SEED={seed}")
        self.random = random.Random(seed)
        self.redis = self.start_redis(appendonly="yes", appendfsync="always")

    def launch(self, *args):
        process = self.process("mas-asking-agent", *args, name=f"{args[1]}-{time.monotonic_ns()}",
                               env={"MAS_REDIS_URL": self.redis.url(), "MAS_MODE": self.mode}).start()
        process.wait_for_output("ready", 30)
        return process

    def start_load(self):
        self.answering = [self.launch("answer", f"bob-{i}") for i in range(2)]
        self.asking = self.launch("ask", "alice", RATE, "bob-0", "bob-1")

    def keep_up(self, seconds=SECONDS):
        end = time.monotonic() + seconds
        poll_until(lambda: time.monotonic() > end, seconds + 5, "time passes", 0.05)

    def wait_progress(self, what):
        """Requests end with their answers again."""
        before = self.asking.out().count(" 0 ")
        poll_until(lambda: self.asking.out().count(" 0 ") > before + 5, 30, f"requests are answered {what}", 0.05)

    def check(self, also=UNHEARD):
        """@param also what requests of each type may end with beside their usual end."""
        self.asking.send(15)
        self.assertEqual(self.asking.wait(60), 0)
        asked, ends = {}, collections.defaultdict(list)
        for line in self.asking.out().splitlines():
            match line.split():
                case ["asked", number, kind]:
                    asked[int(number)] = kind
                case ["heard", number, status, value]:
                    ends[int(number)].append((int(status), int(value)))
        print(f"{self.id()}: {collections.Counter((asked[n], status) for n in ends for status, _ in ends[n])}")
        self.assertEqual(self.asking.out().splitlines()[-1], "end")
        self.assertEqual(set(ends), set(asked), "each request has an end")
        self.assertEqual([n for n, all_of_it in ends.items() if len(all_of_it) != 1], [], "and no second one")
        for number, ((status, value),) in ends.items():
            kind = asked[number]
            self.assertIn(status, {ENDS[kind], *also}, (number, kind))
            self.assertEqual(value, number if status == OK else -1, (number, kind))
        as_usual = collections.Counter(asked[n] for n, ((status, _),) in ends.items() if status == ENDS[asked[n]])
        self.assertEqual({kind for kind in ENDS if as_usual[kind] < 10}, set(), as_usual)


class EndsCases:
    def test_a_quiet_run(self):
        self.start_load()
        self.keep_up()
        self.check(also=())

    def test_redis_is_killed(self):
        self.start_load()
        for _ in range(2):
            self.keep_up(self.random.uniform(0.2, SECONDS / 2))
            self.redis.kill()
            self.redis.restart(keep_data=False)  # what its append-only file has is there
            self.wait_progress("after Redis was killed")
        self.check()

    def test_an_agent_that_answers_is_killed(self):
        self.start_load()
        for i in range(2):
            self.keep_up(self.random.uniform(0.2, SECONDS / 2))
            self.answering[i].kill()
            self.keep_up(self.random.uniform(0.1, 0.5))
            self.answering[i] = self.launch("answer", f"bob-{i}")
        self.wait_progress("by the new ones")
        self.check()


class PeerToPeerTest(EndsCases, RequestEndsCase):
    pass


class GatewayTest(EndsCases, RequestEndsCase):
    mode = "gateway"

    def setUp(self):
        super().setUp()
        self.gateways = [self.gatewayd()]

    def gatewayd(self):
        return self.start_daemon("mas-gatewayd", self.redis, {
            "lease": {"ttl": "1s"}, "breaker": {"mode": "off"},
            "retry": {"attempts": 2, "base": "20ms", "cap": "50ms"}})

    def test_gateways_are_killed(self):
        self.gateways.append(self.gatewayd())
        self.start_load()
        for _ in range(2):
            self.keep_up(self.random.uniform(0.2, SECONDS / 2))
            self.gateways.pop(0).kill()
            self.keep_up(self.random.uniform(0.1, 0.5))
            self.gateways.append(self.gatewayd())
            self.wait_progress("by the other gateway")
        self.check()


if __name__ == "__main__":
    main()
