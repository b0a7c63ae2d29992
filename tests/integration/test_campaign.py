"""Mixed faults and hostile company at random, by a seed, and the ledger at the end: harness/campaign.py tells all."""

import os
import random
import shutil
import time

from harness import main, poll_until
from harness.campaign import ROUND, SECONDS, CampaignCase, CampaignLog
from harness.ledger import deliveries_of_aof


class CampaignTest(CampaignCase):
    def test_mixed_faults(self):
        seed = int(os.environ.get("MAS_CAMPAIGN_SEED") or random.SystemRandom().randrange(1 << 32))
        log = CampaignLog(seed)
        print(f"campaign of {SECONDS:g} s, seed {seed}; its log: {log.path}", flush=True)
        end = time.monotonic() + SECONDS
        first = True
        while (left := end - time.monotonic()) > 5 or first:
            if not first:
                self.doCleanups()
                shutil.rmtree(self.dir, ignore_errors=True)
                self.setUp()
                seed += 1
            first = False
            log.write(f"round    MAS_CAMPAIGN_SEED={seed}")
            try:
                self.begin_round(log, seed)
                self.play_round(min(left, ROUND))
                summary = self.end_round()
            except BaseException as error:
                log.write(f"FAILED   {error}")
                print(f"round {seed} failed; what its processes wrote: {self.keep_evidence(seed)}", flush=True)
                raise
            print(f"round {seed}: {summary}", flush=True)


class EmptyRedisTest(CampaignCase):
    def wait_all_go_on(self, what):
        """Every sender has a new receipt, every receiver handles something new."""
        def count():
            return ([self.agents[s][-1].out().count("\nreceipt ") for s in self.sources] +
                    [self.agents[t][-1].out().count("\ngot ") for t in self.targets])
        before = count()
        poll_until(lambda: all(now > then for now, then in zip(count(), before)), 20, lambda: f"all go on after: {what}", 0.05)

    def test_when_redis_comes_back_empty_senders_and_receivers_hear_of_it(self):
        self.begin_round(CampaignLog("empty"), self.random.randrange(1 << 32))
        self.wait_all_go_on("the start")
        self.redis.kill()
        before = {d.message_id for d in deliveries_of_aof(self.redis.directory)}
        at_stake = [s for s in self.sources if any(self.log_of(s).receipts.get(i, ("",))[0] == "ok" for i in before)]
        self.redis.restart(keep_data=False)
        self.wait_all_go_on("Redis came back empty")
        self.assertEqual(at_stake, [s for s in at_stake if "Redis lost data" in self.agents[s][-1].out()],
                         "each sender whose accepted messages may be lost is told")
        self.assertEqual([t for t in self.targets if self.agents[t][-1].out().count("to this agent may be gone") != 1], [],
                         "each receiver is told once")
        ledger = self.ledger()
        after = {d.message_id for d in ledger.deliveries}
        self.assertLessEqual(ledger.accepted_ids(), before | after)
        self.assertEqual(ledger.reordered() + ledger.unaudited(), [])
        self.assertLessEqual(after, {i for r in ledger.receivers for _, _, i in r.handled} | ledger.letters)


if __name__ == "__main__":
    main()
