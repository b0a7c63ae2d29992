"""Fail-overs by hand, under load: a replica takes over that lacks the last messages. What the ledgers of fail-overs share."""

import json

from .ledger import Ledger
from .ledger_case import QUICK, LedgerCase
from .poll import poll_until

LOST = 7  # what `audit verify` ends with


class FailOverCase(LedgerCase):
    senders = 2
    receivers = 2
    rate = 200
    receipts_stop = False  # once the replica is gone

    def start_redis(self, name="redis", **options):
        return super().start_redis(name, tcp=True, **options)

    def setUp(self):
        super().setUp()
        self.first = self.redis
        self.second = self.start_redis("second", appendonly="yes", auto_aof_rewrite_percentage="0",
                                       replicaof=f"{self.first.host} {self.first.port}",
                                       replica_announce_ip=self.first.host)
        poll_until(lambda: self.second.info("replication")["master_link_status"] == "up", 20, "it replicates")
        self.proxy = self.start_proxy(self.first)
        self.agent_env = {"MAS_REDIS_URL": self.proxy.url()}
        self.key = str(self.dir / "audit.key")
        self.ok("key", "generate", "--kind", "audit", self.key)
        self.heads_file = self.dir / "heads.jsonl"  # of the first gateway, and of one that takes its place

    def ok(self, *args):
        done = self.masctl(*args, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def config(self, heads_file=None):
        fast = {"connect_timeout": "1s", "command_timeout": "2s"}
        audit = {"signing_key": self.key, "heads_file": str(heads_file or self.heads_file), "head_interval": "200ms"}
        return {**QUICK, "redis": fast, "audit": audit}

    def gatewayd(self, heads_file=None):
        return self.start_daemon("mas-gatewayd", self.proxy.url(), self.config(heads_file))

    def wait_heads(self):
        """What was written by now is named by a signed head."""
        before = self.redis.cmd("XLEN", "mas.audit.heads")
        poll_until(lambda: self.redis.cmd("XLEN", "mas.audit.heads") > before + 1, 15, "heads are signed")

    def cut_off(self):
        """The second server is a primary, too; the first one goes on by itself."""
        self.second.cmd("REPLICAOF", "NO", "ONE")
        if self.receipts_stop:
            return self.keep_up(1)
        self.wait_progress("that the second has not")
        self.wait_heads()

    def fail_over(self, demote=False, restart=None):
        """@param demote the former primary becomes a replica and closes no link. @param restart a gateway that is replaced
        meanwhile; else links are cut."""
        self.cut_off()
        self.proxy.lead_to(self.second.url())
        if restart is not None:
            restart.kill()
        if demote:
            self.first.cmd("REPLICAOF", self.second.host, self.second.port)
        else:
            self.proxy.cut()
        self.redis = self.second
        if restart is not None:
            self.gatewayd()

    def check_told(self, repeated=False):
        """What is lost is told by id; what is there, is there once and audited.
        @param repeated whether messages were sent again, later than others. @return the ids that are lost."""
        deliveries = self.settle()
        logs = [self.log_of(source) for source in self.sources]
        ledger = Ledger(deliveries, logs, [], self.audited(), self.letters())
        lost = {i for i in ledger.accepted_ids() if not ledger.delivered_ids[i]}
        doubted = {i for log in logs for i in log.doubted}
        print(f"{self.id()}: {ledger.summary()}, {len(lost)} lost, {len(doubted)} in doubt")
        self.assertEqual([log.forgotten for log in logs], [0] * len(logs))
        self.assertLessEqual(lost, doubted, "every message that is lost is named to its sender")
        problems = ledger.doubled() + ledger.strays() + ledger.unaudited()
        problems += [] if repeated else ledger.reordered()
        self.assertEqual(problems[:20], [], f"{len(problems)} problems")
        return lost

    def check_gap(self):
        public = self.ok("key", "public", self.key).split()[0]
        for heads in ([], ["--heads", str(self.heads_file)]):
            done = self.masctl("audit", "verify", "--key", public, *heads, "--json", redis=self.redis, timeout=60)
            self.assertEqual(done.returncode, LOST, done.stdout + done.stderr)
            partitions = json.loads(done.stdout)["partitions"]
            self.assertTrue(any(one["lost"] for one in partitions), partitions)
            self.assertEqual([one["partition"] for one in partitions if not one["ok"]], [])
