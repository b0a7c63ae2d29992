"""What a gateway cannot read at its start it reads later, and until then it says that it decides nothing."""

from harness import MasTestCase, main, poll_until
from harness.gateway_case import QUICK, GatewayCase
from harness.gateway_peer import GatewayPeer


class PrepareTest(MasTestCase):
    def test_a_file_that_went_before_redis_came(self):
        """Without a master key the gateway begins to prepare when Redis gives it the shared secret."""
        redis = self.start_redis()
        proxy = self.start_proxy(redis)
        proxy.refuse()
        rules = self.dir / "rules.toml"
        rules.write_text("")
        gateway = self.daemon("mas-gatewayd", proxy, {**QUICK, "dlp": {"rules_file": str(rules)}}).start()
        poll_until(lambda: gateway.ready()[1], 10, "it serves /readyz")
        rules.unlink()
        proxy.forward()
        poll_until(lambda: "rules.toml" in str(gateway.ready()), 10, lambda: f"it says what it lacks: {gateway.ready()}")
        self.assertFalse(gateway.ready()[0])
        gateway.wait_log("not_prepared")
        alice = GatewayPeer(redis, "alice")
        self.addCleanup(alice.close)
        alice.push(alice.frame([], 1))
        rules.write_text("")
        gateway.wait_ready()
        poll_until(lambda: redis.cmd("LLEN", f"mas.ingress:{{{alice.partition}}}") == 0, 10, "it decides")


class RedisAnswersTest(GatewayCase):
    config = {"redis": {"command_timeout": "2s"}}

    def start_gateway(self, **config):
        self.proxy = self.start_proxy(self.redis)
        gateway = self.start_daemon("mas-gatewayd", self.proxy, {**QUICK, **self.config})
        poll_until(lambda: gateway.ready()[1].get("deciding"), 10, "the gateway has fenced partitions")
        return gateway

    def low(self):
        return self.gateway.metrics()["mas_gatewayd_memory_low"]

    def test_an_error_in_place_of_info_says_nothing_about_memory(self):
        self.redis.cmd("SET", "ballast", "x" * 20_000_000)
        used = int(self.redis.info("memory")["used_memory"])
        self.redis.cmd("CONFIG", "SET", "maxmemory", used + used // 50)
        poll_until(self.low, 10, "the high-water mark is passed")
        self.proxy.answer("NOPERM this user has no permissions to run the 'info' command", commands={"INFO"})
        self.gateway.wait_log("redis_tells_nothing")
        self.assertEqual(self.low(), 1, "what is not known does not change")
        self.proxy.forward()
        self.redis.cmd("CONFIG", "SET", "maxmemory", 0)
        poll_until(lambda: not self.low(), 10, "it looks again")

    def test_an_error_in_place_of_a_letter_leaves_the_request(self):
        alice = self.peer("alice")
        self.peer("bob")
        self.redis.cmd("SET", "agent.stream:bob", "another type")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["UNAVAILABLE"])
        self.redis.cmd("DEL", "agent.stream:bob")
        (letter, _), = self.redis.cmd("XRANGE", "dlq:messages", "-", "+")
        self.redis.cmd("ACL", "SETUSER", "default", "-xrange")
        self.redis.cmd("RPUSH", "mas.replay", letter)
        self.gateway.wait_log("replay_waits")
        self.assertEqual(self.redis.cmd("LRANGE", "mas.replay", 0, -1), [letter])
        self.redis.cmd("ACL", "SETUSER", "default", "+xrange")
        poll_until(lambda: not self.redis.cmd("LLEN", "mas.replay"), 10, "it is met")
        poll_until(lambda: self.gateway.metrics()["mas_gatewayd_replays_begun_total"] == 1, 5, "the gateway has its answer")


class PartitionsTest(GatewayCase):
    def test_a_gateway_that_fences_by_an_old_number_decides_nothing(self):
        alice = self.peer("alice")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["TARGET_NOT_FOUND"])
        # In between: it has surveyed the old number and not looked again.
        links = [dict(word.split("=", 1) for word in line.split()) for line in self.redis.cmd("CLIENT", "LIST").splitlines()]
        turn = next(link["id"] for link in links if link["name"].endswith("turn"))
        self.redis.pipeline([("HSET", "mas.config", "partitions", 8), ("CLIENT", "KILL", "ID", turn)])
        alice.push(alice.frame([], alice.next))
        self.gateway.wait_log("partitions_changed")
        poll_until(lambda: not self.gateway.ready()[0], 10, "it is not ready")
        self.assertEqual(self.redis.cmd("LLEN", f"mas.ingress:{{{alice.partition}}}"), 1)

    def test_setting_the_number_fences_who_starts_meanwhile(self):
        self.peer("alice").send(self.peer("alice").envelope("bob"))
        self.gateway.stop()
        before = [int(self.redis.cmd("GET", f"mas.epoch:{{{p}}}")) for p in range(16)]
        done = self.masctl("partitions", "set", 8, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([int(self.redis.cmd("GET", f"mas.epoch:{{{p}}}")) for p in range(16)], [n + 1 for n in before])


class LostDataTest(GatewayCase):
    def test_a_redis_that_comes_back_empty_is_told_about(self):
        alice = self.peer("alice")
        self.peer("bob")
        for _ in range(3):
            self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.redis.restart()
        poll_until(lambda: self.gateway.ready()[1].get("deciding"), 15, "it decides again")
        alice.listen()
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.assertFalse(self.gateway.logged("redis_lost_data"), "a restart that loses nothing is none")
        self.redis.kill()
        for left in self.redis.directory.glob("*.rdb"):
            left.unlink()
        self.redis.spawn()
        poll_until(self.redis.answers, 10, "Redis is back")
        self.gateway.wait_log("redis_lost_data", 15)
        self.assertGreaterEqual(self.gateway.metrics()["mas_gatewayd_redis_losses_total"], 1, "once per fence that found some")

        poll_until(lambda: "Redis lost data" in self.masctl("doctor", redis=self.redis).stdout, 15, "masctl doctor tells it",
                   interval=0.5)

    def test_an_older_snapshot_is_told_about(self):
        alice = self.peer("alice")
        self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.redis.cmd("SAVE")
        for _ in range(3):
            self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.redis.kill()
        self.redis.start()
        text = self.gateway.wait_log("redis_lost_data", 15)
        self.assertIn("audit block", str(text))

    def test_senders_that_are_gone_are_told_about(self):
        alice = self.peer("alice")
        self.peer("bob")
        for _ in range(3):
            self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.redis.cmd("CLIENT", "KILL", "TYPE", "normal")
        poll_until(lambda: self.gateway.ready()[1].get("deciding"), 15, "it decides again")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.assertFalse(self.gateway.logged("redis_lost_data"), "nothing is gone")
        self.redis.cmd("DEL", f"mas.sender:{{{alice.partition}}}")
        self.redis.cmd("CLIENT", "KILL", "TYPE", "normal")
        self.assertIn("the sender's number was 4 and is 0", self.gateway.wait_log("redis_lost_data", 15))


if __name__ == "__main__":
    main()
