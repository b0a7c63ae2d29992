"""masctl bench against a real Redis: it measures, loses nothing, and removes what it wrote."""

import signal

from harness import for_each, main, poll_until
from harness.masctl_case import FAILED, INTERRUPTED, CommandTest


class BenchTest(CommandTest):
    SHORT = ("--seconds", "0.3", "--warmup", "0.05", "--rounds", "2")

    def check_latency(self, latency):
        values = [latency[key] for key in ("p50", "p90", "p99", "p999", "max")]
        self.assertGreater(values[0], 0)
        self.assertEqual(values, sorted(values))

    @for_each("65", "20000")
    def test_p2p_loses_nothing(self, payload):
        result = self.json("bench", "p2p", *self.SHORT, "--payload", payload)
        self.assertEqual((result["lost"], result["doubled"], result["reordered"]), (0, 0, 0))
        self.assertGreater(result["throughput"], 0)
        self.assertGreater(result["ceiling_raw"], 0)
        self.assertGreater(result["ratio"], 0)
        self.check_latency(result["latency_us"])
        self.assertEqual(self.redis.scan("*"), [])

    def test_request(self):
        result = self.json("bench", "request", *self.SHORT)
        self.assertEqual(result["lost"], 0)
        self.check_latency(result["latency_us"])
        self.check_latency(result["raw_latency_us"])
        self.assertEqual(self.redis.scan("*"), [])

    def test_count_bounds_a_run(self):
        result = self.json("bench", "request", "--count", "10", "--rounds", "2", "--warmup", "0")
        self.assertEqual(result["messages"], 10)

    def test_state(self):
        result = self.json("bench", "state", *self.SHORT)
        self.assertGreater(result["updates"], 0)
        self.check_latency(result["latency_us"])
        self.assertEqual(self.redis.scan("*"), [])

    def test_discover_cleans_up_and_spares_other_data(self):
        result = self.json("bench", "discover", "--agents", "2000", "--count", "5")
        self.assertEqual(result["index_by"], "bench")
        self.assertEqual([(r["agents"], r["answer"]) for r in result["results"]],
                         [(20, 10), (20, 10), (2000, 10), (2000, 100), (2000, 1000), (2000, 10)])
        for query in result["results"]:
            self.check_latency(query["latency_us"])
        self.assertEqual(self.redis.scan("*"), [])
        self.redis.cmd("SET", "somebody", "else")
        self.assertIn("somebody", self.fails(FAILED, "bench", "discover", "--agents", "100"))
        self.json("bench", "discover", "--agents", "100", "--count", "5", "--force")
        self.assertEqual(self.redis.scan("*"), ["somebody"])

    def test_discover_through_registryds_index(self):
        self.start_daemon("mas-registryd", self.redis)
        poll_until(lambda: self.redis.cmd("EXISTS", "mas.index") == 1, what="the index is there")
        self.start_listener(self.redis, "bystander", "--capability", "chat")
        result = self.json("bench", "discover", "--agents", "2000", "--count", "5", "--force")
        self.assertEqual(result["index_by"], "registryd")
        self.assertEqual([r["answer"] for r in result["results"]], [10, 10, 10, 100, 1000, 10])
        self.assertEqual(self.redis.scan("mas.capability:*"), ["mas.capability:chat"])
        self.assertEqual(self.redis.scan("agent:bench-*"), [])

    def test_interrupted_it_cleans_up(self):
        bench = self.process("masctl", "bench", "discover", "--agents", "1000000", "--redis", self.redis.url()).start()
        poll_until(lambda: self.redis.cmd("DBSIZE") > 20000, what="agents are loaded")
        bench.send(signal.SIGINT)
        self.assertEqual(bench.wait(30), INTERRUPTED)
        self.assertEqual(self.redis.scan("*"), [])


if __name__ == "__main__":
    main()
