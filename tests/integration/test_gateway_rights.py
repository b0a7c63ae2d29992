"""An agent whose Redis user can do its own part and nothing else: it registers, sends, receives, and its failures are
retried and end as dead letters, though it can write no stream, no set of retries and no dead-letter queue."""

from harness import RespError, main, poll_until
from harness.gateway_case import GatewayCase

OWN = ("hset hsetnx hget hgetall hmget hstrlen hkeys hdel del exists set get pexpire pttl type eval xreadgroup xack xdel xgroup|create "
       "xgroup|createconsumer xgroup|delconsumer xclaim xpending xinfo|consumers xinfo|groups publish subscribe unsubscribe multi exec "
       "watch unwatch time ping hello auth client|setname client|id select").split()


def rights(agent):
    """What docs/SECURITY.md says: see there."""
    keys = [f"agent:{agent}", f"agent:{agent}:*", f"agent.state:{agent}", f"agent.stream:{agent}", f"agent.stream:{agent}:*"]
    channels = ["mas.system", f"mas.receipts:{agent}:*"]
    return ["on", ">secret", "resetkeys", "resetchannels", "-@all", *(f"+{c}" for c in OWN), *(f"~{k}" for k in keys),
            *(f"&{c}" for c in channels), "(+rpush ~mas.ingress:*)", "(+hget +hmget ~mas.config)"]


class RightsTest(GatewayCase):
    config = {"retry": {"attempts": 2, "base": "100ms", "cap": "200ms"}, "breaker": {"mode": "off"}}

    def setUp(self):
        super().setUp()
        self.alice = self.peer("alice")
        self.redis.cmd("ACL", "SETUSER", "bob", *rights("bob"))
        url = self.redis.url().replace("unix://", "unix://bob:secret@")
        self.bob = self.process("mas-flaky-agent", "bob", env={"MAS_REDIS_URL": url}).start()
        self.bob.wait_for_output("ready", 20)

    def test_failures_are_retried_and_end_as_letters_without_a_right_to_write_either(self):
        datas = [{"n": 1, "fail": 1}, {"n": 2, "fail": 9}, {"n": 3}]
        receipt = self.alice.send(*[self.alice.envelope("bob", data=data) for data in datas])
        self.assertEqual(receipt.decisions(), ["ALLOWED"] * 3)
        poll_until(lambda: self.redis.cmd("XLEN", "dlq:messages") == 1, 10, lambda: self.bob.out())
        poll_until(lambda: {"handled 1 2", "handled 3 1"} <= set(self.bob.out().split("\n")), 10, lambda: self.bob.out())
        poll_until(lambda: not self.redis.cmd("XLEN", "agent.stream:bob"), 10, "nothing is left")
        self.assertEqual(self.bob.stop(), 0)
        log = [dict(zip(entry[::2], entry[1::2])) for entry in self.redis.cmd("ACL", "LOG")]
        # Whoever is first writes the default number of partitions; an agent that may not goes by what is there.
        self.assertEqual([entry for entry in log if entry["object"] != "mas.config"], [], "nothing else was tried")

    def test_it_can_write_nowhere_else(self):
        with self.redis.client() as redis:
            redis.cmd("AUTH", "bob", "secret")
            for forbidden in (["XADD", "agent.stream:bob", "*", "b", "x"], ["XADD", "dlq:messages", "*", "b", "x"],
                              ["ZADD", "mas.retry:{0}", "0", "x"], ["LRANGE", "mas.ingress:{0}", "0", "-1"],
                              ["XACK", "agent.stream:alice", "agents", "1-1"], ["HGETALL", "mas.identity:bob"],
                              ["HSET", "mas.config", "partitions", "1"], ["SUBSCRIBE", "mas.receipts:alice:x"],
                              ["EVAL", "return redis.call('XADD', KEYS[1], '*', 'b', 'x')", "1", "agent.stream:bob"]):
                with self.subTest(forbidden[:2]), self.assertRaises(RespError) as refused:
                    redis.cmd(*forbidden)
                self.assertRegex(str(refused.exception), "NOPERM|can't run this command")


if __name__ == "__main__":
    main()
