"""The ledger of the gateway tests itself: it must see what it is there to see. No gateway takes part."""

import struct

from harness import MasTestCase, main
from harness.ledger import AgentLog, Delivery, Ledger, deliveries_of_aof
from harness.waits import Waits


def blob(*envelopes):
    records = b"".join(struct.pack("<IB", 1 + len(e), 0) + e for e in map(str.encode, envelopes))
    return b"\x01" + records


def envelope(sender, target, number):
    return (f'{{"sender_id":"{sender}","target_id":"{target}","message_type":"t","data":{{"n":{number}}},"meta":{{}},'
            f'"timestamp":1,"message_id":"{sender}-{number}"}}')


class AofTest(MasTestCase):
    def test_what_entered_a_stream_is_seen_whatever_became_of_it(self):
        redis = self.start_redis(appendonly="yes", appendfsync="always")
        with redis.client() as client:
            client.cmd("XGROUP", "CREATE", "agent.stream:b", "agents", "0", "MKSTREAM")
            client.pipeline([("MULTI",), ("XADD", "agent.stream:b", "*", "b", blob(envelope("a", "b", 0), envelope("a", "b", 1))),
                             ("XADD", "mas.audit:{0}", "*", "b", "x"), ("EXEC",)])
            entry = client.cmd("XREADGROUP", "GROUP", "agents", "i", "STREAMS", "agent.stream:b", ">")[0][1][0][0]
            client.pipeline([("XACK", "agent.stream:b", "agents", entry), ("XDEL", "agent.stream:b", entry)])
            client.cmd("EVAL", "local id = redis.call('XADD', KEYS[1], '*', 'b', ARGV[1]) "
                               "return redis.call('XDEL', KEYS[1], id)", 1, "agent.stream:b", blob(envelope("a", "b", 2)))
            client.cmd("EVAL", "redis.call('XADD', KEYS[1], '*', 'b', ARGV[1]) return redis.call('INCR', 'n')", 1,
                       "agent.stream:b:high", blob(envelope("a", "b", 3)))
        redis.kill()
        found = deliveries_of_aof(redis.directory)
        self.assertEqual([(d.sender, d.target, d.number, d.stream) for d in found],
                         [("a", "b", 0, "agent.stream:b"), ("a", "b", 1, "agent.stream:b"),
                          ("a", "b", 3, "agent.stream:b:high")])


class LedgerTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.sender, self.receiver = AgentLog("a"), AgentLog("b")
        self.sender.read("".join(f"try {n} b 0.1\nsent {n} a-{n}\nreceipt a-{n} 0.2 ok ALLOWED\n" for n in range(3)))
        self.receiver.read("".join(f"got a {n} a-{n} 0.3\n" for n in range(3)))
        self.deliveries = [Delivery("a", "b", n, f"a-{n}", "agent.stream:b", f"1-{n}") for n in range(3)]
        self.audited = [(f"a-{n}", "ALLOWED") for n in range(3)]

    def problems(self, **options):
        return Ledger(self.deliveries, [self.sender], [self.receiver], self.audited).problems(**options)

    def assert_problem(self, *texts):
        problems = self.problems()
        self.assertEqual(len(problems), len(texts), problems)
        for problem, text in zip(problems, texts):
            self.assertIn(text, problem)

    def test_all_is_well(self):
        self.assertEqual(self.problems(), [])

    def test_lost(self):
        del self.deliveries[1]
        self.assert_problem("a-1 was receipted as accepted and never delivered",
                            "a-1 was recorded as accepted and not delivered", "a-1 was handled and never delivered")

    def test_doubled(self):
        self.deliveries.append(self.deliveries[2])
        self.assert_problem("a-2 was delivered 2 times", "number 2 of a was delivered 2 times", "came after 2")

    def test_delivered_again_under_another_id(self):
        self.deliveries.insert(2, self.deliveries[1]._replace(message_id="x"))
        self.assertIn("number 1 of a was delivered 2 times", self.problems())

    def test_reordered(self):
        self.deliveries[0], self.deliveries[1] = self.deliveries[1], self.deliveries[0]
        self.assert_problem("number 0 of a to b came after 1")

    def test_stray(self):
        self.sender.tried[1] = "c"
        self.assert_problem("number 1 of a came to b and was not sent there")

    def test_refused_and_delivered(self):
        self.sender.receipts["a-1"] = ("rate_limited", "RATE_LIMITED")
        self.assert_problem("a-1 was delivered; its receipt says")

    def test_unknown_is_no_promise(self):
        self.sender.receipts["a-1"] = ("timeout", "-")
        self.assertEqual(self.problems(), [])

    def test_unaudited(self):
        self.audited[1] = ("a-1", "EXPIRED")
        self.assert_problem("a-1 was delivered and has 0 records")

    def test_audited_twice(self):
        self.audited.append(self.audited[0])
        self.assert_problem("a-0 was delivered and has 2 records")

    def test_handled(self):
        self.receiver.handled.append(self.receiver.handled[0])
        self.assert_problem("a-0 was handled 2 times", "b handled number 0 of a after 2")
        self.assertEqual(self.problems(receivers_died=True), [])
        del self.receiver.handled[1]
        self.assertEqual(self.problems(receivers_died=True), ["a-1 was delivered and not handled"])

    def test_waits(self):
        class Agent:
            def __init__(self, directory, name, text):
                self.out_path = directory / f"{name}.out"
                self.out_path.write_text(text)

            def running(self):
                return self.out_path.name != "killed.out"

        text = "".join(f"try {n} b {n}\nsent {n} a-{n}\n" for n in range(4))
        receipts = "receipt a-0 1.5 ok ALLOWED\nreceipt a-1 5 refused RATE_LIMITED\nreceipt a-2 3 ok ALLOWED\n"
        alive = Agent(self.dir, "alive", text + receipts)
        killed = Agent(self.dir, "killed", text.replace("a-", "k-") + "receipt k-0 1 ok ALLOWED\n")
        receiver = Agent(self.dir, "receiver", "got a 0 a-0 9\ngot a 0 a-0 20\ngot k 1 k-1 7\ngot k")
        waits = Waits()
        waits.follow({"a": [alive], "k": [killed], "b": [receiver]})
        self.assertEqual(waits.due(100), {("a", 2), ("a", 3), ("k", 0)}, "not handled, no receipt, not handled")
        self.assertEqual(waits.due(3), {("a", 2), ("k", 0)})
        found = {message: (since, until, extra) for extra, message, since, until in
                 waits.extra([(0, 2, None), (1, 4, ["b"]), (5, 6, ["c"])], 30)}
        self.assertEqual(found, {("a", 0): (0, 9, 5), ("a", 1): (1, 5, 1), ("a", 2): (2, 30, 26), ("a", 3): (3, 30, 26),
                                 ("k", 0): (0, 30, 26), ("k", 1): (1, 7, 3)})
        with receiver.out_path.open("a") as file:
            file.write(" 0 k-0 31\n")
        waits.follow({"b": [receiver]})
        self.assertEqual(waits.due(100), {("a", 2), ("a", 3)})

    def test_a_second_receipt(self):
        self.sender.read("receipt a-0 0.4 ok ALLOWED\n")
        self.assert_problem("a-0 of a has two receipts")


if __name__ == "__main__":
    main()
