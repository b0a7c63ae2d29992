"""A message that stops its gateway by content: what takes long is no lost link, and what ends turns is set aside."""

from harness import main, poll_until
from harness.gateway_case import GatewayCase
from harness.gateway_peer import record
from harness.poll import holds_for


class ContentCase(GatewayCase):
    content = ""

    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.peer("alice"), self.peer("bob")

    def start_gateway(self, ready=True):
        gateway = self.daemon("mas-gatewayd", self.redis, self.config, env={"MAS_TEST_CONTENT": self.content}).start()
        return gateway.wait_ready() if ready else gateway

    def push(self, *datas):
        for data in datas:
            self.alice.push(self.alice.frame([record(self.alice.envelope("bob", data=data))], self.alice.next))
            self.alice.next += 1

    def letters(self):
        found = self.redis.cmd("XRANGE", "dlq:unproven", "-", "+")
        return [dict(zip(fields[::2], fields[1::2])) for _, fields in found]

    def check_set_aside(self):
        letter, = self.letters()
        self.assertIn("deciding it repeatedly ended a gateway or took too long", letter["reason"])
        self.assertIn("deadly", letter["payload"])
        self.assertEqual(self.redis.cmd("KEYS", "mas.trial:*"), [], "the commit has removed the count")
        verify = self.masctl("audit", "verify", redis=self.redis)
        self.assertEqual(verify.returncode, 0, verify.stdout + verify.stderr)


class SlowTest(ContentCase):
    content = "slow-one:3300"
    config = {"lease": {"ttl": "20s"}, "redis": {"command_timeout": "1s"}}

    def test_what_takes_long_is_no_lost_link(self):
        self.push({"n": 1}, {"slow-one": 1}, {"n": 2})
        self.assertEqual([self.alice.receipt(20).decisions() for _ in range(3)], [["ALLOWED"]] * 3)
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_dropped_turns_total"], 0, self.gateway.events())
        self.assertEqual(len(self.bob.wait_messages(3)), 3)


class SlowerThanTheLeaseTest(ContentCase):
    content = "deadly:4000"
    config = {"lease": {"ttl": "1s"}}

    def test_what_no_owner_gets_done_is_set_aside(self):
        second = self.start_gateway()
        with self.redis.client() as events:
            events.subscribe("mas.system")
            self.push({"n": 1}, {"deadly": 1}, {"n": 2})
            poll_until(self.letters, 60, "it is set aside")
            poll_until(lambda: "ALERT" in (events.message(5) or ("", ""))[1], 10, "operators are told")
        self.check_set_aside()
        poll_until(lambda: self.redis.cmd("LLEN", f"mas.ingress:{{{self.alice.partition}}}") == 0, 20, "the list goes on")
        self.assertEqual([message["data"] for message in self.bob.messages()][:1], [{"n": 1}])
        self.assertTrue(second.running() and self.gateway.running())


class DeadlyTest(ContentCase):
    content = "deadly:crash"
    config = {"lease": {"ttl": "1s"}}

    def test_what_kills_every_gateway_is_set_aside(self):
        other = self.peer("carol")
        self.push({"n": 1}, {"deadly": 1})
        gateway, starts = self.gateway, 1
        while not self.letters():
            poll_until(lambda: self.letters() or not gateway.running(), 20, "it ends, or is done with it")
            if not gateway.running():
                starts += 1
                self.assertLessEqual(starts, 8, "the list goes on")
                gateway = self.start_gateway(ready=False)
        self.check_set_aside()
        self.assertEqual(other.send(other.envelope("bob")).decisions(), ["ALLOWED"])
        holds_for(gateway.running, 1, "nothing ends it any more")
        print(f"{starts} starts")

    def test_restarts_alone_set_nothing_aside(self):
        for n in range(6):
            self.gateway.stop()
            self.push({"n": n})
            self.gateway = self.start_gateway()
            self.gateway.kill()
            self.gateway = self.start_gateway()
        self.assertEqual([message["data"]["n"] for message in self.bob.wait_messages(6)], list(range(6)))
        self.assertEqual(self.letters(), [])


if __name__ == "__main__":
    main()
