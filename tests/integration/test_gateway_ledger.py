"""Nothing that was receipted as accepted is lost, nothing is delivered twice or out of order, and each delivery is in
the audit exactly once: while gateways, Redis, senders and receivers are killed and paused under load.

harness/ledger_case.py tells how a run is repeated.
"""

import os

from harness import main, poll_until
from harness.ledger_case import QUICK, SECONDS, STEPS, LedgerCase, repeated


class UndisturbedTest(LedgerCase):
    @repeated
    def test_a_quiet_run(self):
        self.gatewayd()
        self.start_load()
        self.keep_up()
        self.check()


class CrashTest(LedgerCase):
    """kill -9 of the gateway at a step of its turn, which one is drawn; another gateway takes over."""

    def crash_at(self, step):
        doomed = self.gatewayd(f"{step}:{self.random.randrange(1, 150)}")
        self.start_load()
        poll_until(lambda: not doomed.running(), 15, f"the gateway dies {step}", 0.01)
        self.assertEqual(doomed.wait(), -9)
        self.gatewayd()
        self.wait_progress("after the crash")
        self.keep_up(SECONDS / 2)
        self.check()

    @repeated
    def test_after_read(self):
        self.crash_at("after_read")

    @repeated
    def test_after_decide(self):
        self.crash_at("after_decide")

    @repeated
    def test_after_write(self):
        self.crash_at("after_write")

    @repeated
    def test_after_commit(self):
        self.crash_at("after_commit")

    @repeated
    def test_at_any_time(self):
        """From outside, several times, while another one stands by."""
        standing = self.gatewayd()
        victim = self.gatewayd()
        self.start_load()
        for _ in range(2):
            self.keep_up(self.random.uniform(0.1, SECONDS / 2))
            victim.kill()
            self.keep_up(self.random.uniform(0.1, 0.5))
            victim = self.gatewayd()
            victim, standing = standing, victim
        self.wait_progress("after the crashes")
        self.check()


class PauseTest(LedgerCase):
    @repeated
    def test_an_owner_that_was_paused_past_its_lease_commits_nothing(self):
        first = self.gatewayd()
        second = self.gatewayd()
        poll_until(lambda: len(first.ready()[1]["owned"]) == 8, 15, "partitions are shared")
        self.start_load()
        self.keep_up(self.random.uniform(0.2, SECONDS / 2))
        first.pause()
        poll_until(lambda: len(second.ready()[1]["owned"]) == 16, 15, "the second takes over")
        self.wait_progress("from the second")
        first.resume()
        first.wait_log("partition_lost")
        self.wait_progress("while both run")
        self.check()


class MembershipTest(LedgerCase):
    @repeated
    def test_gateways_join_and_leave_under_load(self):
        first = self.gatewayd()
        self.start_load()
        second = self.gatewayd()
        self.keep_up(SECONDS / 2)
        third = self.gatewayd()
        self.keep_up(SECONDS / 2)
        self.assertEqual(first.stop(), 0)
        self.keep_up(SECONDS / 4)
        self.assertEqual(third.stop(), 0)
        self.wait_progress("from the last")
        self.assertTrue(second.running())
        self.check()


class PartitionsTest(LedgerCase):
    senders = 8

    @repeated
    def test_their_number_changes_while_agents_stay(self):
        """More of them: a sender's old one is still there, and whoever owns it refuses its frames. Fewer: nobody does."""
        gateway = self.gatewayd()
        self.start_load()
        for partitions in (64, 5):
            self.keep_up(SECONDS / 2)
            self.assertEqual(gateway.stop(), 0)
            done = self.masctl("partitions", "set", partitions, redis=self.redis)
            self.assertEqual(done.returncode, 0, done.stderr)
            gateway = self.gatewayd()
            self.wait_progress(f"with {partitions} partitions")
        self.check()


class RedisTest(LedgerCase):
    @repeated
    def test_redis_is_killed_and_restarted_under_load(self):
        self.gatewayd()
        self.start_load()
        for _ in range(2):
            self.keep_up(self.random.uniform(0.2, SECONDS / 2))
            self.redis.kill()
            self.redis.start()
            self.wait_progress("after Redis came back", 30)
        self.check()


class ReadAheadTest(LedgerCase):
    """With turns of 16 messages at most every next one is read ahead, and decided while the one before is committed."""

    def config(self):
        return {**QUICK, "turn": {"messages": 16}}

    def crash_at(self, step):
        doomed = self.gatewayd(f"{step}:{self.random.randrange(1, 50)}")
        self.start_load()
        poll_until(lambda: not doomed.running(), 15, "the gateway dies", 0.01)
        self.gatewayd()
        self.wait_progress("after the crash")
        self.check()

    @repeated
    def test_a_quiet_run(self):
        gateway = self.gatewayd()
        self.start_load()
        self.keep_up()
        metrics = gateway.metrics()
        self.assertGreater(metrics["mas_gatewayd_turns_read_ahead_total"], metrics["mas_gatewayd_turns_total"] / 4)
        self.check()
        metrics = gateway.metrics()
        for name in ("dropped_turns", "repeated_messages", "sequence_gaps"):  # senders would make good what is lost here
            self.assertEqual(metrics.get(f"mas_gatewayd_{name}_total", 0), 0, name)

    @repeated
    def test_a_crash_with_a_turn_decided_and_one_under_way(self):
        self.crash_at("after_decide_ahead")

    @repeated
    def test_a_crash_at_another_step(self):
        self.crash_at(self.random.choice(STEPS))

    @repeated
    def test_partitions_are_taken_away_meanwhile(self):
        """By hand, as a rival would: the commit under way is fenced, and what was decided behind it goes with it."""
        gateway = self.gatewayd()
        self.start_load()
        for _ in range(10):
            self.keep_up(self.random.uniform(0.02, 0.1))
            for partition in range(16):
                self.redis.cmd("INCR", f"mas.epoch:{{{partition}}}")
        self.wait_progress("after the last")
        self.assertGreater(gateway.metrics()["mas_gatewayd_dropped_turns_total"], 0)
        self.check()

    @repeated
    def test_changes_are_not_heard_for_a_moment(self):
        """Whoever listens is cut off, also in the middle of a commit: that one counts, what was decided behind it does not."""
        gateway = self.gatewayd()
        self.start_load()
        for _ in range(10):
            self.keep_up(self.random.uniform(0.02, 0.1))
            self.redis.cmd("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes")
        self.wait_progress("after the last")
        self.assertIn("invalidations_lost", gateway.written())
        self.check()

    @repeated
    def test_redis_is_killed_and_restarted(self):
        self.gatewayd()
        self.start_load()
        for _ in range(2):
            self.keep_up(self.random.uniform(0.2, SECONDS / 2))
            self.redis.kill()
            self.redis.start()
            self.wait_progress("after Redis came back", 30)
        self.check()


class AgentsTest(LedgerCase):
    @repeated
    def test_senders_and_receivers_are_killed_under_load(self):
        self.gatewayd()
        self.start_load()
        self.keep_up(self.random.uniform(0.2, SECONDS / 2))
        source = self.random.choice(self.sources)
        self.agents[source][-1].kill()
        self.launch_sender(source)

        target = self.random.choice(self.targets)
        self.receivers_died = True
        self.agents[target][-1].kill()
        # Its lease would last for 15 s; that it ends is what matters here.
        for key in self.redis.scan(f"agent:{target}:alive:*"):
            self.redis.cmd("DEL", key)
        self.launch("receive", target)
        self.wait_started([source, target])
        self.wait_progress("after the deaths")
        self.check()


class SlowReceiversTest(LedgerCase):
    """Receivers that poll late, and whose inbound queues are smaller than one entry: what waits, waits in Redis."""
    receivers = 4
    rate = 1000
    agent_env = {"MAS_LEDGER_LATE": "3000", "MAS_LEDGER_PADDING": "1000"}
    bounds = ("1:1", "10:10000000", "100000:2000", "3000:1000000")

    def launch_receiver(self, target):
        bound = self.bounds[self.targets.index(target)]
        self.agent_env = {**self.agent_env, "MAS_LEDGER_BOUND": bound}
        return super().launch_receiver(target)

    @repeated
    def test_small_bounds_and_big_entries(self):
        gateway = self.gatewayd()
        self.start_load()
        for _ in range(3):
            self.keep_up(SECONDS / 4)
            gateway.pause()  # frames gather, and become big entries
            self.keep_up(0.4)
            gateway.resume()
        self.keep_up(SECONDS / 4)
        self.check()


class SignedTest(LedgerCase):
    """Profile production: every frame is signed, nothing is allowed but what a list says, heads are signed."""

    def setUp(self):
        super().setUp()
        self.master, self.audit_key = str(self.dir / "master.key"), str(self.dir / "audit.key")
        self.ok("key", "generate", self.master)
        self.ok("key", "generate", "--kind", "audit", self.audit_key)

    def ok(self, *args):
        done = self.masctl(*args, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def config(self):
        return {**QUICK, "gateway": {"profile": "production", "master_key_file": self.master},
                "limits": {"per_minute": 1_000_000_000, "bytes_per_minute": "90GiB"},
                "audit": {"signing_key": self.audit_key, "head_interval": "200ms"}}

    def credentials(self, agent_id):
        path = self.dir / f"{agent_id}.toml"
        if not path.exists():
            self.ok("identity", "create", agent_id, "--no-token", "--master-key", self.master, "--out", str(path))
            if agent_id.startswith("sender"):
                self.ok("acl", "allow", agent_id, "receiver-*")
        return {"MAS_CREDENTIALS": str(path)}

    @repeated
    def test_a_crash_of_the_owner(self):
        doomed = self.gatewayd(f"{self.random.choice(STEPS)}:{self.random.randrange(1, 150)}")
        self.start_load()
        poll_until(lambda: not doomed.running(), 15, "the gateway dies", 0.01)
        last = self.gatewayd()
        self.wait_progress("after the crash")
        self.keep_up(SECONDS / 2)
        last.wait_log("audit_head")
        public = self.ok("key", "public", self.audit_key).split()[0]
        self.check("--key", public)


class BrokenGatewayTest(LedgerCase):
    """A gateway that does the wrong thing once, among others done right: the ledger names it."""
    senders = 2

    def broken(self, step, written):
        """One of the first twenty steps is broken. written(): how many there were (each may hold many messages)."""
        self.gatewayd(broken=f"{step}:{self.random.randrange(5, 20)}")
        self.start_load()
        poll_until(lambda: written() > 20, 20, "the step was taken more than twenty times", 0.05)
        return self.ledger()

    def entries_written(self):
        """Those that receivers have taken, too."""
        streams = [self.redis.cmd("XINFO", "STREAM", key) for key in self.redis.cmd("KEYS", "agent.stream:receiver-*")]
        return sum(dict(zip(stream[::2], stream[1::2]))["entries-added"] for stream in streams)

    def audit_blocks(self):
        return sum(self.redis.cmd("XLEN", f"mas.audit:{{{partition}}}") for partition in range(16))

    def test_a_lost_delivery_is_seen(self):
        ledger = self.broken("lose", self.entries_written)
        self.assertGreater(len(ledger.lost()), 0)
        self.assertEqual(ledger.doubled() + ledger.strays() + ledger.reordered(), [])

    def test_a_double_delivery_is_seen(self):
        ledger = self.broken("double", self.entries_written)
        self.assertGreater(len(ledger.doubled()), 0)
        self.assertEqual(ledger.lost() + ledger.strays(), [])

    def test_a_delivery_without_its_record_is_seen(self):
        ledger = self.broken("unaudited", self.audit_blocks)
        self.assertGreater(len(ledger.unaudited()), 0)
        self.assertEqual(ledger.lost() + ledger.doubled() + ledger.strays() + ledger.reordered(), [])
        verified = self.verify()
        self.assertEqual(verified.returncode, 6, verified.stdout + verified.stderr)
        self.assertIn("missing", verified.stdout)


if __name__ == "__main__":
    main()
