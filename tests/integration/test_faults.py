"""Redis goes away and comes back: every part recovers by itself and says what it saw."""

from fault_case import FaultTestCase, Load
from harness import main, poll_until
from harness.poll import holds_for


class RestartTest(FaultTestCase):
    def test_killed_and_restarted_with_its_data(self):
        with Load(self.redis.url(), "echo"):
            self.redis.cmd("SAVE")
            self.redis.kill()
            for daemon in self.daemons:
                self.assertIn("Redis", daemon.wait_unready()["reason"])
            self.redis.start()
            self.check_recovered()
        self.assertIn("connection lost", self.listener.err())
        self.assertIn("connected again", self.listener.err())

    def test_killed_and_restarted_without_its_data(self):
        with Load(self.redis.url(), "echo"):
            self.redis.restart(keep_data=False)
            self.check_recovered()
        poll_until(lambda: "echo" in self.redis.cmd("SMEMBERS", "mas.agents"), 15, "echo is indexed again")

    def test_absent_at_start(self):
        other = self.start_redis("late")
        other.kill()
        daemons = [self.daemon(program, other).start() for program in ("mas-registryd", "mas-healthd", "mas-gatewayd")]
        for daemon in daemons:
            self.assertEqual(daemon.get("/healthz")[0], 200)
            self.assertIn(str(other.socket), str(daemon.wait_unready()) + daemon.written())
        other.start()
        for daemon in daemons:
            daemon.wait_ready()


class UnreachableTest(FaultTestCase):
    def test_stalled_for_a_while(self):
        self.proxy.stall()
        for daemon in self.daemons:
            self.assertIn("Redis", daemon.wait_unready(15)["reason"])
            self.assertEqual(daemon.get("/healthz")[0], 200, "unreachable Redis is no reason to be restarted")
        poll_until(lambda: "connection lost" in self.listener.err(), 40, "the agent says that it is cut off")
        self.proxy.forward()
        self.check_recovered()

    def test_half_a_minute(self):
        """Long enough for every time-out and every lease to have passed."""
        self.proxy.stall()
        for daemon in self.daemons:
            daemon.wait_unready(15)
        holds_for(lambda: all(daemon.running() for daemon in (*self.daemons, self.listener)), 30, interval=0.5)
        before = [daemon.descriptors() for daemon in self.daemons]
        self.assertLess(max(before), 64, "attempts do not pile up")
        self.proxy.forward()
        self.check_recovered()

    def test_refused_and_cut(self):
        self.proxy.refuse()
        self.proxy.cut()
        for daemon in self.daemons:
            daemon.wait_unready()
        self.proxy.forward()
        self.check_recovered()

    def test_a_slow_link(self):
        self.proxy.delay(0.001)
        self.proxy.cut()
        self.check_recovered()

    def test_cut_again_and_again(self):
        for _ in range(5):
            links = self.proxy.accepted
            self.proxy.cut()
            poll_until(lambda: self.proxy.accepted >= links + 4, 15, "all come back")
        self.check_recovered()


if __name__ == "__main__":
    main()
