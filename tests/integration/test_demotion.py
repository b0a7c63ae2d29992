"""A fail-over that closes nothing: a replica takes over, the address leads to it from then on, and the former primary goes
on as a replica with all its connections. Every link finds out by itself, and nobody stays deaf or decides by old rules."""

import time

from fault_case import FaultTestCase
from harness import main, poll_until
from harness.gateway_peer import GatewayPeer

SOON = 5  # seconds in which nobody is deaf any more


class DemotionTest(FaultTestCase):
    """`redis` is the primary; `second` replicates it. All programs come by the proxy."""

    def start_redis(self, name="redis", **options):
        return super().start_redis(name, tcp=True, **options)

    def setUp(self):
        super().setUp()
        self.second = self.start_redis("second", replicaof=f"{self.redis.host} {self.redis.port}",
                                       replica_announce_ip=self.redis.host)
        poll_until(lambda: self.second.info("replication")["master_link_status"] == "up", 20, "it replicates")
        self.worker = self.start_listener(self.redis, "worker", "--echo", url=self.proxy.url(),
                                          env={"MAS_MODE": "gateway"})
        self.in_step()

    def in_step(self):
        self.assertEqual(self.redis.cmd("WAIT", 1, 5000), 1)

    # ---- the fail-overs

    def by_hand(self):
        self.in_step()
        self.second.cmd("REPLICAOF", "NO", "ONE")
        self.redis.cmd("REPLICAOF", self.second.host, self.second.port)

    def to_nowhere(self):
        """The former primary replicates nobody: what the new one publishes never comes to it."""
        self.in_step()
        self.second.cmd("REPLICAOF", "NO", "ONE")
        self.redis.cmd("REPLICAOF", self.second.host, 1)

    def coordinated(self):
        """Redis closes blocked clients, and no others."""
        self.redis.cmd("FAILOVER", "TO", self.second.host, self.second.port, "TIMEOUT", 5000)
        poll_until(lambda: self.second.info("replication")["role"] == "master", 10, "the second is primary")

    # ----

    @staticmethod
    def clients(server):
        """Names of the clients of a server, with their ids."""
        lines = server.cmd("CLIENT", "LIST").splitlines()
        facts = [dict(part.split("=", 1) for part in line.split()) for line in lines]
        return {one["name"]: one["id"] for one in facts}

    def links_left(self):
        """Programs of ours that are still connected to the former primary."""
        return [name for name in self.clients(self.redis) if name.startswith(("mas-", "libmas"))]

    def ask(self, target, **env):
        done = self.masctl("request", "--as", "ops", target, "ping", '{"n":1}', "--timeout", "2", redis=self.second,
                           env=env)
        return done.returncode == 0 and done.stdout == '{"n":1}\n'

    def test_everybody_follows_a_switch_by_hand(self):
        self.everybody_follows(self.by_hand)

    def test_everybody_follows_when_the_former_primary_replicates_nobody(self):
        self.everybody_follows(self.to_nowhere)

    def test_everybody_follows_a_coordinated_fail_over(self):
        self.everybody_follows(self.coordinated)

    def test_an_address_that_moves_late(self):
        """Until it leads to the new primary, nothing works, and nothing stays with the former one."""
        self.by_hand()
        poll_until(lambda: not any(daemon.ready()[0] for daemon in self.daemons), SOON, "all daemons have noticed")
        self.check_said("is a replica; expected the primary")
        self.proxy.lead_to(self.second.url())
        self.check_everything_works()

    def test_a_former_primary_that_does_not_know_it(self):
        """Whose main link comes to the new primary, comes there with all links: the former one still says that it is one."""
        self.in_step()
        self.second.cmd("REPLICAOF", "NO", "ONE")
        self.proxy.lead_to(self.second.url())
        self.assertGreater(self.redis.cmd("CLIENT", "KILL", "TYPE", "normal"), 4)
        self.assertTrue(self.links_left())  # that listen
        self.check_everything_works()

    def test_changes_are_heard_from_the_server_that_is_read(self):
        """Both servers take themselves for the primary, and only the link that listens comes to the second one."""
        self.in_step()
        self.second.cmd("REPLICAOF", "NO", "ONE")
        self.proxy.lead_to(self.second.url())

        def places(purpose):
            return [server for server in (self.redis, self.second)
                    if any(name.endswith(f":{purpose}") for name in self.clients(server))]
        listens = next(i for name, i in self.clients(self.redis).items() if name.endswith(":invalidation"))
        self.redis.cmd("CLIENT", "KILL", "ID", listens)
        poll_until(lambda: places("turn") == places("invalidation") == [self.second], SOON,
                   lambda: f"facts are read from {places('turn')} and changes heard from {places('invalidation')}")
        self.gatewayd.wait_ready(SOON)

    def everybody_follows(self, fail_over):
        self.assertGreater(len(self.links_left()), 8)
        self.proxy.lead_to(self.second.url())
        fail_over()
        self.check_everything_works()

    def check_everything_works(self):
        """On the second server, and soon."""
        end = time.monotonic() + SOON + 2
        poll_until(lambda: not self.links_left(), SOON, lambda: f"nobody is left behind: {self.links_left()}")
        poll_until(lambda: self.ask("echo"), max(1, end - time.monotonic()), "peer to peer is heard")
        poll_until(lambda: self.ask("worker", MAS_MODE="gateway"), max(1, end - time.monotonic()), "the gateway decides")
        self.redis, former = self.second, self.redis
        self.check_recovered()
        former.stop()

    def test_rules_are_the_new_primary_s(self):
        self.proxy.lead_to(self.second.url())
        self.to_nowhere()
        poll_until(lambda: not self.links_left(), SOON, lambda: f"nobody is left behind: {self.links_left()}")
        alice = GatewayPeer(self.second, "alice")
        self.addCleanup(alice.close)
        poll_until(lambda: alice.send(alice.envelope("worker")).decisions() == ["ALLOWED"], 10, "the gateway decides")
        for _ in range(3):
            self.second.cmd("SADD", "agent:alice:blocked_targets", "worker")
            poll_until(lambda: alice.send(alice.envelope("worker")).decisions() == ["AUTHZ_DENIED"], 2, "it is blocked")
            self.second.cmd("SREM", "agent:alice:blocked_targets", "worker")
            poll_until(lambda: alice.send(alice.envelope("worker")).decisions() == ["ALLOWED"], 2, "it is allowed again")

    def test_a_replica_is_no_server(self):
        """A daemon and an agent that are led to a replica from the start say so, and wait for a primary."""
        self.proxy.lead_to(self.second.url())
        gateway = self.daemon("mas-gatewayd", self.proxy.url()).start()
        poll_until(lambda: "this Redis is a replica; expected the primary" in gateway.get("/readyz")[1], 10,
                   lambda: f"it says why: {gateway.get('/readyz')}")
        done = self.masctl("listen", "late", redis=self.proxy.url())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("is a replica; expected the primary", done.stderr)
        self.second.cmd("REPLICAOF", "NO", "ONE")
        gateway.wait_ready(10)


if __name__ == "__main__":
    main()
