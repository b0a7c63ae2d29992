"""The ledger of fail-overs without waiting for replicas: each message that is lost is named to its sender, and the audit
names the blocks that are gone. Whichever way the gateway comes to the new primary: on links that survive, on new ones, or
as another process.

harness/ledger_case.py tells how a run is repeated.
"""

from harness import main
from harness.failover_case import FailOverCase
from harness.ledger_case import repeated


class WithoutReplicasTest(FailOverCase):
    def check_way(self, fail_over):
        gateway = self.gatewayd()
        self.start_load()
        self.keep_up(1)
        gateway.wait_log("audit_head")
        fail_over(gateway)
        self.wait_progress("from the new primary", 40)
        self.wait_heads()
        self.assertGreater(len(self.check_told()), 0, "the test lost something")
        self.check_gap()

    @repeated
    def test_links_that_survive(self):
        self.check_way(lambda _: self.fail_over(demote=True))

    @repeated
    def test_new_links(self):
        self.check_way(lambda _: self.fail_over())

    @repeated
    def test_a_gateway_that_is_restarted(self):
        self.check_way(lambda gateway: self.fail_over(restart=gateway))

    @repeated
    def test_another_gateway_takes_over(self):
        """It never wrote a block of these partitions, and has seen them."""
        second = []

        def fail_over(first):
            second.append(self.gatewayd(self.dir / "second.jsonl"))
            self.keep_up(1)
            self.cut_off()
            first.kill()
            self.proxy.lead_to(self.second.url())
            self.proxy.cut()
            self.redis = self.second
        self.check_way(fail_over)


if __name__ == "__main__":
    main()
