"""The ledger of fail-overs where nothing is lost in the end: gateways wait for replicas, or senders repeat what is in doubt.

harness/ledger_case.py tells how a run is repeated.
"""

import collections

from harness import main, poll_until
from harness.failover_case import FailOverCase
from harness.ledger_case import repeated


class SentAgainTest(FailOverCase):
    """Senders repeat what is in doubt under its id, and receivers recognise it."""

    def setUp(self):
        super().setUp()
        self.agent_env = {**self.agent_env, "MAS_LEDGER_AGAIN": "1", "MAS_LEDGER_DEDUPE": "100000"}

    @repeated
    def test_every_accepted_message_is_handled_once(self):
        self.gatewayd()
        self.start_load()
        self.keep_up(1)
        self.fail_over()
        self.wait_progress("from the new primary", 40)
        self.assertEqual(self.check_told(repeated=True), set())
        handled = collections.Counter(i for t in self.targets for _, _, i in self.log_of(t).handled)
        accepted = {i for s in self.sources for i, (status, _) in self.log_of(s).receipts.items() if status == "ok"}
        self.assertEqual([i for i in accepted if handled[i] != 1], [])
        self.assertGreater(sum(len(self.log_of(s).doubted) for s in self.sources), 0)


class WithReplicasTest(FailOverCase):
    receipts_stop = True

    def config(self, heads_file=None):
        return {**super().config(heads_file), "delivery": {"wait_replicas": 1, "wait_timeout": "200ms"}}

    @repeated
    def test_nothing_is_lost(self):
        gateway = self.gatewayd()
        self.start_load()
        self.keep_up(1)
        self.fail_over(demote=True)  # which makes the former primary the new one's replica
        self.wait_progress("from the new primary", 40)
        self.assertEqual(self.check_told(), set())
        self.assertTrue(gateway.running())

    @repeated
    def test_without_a_replica_nobody_stands_still_and_no_receipt_comes(self):
        gateway = self.gatewayd()
        self.start_load()
        self.keep_up(0.5)
        self.second.pause()
        poll_until(lambda: "0 of 1 replicas" in gateway.get("/readyz")[1], 10, lambda: gateway.get("/readyz")[1])
        before, turns = self.receipts(), gateway.metrics()["mas_gatewayd_turns_total"]
        poll_until(lambda: gateway.metrics()["mas_gatewayd_turns_total"] > turns + 20, 10, "turns go on")
        self.assertEqual(self.receipts(), before)
        self.assertGreater(gateway.metrics()["mas_gatewayd_receipts_withheld"], 0)
        poll_until(lambda: "0 of 1 replicas" in self.masctl("doctor", redis=self.redis).stdout, 15, "doctor tells it", 0.5)
        self.second.resume()
        gateway.wait_ready(10)
        self.wait_progress("from a replica that is back", 5)
        self.assertEqual(self.check_told(), set())


if __name__ == "__main__":
    main()
