"""Dead letters and held messages on a Redis Cluster, where each partition has a stream: masctl shows those of all, and
changes them."""

import json

from harness import main, poll_until
from harness.gateway_cluster_case import PARTITIONS, GatewayClusterCase
from harness.redis_cluster import SHARDS


class LettersTest(GatewayClusterCase):
    config = {"breaker": {"mode": "off"}}  # broken streams are what makes the letters

    def listed(self, *args):
        return json.loads(self.ctl("dlq", "list", "--json", *args))["letters"]

    def add(self, partition, entry, queue="dlq:messages", **fields):
        """A letter that became one a microsecond for each millisecond of its entry's id after 1970."""
        fields = {"payload": '{"n":1}', "sender": "alice", "target": "bob", "id": "m", "reason": "why", "attempts": "2",
                  "first": "1", "last": entry.split("-")[0], **fields}
        self.cluster.cmd("XADD", f"{queue}:{{{partition}}}", entry, *[text for pair in fields.items() for text in pair])

    def queues(self):
        return {p: n for p in range(PARTITIONS) if (n := self.cluster.cmd("XLEN", f"dlq:messages:{{{p}}}"))}

    def test_letters_of_all_partitions_are_in_one_order(self):
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.ctl("dlq", "drop", "--all"), "0 letters dropped\n")
        expected = []
        for n in range(1, 401):  # more than a page of each
            p = n * n * 7 % PARTITIONS
            self.add(p, f"{n}-{n % 3}", sender="even" if n % 2 == 0 else "odd", payload=json.dumps("x" * (70_000 if n == 77 else 3)))
            expected.append(f"{p}:{n}-{n % 3}")
        self.add(1000, "401-0")  # left over from when there were more partitions
        expected.append("1000:401-0")
        nodes = {self.cluster.primary_of(f"dlq:messages:{{{p}}}").port for p in self.queues()}
        self.assertEqual(len(nodes), SHARDS)
        self.assertEqual([letter["letter"] for letter in self.listed("--limit", "1000")], expected)
        self.assertEqual([letter["letter"] for letter in self.listed("--limit", "7")], expected[-7:])
        self.assertEqual([letter["letter"] for letter in self.listed("--sender", "odd", "--limit", "5")],
                         [expected[n] for n in (390, 392, 394, 396, 398)])
        lines = [json.loads(line) for line in self.ctl("dlq", "export").splitlines()]
        self.assertEqual([line["letter"] for line in lines], expected)
        self.assertEqual({line["letter"]: line["bytes"] for line in lines}[expected[76]], 70_002)

        shown = json.loads(self.ctl("dlq", "show", expected[5], "--json"))
        self.assertEqual((shown["letter"], shown["attempts"], shown["payload"]), (expected[5], 2, "xxx"))
        self.assertIn("no dead letter 3:1-1 in dlq:messages:{3}", self.ctl("dlq", "show", "3:1-1", code=1))
        for wrong in ("1-1", "x:1-1", "1024:1-1", "3:1", ":1-1", "3:"):
            self.assertIn("expected one like 3:", self.ctl("dlq", "show", wrong, code=2))

        with self.subTest("one is dropped, then those of a filter, each with a record that names its queue"):
            self.assertIn("nothing was changed", self.ctl("dlq", "drop", expected[0], "3:1-1", code=1))
            self.assertEqual(self.ctl("dlq", "drop", expected[0], expected[1], "--by", "ann"), "2 letters dropped\n")
            p = expected[0].split(":")[0]
            self.assertIn(("ann", "dlq.drop", f"dlq:messages:{{{p}}}"),
                          [(r["who"], r["action"], r["object"]) for r in self.operator_records()])
            self.assertEqual(self.ctl("dlq", "drop", "--sender", "even", "--dry-run"), "199 letters would be dropped\n")
            self.assertEqual(self.ctl("dlq", "drop", "--sender", "even"), "199 letters dropped\n")
            self.assertEqual([letter["letter"] for letter in self.listed("--limit", "1000")], expected[2::2])
            named = sum((r["detail"].split() for r in self.operator_records()), [])
            self.assertEqual(len(named), 201)

        with self.subTest("what never proved its sender is apart"):
            self.add(4, "9-1", "dlq:unproven", claimed="eve")
            self.assertEqual([letter["letter"] for letter in self.listed("--unproven")], ["4:9-1"])
            self.assertEqual(self.ctl("dlq", "drop", "--unproven", "--all"), "1 letter dropped\n")
            self.assertEqual(self.listed("--unproven"), [])

    def test_letters_are_found_while_their_slot_moves(self):
        for n in range(1, 121):
            self.add(n % 2, f"{n}-0")
        key = "dlq:messages:{0}"
        origin, to = self.cluster.primary_of(key), self.away_from(key)
        expected = [f"{n % 2}:{n}-0" for n in range(1, 121)]
        names = lambda: [letter["letter"] for letter in self.listed("--limit", "1000")]
        seen = []
        with self.cluster.moving(key, to) as move:
            seen.append(names())  # the key is still where it was
            self.ctl("dlq", "drop", "0:2-0")
            move.keys()
            seen.append(names())  # it is where the slot goes to
            self.ctl("dlq", "drop", "0:4-0")
        seen.append(names())
        self.assertEqual(seen, [expected, [e for e in expected if e != "0:2-0"],
                                [e for e in expected if e not in ("0:2-0", "0:4-0")]])
        self.assertIsNot(self.cluster.primary_of(key), origin)

    def test_after_a_primary_has_died(self):
        for p in range(PARTITIONS):
            self.add(p, f"{p + 1}-0")
        expected = [f"{p}:{p + 1}-0" for p in range(PARTITIONS)]
        victim = self.cluster.primary_of("dlq:messages:{3}")
        replica = self.cluster.replica_of(victim)
        victim.cmd("WAIT", 1, 1000)
        victim.kill()
        early = self.masctl("dlq", "list", redis=self.cluster, timeout=60)
        if early.returncode == 0:  # the replica had taken over
            self.assertEqual(len(early.stdout.splitlines()), PARTITIONS)
        else:
            self.assertEqual(early.stdout, "")
            self.assertIn("masctl: ", early.stderr)
        poll_until(lambda: self.cluster._own_slots(replica), 30, "the replica serves", 0.1)
        self.assertEqual([letter["letter"] for letter in self.listed()], expected)
        self.assertEqual(self.ctl("dlq", "drop", "--all"), f"{PARTITIONS} letters dropped\n")

    def test_those_of_partitions_that_are_gone_are_not_replayed(self):
        self.add(3, "1-0")
        self.add(PARTITIONS, "2-0")
        for which in ("--all", f"{PARTITIONS}:2-0"):
            refused = self.ctl("dlq", "replay", which, code=1)
            self.assertIn(f"letters such as {PARTITIONS}:2-0 are in partitions that are left over", refused)
            self.assertIn(f"masctl partitions set {PARTITIONS + 1}", refused)
        self.assertEqual(self.operator_records(), [])
        self.assertEqual(self.ctl("dlq", "drop", f"{PARTITIONS}:2-0"), "1 letter dropped\n")
        self.assertEqual(self.ctl("dlq", "replay", "--all"), "1 letter handed to the gateway for replay\n")

    def test_they_are_replayed_by_the_gateway_of_their_partition(self):
        senders = self.senders()
        bob = self.peer("bob")
        ids = []
        for sender in senders:
            self.cluster.cmd("SET", f"agent.stream:bob:{{{sender.partition}}}", "not a stream")
            envelopes = [sender.envelope("bob", n=n) for n in range(3)]
            self.assertEqual(sender.send(*envelopes).decisions(), ["UNAVAILABLE"] * 3)
            ids += [json.loads(envelope)["message_id"] for envelope in envelopes]
        self.assertEqual(self.queues(), {sender.partition: 3 for sender in senders})
        self.assertEqual(sorted(letter["id"] for letter in self.listed()), sorted(ids))
        for sender in senders:
            self.cluster.cmd("DEL", f"agent.stream:bob:{{{sender.partition}}}")
            poll_until(lambda: sender.send(sender.envelope("bob")).decisions() == ["ALLOWED"], 10, "it takes entries again")
        # Those that did not get through while the gateway had yet to notice are letters, too.
        ids = [letter["id"] for letter in self.listed("--limit", "10000")]
        replayed = lambda: sorted({message["message_id"] for message in bob.messages()} & set(ids))
        one = self.listed()[0]
        self.assertEqual(self.ctl("dlq", "replay", one["letter"]), "1 letter handed to the gateway for replay\n")
        poll_until(lambda: replayed() == [one["id"]], 10, "it is delivered")
        self.assertEqual(self.ctl("dlq", "replay", "--target", "bob"),
                         f"{len(ids) - 1} letters handed to the gateway for replay\n")
        poll_until(lambda: not self.queues(), 10, "the queues are empty")
        poll_until(lambda: replayed() == sorted(ids), 10, "all are delivered")
        self.assertEqual({r["object"] for r in self.operator_records() if r["action"] == "dlq.replay"},
                         {f"dlq:messages:{{{sender.partition}}}" for sender in senders})
        self.verify()


class HeldTest(GatewayClusterCase):
    config = {"approval": {"mode": "enforce", "rule": [{"type": "payment"}]}}

    def test_they_are_granted_and_denied_by_the_gateway_of_their_partition(self):
        senders = self.senders()
        bob = self.peer("bob")
        for sender in senders:
            granted, denied = (sender.envelope("bob", "payment") for _ in range(2))
            self.assertEqual(sender.send(granted, denied, sender.envelope("bob")).decisions(), ["HELD", "HELD", "ALLOWED"])
            self.assertEqual(self.cluster.cmd("XLEN", f"mas.held:{{{sender.partition}}}"), 2)
        waiting = lambda: json.loads(self.ctl("approval", "list", "--json"))["messages"]
        held = waiting()
        self.assertEqual(len(held), 2 * len(senders))
        granted = [next(one for one in held if one["sender"] == sender.id) for sender in senders]
        denied = [one for one in held if one not in granted]
        self.ctl("approval", "grant", *[one["held"] for one in granted])
        self.ctl("approval", "deny", *[one["held"] for one in denied])
        poll_until(lambda: waiting() == [], 20, "all are taken")
        payments = lambda: sorted(m["message_id"] for m in bob.messages() if m["message_type"] == "payment")
        poll_until(lambda: payments() == sorted(one["id"] for one in granted), 20, "what was granted is delivered")
        self.verify()
        self.assertEqual(senders[0].send(senders[0].envelope("bob", "payment")).decisions(), ["HELD"])
        self.assertEqual(self.gateway.stop(), 0)
        poll_until(lambda: "messages wait for approval" in self.ctl("partitions", "set", 32, code=1), 10, "nobody works")


if __name__ == "__main__":
    main()
