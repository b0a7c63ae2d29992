"""The ledger with every stage on and everything that goes wrong at receivers: handlers that fail, once or for ever, and are
slow, a target that dies and comes back, and so circuits that open and close, while a gateway is killed. Every accepted
message ends handled, queued or as a dead letter, and the ledger says which.

harness/ledger_case.py tells how a run is repeated.
"""

import collections

from harness import main, poll_until
from harness.ledger_case import QUICK, SECONDS, LedgerCase, repeated


class FailingReceiversTest(LedgerCase):
    receivers = 3
    drained = True  # reports have their receipts, too

    def config(self):
        return {**QUICK, "retry": {"attempts": 3, "base": "50ms", "cap": "200ms"}, "delivery": {"max_backlog": 300},
                "breaker": {"failures": 20, "volume": 20, "ratio": 60, "open": "300ms", "max_open": "1s", "trials": 2,
                            "window": "10s"}}

    def launch_receiver(self, target):
        return self.launch("receive", target, "failing")

    def decisions(self, since=()):
        """Of all receipts, or of those behind the given lengths of the senders' outputs."""
        texts = [self.agents[s][-1].out()[at:] for s, at in zip(self.sources, since or [0] * len(self.sources))]
        return collections.Counter(line.rsplit(" ", 1)[1] for text in texts for line in text.split("\n")[:-1]
                                   if line.startswith("receipt "))

    def state_of(self, target):
        return self.redis.cmd("HGET", f"circuit:{target}", "state") or "closed"

    @repeated
    def test_every_accepted_message_ends_handled_or_as_a_letter(self):
        gateways = [self.gatewayd(), self.gatewayd()]
        self.start_load()
        self.keep_up(SECONDS / 2)
        victim = self.targets[self.random.randrange(3)]
        self.agents[victim][-1].kill()
        self.receivers_died = True
        poll_until(lambda: self.decisions()["CIRCUIT_OPEN"], 30, lambda: f"a circuit opens: {self.decisions()}", 0.1)
        gateways[0].kill()
        self.gatewayd()
        self.keep_up(SECONDS / 2)
        for key in self.redis.cmd("KEYS", f"agent:{victim}:alive:*"):
            self.redis.cmd("DEL", key)  # what 15 seconds would do
        self.launch_receiver(victim)
        self.wait_started([victim])
        poll_until(lambda: self.state_of(victim) == "closed", 30, lambda: f"it closes: {self.state_of(victim)}", 0.1)
        self.wait_progress("after all that")
        ledger = self.ledger()
        problems = ledger.problems(self.receivers_died)
        self.assertEqual(problems[:20], [], f"{len(problems)} problems")
        handled = {i for log in ledger.receivers for _, _, i in log.handled}
        accepted = ledger.accepted_ids()
        poison = {d.message_id for d in ledger.deliveries if d.number % 50 == 7}
        self.assertLessEqual(accepted, handled | ledger.letters)
        self.assertEqual(ledger.letters, poison)
        self.assertTrue(poison and accepted - poison)
        given_up = collections.Counter(i for i, decision in ledger.audited if decision == "HANDLER_FAILED")
        self.assertEqual(set(given_up), poison)
        self.assertEqual(self.redis.cmd("KEYS", "mas.retry:*"), [])
        for target in self.targets:
            stream = f"agent.stream:{target}"  # the last acknowledgements may still be on their way
            poll_until(lambda: self.redis.cmd("XLEN", stream) == 0, 10, f"{stream} is empty")
        self.assertEqual(self.verify().returncode, 0)


if __name__ == "__main__":
    main()
