"""Two processes of each daemon: one works, the other takes over when it is killed or stops; gateways share partitions."""

import time
from collections import Counter

from harness import MasTestCase, for_each, main, poll_until
from harness.poll import holds_for

PARTITIONS = 16
LEASE = {"lease": {"ttl": "1s"}}


class ActiveStandbyTest(MasTestCase):
    """mas-registryd and mas-healthd."""

    PROGRAMS = ("registryd", "healthd")

    def setUp(self):
        super().setUp()
        self.agents = 0

    def start_two(self, name):
        self.redis = self.start_redis(f"redis-{name}")
        first = self.start_daemon(f"mas-{name}", self.redis, LEASE)
        poll_until(lambda: self.role(first) == "active", what="the first is active")
        second = self.start_daemon(f"mas-{name}", self.redis, LEASE)
        self.assertEqual(self.role(second), "standby")
        self.assertEqual(self.redis.cmd("GET", f"mas.lease:{name}"), first.instance())
        return first, second

    def role(self, daemon):
        return daemon.ready()[1]["role"]

    def wait_active(self, daemon, name):
        poll_until(lambda: self.role(daemon) == "active", 10, f"{daemon.name} takes over")
        self.assertEqual(self.redis.cmd("GET", f"mas.lease:{name}"), daemon.instance())

    def check_works(self, name):
        """What the active one is for is done."""
        self.agents += 1
        agent = self.start_agent(self.redis, f"agent-{name}-{self.agents}", ["chat"], heartbeat_interval=0.2, heartbeat_ttl=1)
        if name == "registryd":
            poll_until(lambda: agent.id in self.redis.cmd("SMEMBERS", "mas.capability:chat"), what=f"{agent.id} is indexed")
        else:
            agent.vanish()
            poll_until(lambda: self.redis.cmd("HGET", f"agent:{agent.id}", "status") == "INACTIVE",
                       what=f"{agent.id} is INACTIVE")
        agent.stop()

    def test_one_s_own_lease_that_redis_keeps(self):
        """Redis's clock goes back while the holder is paused past its lease: the key stays there for an hour."""
        self.redis = self.start_redis(clock=True)
        daemon = self.start_daemon("mas-registryd", self.redis, LEASE)
        poll_until(lambda: self.role(daemon) == "active", what="it is active")
        daemon.pause()
        self.redis.set_clock(-3600)
        self.assertGreater(self.redis.cmd("PTTL", "mas.lease:registryd"), 60_000)
        end = time.monotonic() + 1.5
        poll_until(lambda: time.monotonic() > end, 5, "its lease is over by its own clock")
        daemon.resume()
        daemon.wait_log('"standby"')
        self.wait_active(daemon, "registryd")
        self.assertLessEqual(self.redis.cmd("PTTL", "mas.lease:registryd"), 1000)

    @for_each(*PROGRAMS)
    def test_kill(self, name):
        first, second = self.start_two(name)
        self.check_works(name)
        first.kill()
        self.wait_active(second, name)
        self.check_works(name)
        first.start().wait_ready()
        self.assertEqual(self.role(first), "standby")
        holds_for(lambda: self.role(second) == "active", 1.5, "the newcomer does not take the lease")
        self.check_works(name)

    @for_each(*PROGRAMS)
    def test_orderly_stop(self, name):
        first, second = self.start_two(name)
        self.assertEqual(first.stop(), 0)
        self.wait_active(second, name)
        self.check_works(name)

    @for_each(*PROGRAMS)
    def test_a_stopped_process_comes_back_as_standby(self, name):
        first, second = self.start_two(name)
        first.pause()
        self.wait_active(second, name)
        first.resume()
        poll_until(lambda: self.role(first) == "standby", what="the one that was paused sees that its time is over")
        self.assertEqual(self.role(second), "active")
        self.check_works(name)

    @for_each(*PROGRAMS)
    def test_the_standby_goes(self, name):
        first, second = self.start_two(name)
        self.assertEqual(second.stop(), 0)
        holds_for(lambda: self.role(first) == "active", 1.5, "the active one stays")
        self.check_works(name)

    @for_each(*PROGRAMS)
    def test_the_lease_is_stolen(self, name):
        """An operator deletes the lease, or writes another owner: never two are active, and one is in the end."""
        first, second = self.start_two(name)
        self.redis.cmd("SET", f"mas.lease:{name}", "nobody", "PX", 2000)
        poll_until(lambda: self.role(first) == "standby", what="the first gives way")
        poll_until(lambda: "active" in (self.role(first), self.role(second)), 10, "one of the two is active again")
        self.assertNotEqual(self.role(first), self.role(second))
        self.check_works(name)


class GatewayTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def gateway(self):
        return self.start_daemon("mas-gatewayd", self.redis, LEASE)

    def owners(self):
        return self.redis.cmd("MGET", *[f"mas.lease:{{{p}}}" for p in range(PARTITIONS)])

    def wait_balanced(self, *gateways):
        """Every partition is owned, by these gateways alone, evenly; and they know it."""
        fair = {gateway.instance() for gateway in gateways}

        def balanced():
            counts = Counter(self.owners())
            return set(counts) == fair and max(counts.values()) - min(counts.values()) <= 1
        poll_until(balanced, 20, lambda: f"an even share each; there are {Counter(self.owners())}, of {fair}")
        poll_until(lambda: self.claimed(gateways) == list(range(PARTITIONS)), 10, "each partition is claimed once")

    def claimed(self, gateways):
        return sorted(p for gateway in gateways for p in gateway.ready()[1]["owned"])

    def test_join_leave_and_kill(self):
        first = self.gateway()
        self.wait_balanced(first)
        second = self.gateway()
        self.wait_balanced(first, second)
        third = self.gateway()
        self.wait_balanced(first, second, third)
        self.assertEqual(second.stop(), 0)
        self.wait_balanced(first, third)
        third.kill()
        self.wait_balanced(first)
        third.start().wait_ready()
        self.wait_balanced(first, third)

    def test_an_orderly_stop_leaves_nothing(self):
        gateway = self.gateway()
        self.wait_balanced(gateway)
        gateway.stop()
        self.assertEqual(set(self.owners()), {None})

    def test_a_paused_gateway_gives_way(self):
        """And believes nothing when it wakes up. (Its share comes back later: it is suspected for a while.)"""
        first, second = self.gateway(), self.gateway()
        self.wait_balanced(first, second)
        second.pause()
        poll_until(lambda: set(self.owners()) == {first.instance()}, 20, "the other takes everything")
        second.resume()
        self.assertEqual(second.ready()[1]["owned"], [])
        self.assertEqual(self.claimed([first, second]), list(range(PARTITIONS)))

    def test_gateways_agree_on_the_number_of_partitions(self):
        self.redis.cmd("HSET", "mas.config", "partitions", 4)
        gateways = [self.gateway(), self.gateway()]
        poll_until(lambda: self.claimed(gateways) == [0, 1, 2, 3], 10, "four partitions are shared")
        self.assertEqual([gateway.ready()[1]["partitions"] for gateway in gateways], [4, 4])



class DaemonWatchTest(MasTestCase):
    def test_healthd_reports_a_daemon_that_died(self):
        redis = self.start_redis()
        self.start_daemon("mas-healthd", redis)
        registryd = self.start_daemon("mas-registryd", redis)
        with redis.client() as events:
            events.subscribe("mas.system")
            instance = registryd.instance()
            poll_until(lambda: redis.cmd("EXISTS", f"mas.daemon:registryd:{instance}"), what="its heartbeat")
            registryd.kill()
            heard = poll_until(lambda: self.down(events, instance), 30, "DAEMON_DOWN of registryd")
        self.assertIn("registryd", heard)

    def down(self, events, instance):
        message = events.message(0.2)
        return message[1] if message and "DAEMON_DOWN" in message[1] and instance in message[1] else None


if __name__ == "__main__":
    main()
