"""One key that a gateway cannot work with puts its partition to rest, until it is repaired; all others go on."""

import time

from harness import main, poll_until
from harness.gateway_peer import fnv1a64, record
from harness.poll import holds_for
from test_gateway import GatewayCase

LAST_ID = "18446744073709551615-18446744073709551615"


def wrong_type(name, expected):
    """A key becomes a string, whatever it was; what it held comes back at the repair."""
    def break_it(redis, key):
        if redis.cmd("EXISTS", key):
            redis.cmd("RENAME", key, "kept")
        redis.cmd("SET", key, "another type")

    def repair(redis, key):
        redis.cmd("DEL", key)
        if redis.cmd("EXISTS", "kept"):
            redis.cmd("RENAME", "kept", key)

    return name, break_it, repair, expected


def change(name, *broken, repair, expected):
    """One command breaks the key, another repairs it; None stands for the key."""
    def run(words):
        return lambda redis, key: redis.cmd(*[key if word is None else word for word in words])
    return name, run(broken), run(repair), expected


class RestingCase(GatewayCase):
    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.peer("alice"), self.peer("bob")
        self.other = self.peer(next(f"other{i}" for i in range(99) if fnv1a64(f"other{i}") % 16 != self.alice.partition))
        for peer in (self.alice, self.other):
            self.assertEqual(peer.send(peer.envelope("bob")).decisions(), ["ALLOWED"])
        self.sent = 2

    def resting(self, gateway=None):
        return (gateway or self.gateway).ready()[1].get("resting", {})

    def key(self, name):
        return f"mas.{name}:{{{self.alice.partition}}}"

    def push(self):
        """A frame of alice's, without waiting for its receipt."""
        self.alice.push(self.alice.frame([record(self.alice.envelope("bob"))], self.alice.next))
        self.alice.next += 1
        self.sent += 1

    def others_go_on(self, count=5):
        for _ in range(count):
            start = time.monotonic()
            self.assertEqual(self.other.send(self.other.envelope("bob")).decisions(), ["ALLOWED"])
            self.assertLess(time.monotonic() - start, 0.9, "nobody waits for the partition that rests")
            self.sent += 1

    def wait_resting(self, key, expected):
        poll_until(lambda: self.resting(), 10, f"the partition of {key} rests")
        why = self.resting()[str(self.alice.partition)]
        self.assertEqual(list(self.resting()), [str(self.alice.partition)])
        self.assertIn(key, why)
        self.assertIn(expected, why)
        ready, says = self.gateway.ready()
        self.assertTrue(ready, says)
        self.assertEqual(len(says["owned"]), 16)
        self.assertEqual(sorted(says["deciding"] + [self.alice.partition]), list(range(16)))
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_partitions_resting"], 1)

    def check_all_arrived(self):
        """Every message once, with one record each in unbroken chains."""
        messages = [message["message_id"] for message in self.bob.wait_messages(self.sent)]
        self.assertEqual(len(messages), self.sent)
        self.assertEqual(len(set(messages)), self.sent)
        verify = self.masctl("--json", "audit", "verify", redis=self.redis)
        self.assertEqual(verify.returncode, 0, verify.stdout + verify.stderr)


class WhileItRunsTest(RestingCase):
    """The key is broken under an owner that decides."""

    def check(self, name, break_it, repair, expected, rests_at="turn"):
        key = self.key(name)
        break_it(self.redis, key)
        if name != "ingress":
            self.push()
        self.others_go_on()
        self.wait_resting(key, expected)
        dropped = self.gateway.metrics()["mas_gatewayd_dropped_turns_total"]
        self.others_go_on(20)
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_dropped_turns_total"], dropped)
        self.assertEqual(len(self.gateway.logged("partition_rests")), 1)
        repair(self.redis, key)
        if name == "ingress":
            self.push()
        receipt = self.alice.receipt()
        self.assertIsNotNone(receipt, "it comes back by itself")
        self.assertEqual(receipt.decisions(), ["ALLOWED"])
        self.assertEqual(self.resting(), {})
        self.others_go_on(1)
        self.check_all_arrived()

    def test_ingress(self):
        self.check(*wrong_type("ingress", "a list of frames"))

    def test_senders(self):
        self.check(*wrong_type("sender", "a hash of senders' states"))

    def test_audit(self):
        self.check(*wrong_type("audit", "a stream of audit blocks"))

    def test_epoch_of_another_type(self):
        def break_it(redis, key):
            redis.cmd("RENAME", key, "kept")
            redis.cmd("SADD", key, "another type")
        name, _, repair, expected = wrong_type("epoch", "a whole number")
        self.check(name, break_it, repair, expected)

    def test_epoch_that_is_no_number(self):
        self.check(*wrong_type("epoch", "a whole number"))


class AtTheFenceTest(RestingCase):
    """The key is broken while no gateway runs: the next one finds it when it fences the partition."""

    def check(self, name, break_it, repair, expected):
        key = self.key(name)
        self.gateway.stop()
        break_it(self.redis, key)
        if name != "ingress":
            self.push()
        self.gateway = self.start_gateway()
        self.wait_resting(key, expected)
        self.others_go_on()
        repair(self.redis, key)
        if name == "ingress":
            self.push()
        receipt = self.alice.receipt()
        self.assertIsNotNone(receipt, "it comes back by itself")
        self.assertEqual(receipt.decisions(), ["ALLOWED"])
        self.check_all_arrived()

    def test_ingress(self):
        self.check(*wrong_type("ingress", "a list of frames"))

    def test_senders(self):
        self.check(*wrong_type("sender", "a hash of senders' states"))

    def test_a_sender_that_cannot_be_read(self):
        field = f"somebody/{'0' * 32}"
        self.check(*change("sender", "HSET", None, field, "\x07 what is this", repair=("HDEL", None, field), expected=field))

    def test_a_field_that_is_no_sender(self):
        self.check(*change("sender", "HSET", None, "somebody/x", "y", repair=("HDEL", None, "somebody/x"),
                           expected="expected sender/instance"))

    def test_audit(self):
        self.check(*wrong_type("audit", "a stream of audit blocks"))

    def test_an_audit_entry_that_is_no_block(self):
        newest = f"{int(time.time() * 1000) + 3_600_000}-0"
        self.check(*change("audit", "XADD", None, newest, "b", "no block", repair=("XDEL", None, newest), expected="audit"))

    def test_epoch(self):
        self.check(*wrong_type("epoch", "a whole number"))


class AloneAndTogetherTest(RestingCase):
    def test_what_shows_at_the_commit_only_is_tried_ever_more_rarely(self):
        """The last id there is: everything can be read, and nothing added."""
        block = self.redis.cmd("XREVRANGE", self.key("audit"), "+", "-", "COUNT", 1)[0][1][1]
        raw = block.encode("utf-8", "surrogateescape")
        self.redis.cmd("XADD", self.key("audit"), LAST_ID, "b", raw)
        self.push()
        self.others_go_on()
        self.wait_resting(self.key("audit"), "a stream of audit blocks")
        before = self.gateway.metrics()["mas_gatewayd_dropped_turns_total"]
        until = time.monotonic() + 7
        while time.monotonic() < until:
            self.others_go_on(1)
        self.assertLessEqual(self.gateway.metrics()["mas_gatewayd_dropped_turns_total"] - before, 2)

    def test_every_key_is_looked_at_while_it_rests(self):
        """It is not taken for repaired by the keys that were never broken, and comes back within seconds."""
        for name in ("ingress", "sender", "audit"):
            _, break_it, repair, expected = wrong_type(name, "expected")
            break_it(self.redis, self.key(name))
            if name != "ingress":
                self.push()
            self.others_go_on(1)
            self.wait_resting(self.key(name), expected)
            again = len(self.gateway.logged("partition_works_again"))
            for _ in range(8):  # past several looks
                holds_for(lambda: self.resting(), 0.6, "it rests")
                self.others_go_on(1)
            self.assertEqual(len(self.gateway.logged("partition_works_again")), again)
            repair(self.redis, self.key(name))
            if name == "ingress":
                self.push()
            self.assertIsNotNone(self.alice.receipt(4), "it is looked at every two seconds")
            again += 1
            poll_until(lambda: len(self.gateway.logged("partition_works_again")) == again, 5, "it says so, a moment later")
        self.check_all_arrived()

    def test_all_that_is_owned_rests(self):
        for p in range(16):
            self.redis.cmd("DEL", f"mas.sender:{{{p}}}")
            self.redis.cmd("SET", f"mas.sender:{{{p}}}", "another type")
        self.push()
        self.other.push(self.other.frame([record(self.other.envelope("bob"))], self.other.next))
        self.gateway.stop()
        gateway = self.gateway = self.daemon("mas-gatewayd", self.redis, {"lease": {"ttl": "1s"}}).start()
        poll_until(lambda: len(self.resting(gateway)) == 16, 10, "all rest")
        ready, says = gateway.ready()
        self.assertFalse(ready)
        self.assertIn("need repair", says["reason"])
        self.assertIn("mas.sender:{0}", says["reason"])
        for p in range(16):
            self.redis.cmd("DEL", f"mas.sender:{{{p}}}")
        gateway.wait_ready()
        self.assertEqual(self.alice.receipt().kind, 2, "what was remembered of it is gone: it is to begin anew")

    def test_gateways_do_not_pass_it_round(self):
        self.redis.cmd("RENAME", self.key("audit"), "kept")
        self.redis.cmd("SET", self.key("audit"), "another type")
        self.push()
        poll_until(lambda: self.resting(), 10, "it rests")
        second = self.start_gateway()
        poll_until(lambda: len(second.ready()[1]["owned"]) == 8, 20, "they share")
        poll_until(lambda: {**self.resting(), **self.resting(second)}, 10, "whoever has it lets it rest")
        lease, owner = self.key("lease"), self.redis.cmd("GET", self.key("lease"))
        holds_for(lambda: self.redis.cmd("GET", lease) == owner, 4, "the lease stays where it is")
        self.others_go_on()
        told = self.masctl("partitions", "show", redis=self.redis).stdout
        self.assertIn(f"{self.key('audit')}: WRONGTYPE", told)
        self.redis.cmd("DEL", self.key("audit"))
        self.redis.cmd("RENAME", "kept", self.key("audit"))
        self.assertEqual(self.alice.receipt().decisions(), ["ALLOWED"])
        self.check_all_arrived()


if __name__ == "__main__":
    main()
