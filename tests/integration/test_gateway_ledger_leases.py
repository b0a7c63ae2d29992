"""The ledger of an agent whose two instances hold a backlog while Redis takes no writes until all leases have lapsed: nobody is
dead, and nothing is handled twice because of it.

harness/ledger_case.py tells how a run is repeated.
"""

import collections

from harness import main, poll_until
from harness.ledger_case import LedgerCase, repeated

LAPSED = 17  # seconds; a lease is 15


class LapsedLeasesTest(LedgerCase):
    senders = 2
    receivers = 1
    agent_env = {"MAS_LEDGER_LATE": str((LAPSED + 12) * 1000)}  # the instances hold what they have read until it is over

    def launch_receiver(self, target):
        super().launch_receiver(target)
        return super().launch_receiver(target)

    def wait_started(self, ids):
        for agent_id in ids:
            for process in self.agents[agent_id]:
                process.wait_for_output("ready", 20)

    @repeated
    def test_two_instances_that_lived_all_the_time(self):
        self.gatewayd()
        self.start_load()
        self.keep_up(1)
        stream = f"agent.stream:{self.targets[0]}"
        groups = self.redis.cmd("XINFO", "CONSUMERS", stream, "agents")
        held = [dict(zip(c[::2], c[1::2]))["pending"] for c in groups]
        self.assertTrue(len(held) == 2 and min(held) > 0, f"both instances hold entries: {held}")
        self.redis.cmd("CONFIG", "SET", "min-replicas-to-write", "1")
        self.keep_up(LAPSED)
        self.assertEqual(self.redis.cmd("KEYS", f"agent:{self.targets[0]}:alive:*"), [], "the leases have lapsed")
        self.redis.cmd("CONFIG", "SET", "min-replicas-to-write", "0")
        self.wait_progress("after Redis took writes again")
        self.keep_up(6)  # a look for the dead, and a renewal
        ledger = self.ledger()
        handled = collections.Counter(i for r in ledger.receivers for _, _, i in r.handled)
        twice = [i for i, times in handled.items() if times > 1]
        self.assertEqual(len(twice), 0, f"of {len(handled)} messages were handled twice")
        self.assertLessEqual(ledger.accepted_ids(), set(handled))
        for process in self.agents[self.targets[0]]:
            self.assertEqual(process.stop(), 0)


if __name__ == "__main__":
    main()
