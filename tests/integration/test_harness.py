"""The harness's own parts: what the other tests stand on."""

from harness import MasTestCase, PythonAgent, Rejected, Resp, RespError, main, parse_envelope, poll_until
from harness.prometheus import Malformed, parse
from harness.resp import Parser, encode


class RespTest(MasTestCase):
    def test_any_bytes_survive(self):
        redis = self.start_redis()
        with redis.client() as client:
            client.cmd("SET", "k", b"\x00\xff\r\n")
            self.assertEqual(client.cmd("GET", "k").encode("utf-8", "surrogateescape"), b"\x00\xff\r\n")
            self.assertIsNone(client.cmd("GET", "absent"))
            with self.assertRaisesRegex(RespError, "WRONGTYPE"):
                client.cmd("HGETALL", "k")

    def test_pipeline_longer_than_a_read(self):
        with self.start_redis().client() as client:
            replies = client.pipeline(("SET", f"k{i}", "v" * 100) for i in range(5000))
            self.assertEqual(set(replies), {"OK"})
            self.assertEqual(len(client.scan("k*")), 5000)

    def test_parser_byte_by_byte(self):
        parser, message = Parser(), encode("SET", "é", "")
        for byte in message[:-1]:
            parser.feed(bytes([byte]))
            self.assertIsNone(parser.next())
        parser.feed(message[-1:])
        self.assertEqual(parser.next(), (["SET", "é", ""], message))

    def test_publish_reaches_a_subscriber(self):
        redis = self.start_redis()
        with redis.client() as subscriber:
            subscriber.subscribe("c")
            self.assertEqual(redis.cmd("PUBLISH", "c", "m"), 1)
            self.assertEqual(subscriber.message(), ("c", "m"))


class RedisServerTest(MasTestCase):
    def test_restart_keeps_or_loses_data(self):
        redis = self.start_redis()
        redis.cmd("SET", "k", "v")
        redis.restart(keep_data=True)
        self.assertEqual(redis.cmd("GET", "k"), "v")
        redis.restart(keep_data=False)
        self.assertIsNone(redis.cmd("GET", "k"))

    def test_password_and_tcp(self):
        redis = self.start_redis(requirepass="s3cret", tcp=True)
        self.assertEqual(redis.cmd("PING"), "PONG")
        with Resp(redis.tcp_url()) as client, self.assertRaisesRegex(RespError, "NOAUTH"):
            client.cmd("PING")

    def test_paused_server_does_not_answer(self):
        redis = self.start_redis()
        redis.pause()
        with self.assertRaises(TimeoutError), redis.client(0.2) as client:
            client.cmd("PING")
        redis.resume()
        self.assertEqual(redis.cmd("PING"), "PONG")


class FaultProxyTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def test_modes(self):
        for tcp in (False, True):
            with self.subTest(tcp=tcp):
                self.check_modes(self.start_proxy(self.redis, tcp))

    def check_modes(self, proxy):
        client = Resp(proxy.url(), 0.3)
        self.assertEqual(client.cmd("PING"), "PONG")
        proxy.answer("LOADING wait", commands=["GET"])
        replies = client.pipeline([("SET", "k", "v"), ("GET", "k"), ("PING",)], raise_errors=False)
        self.assertEqual(list(map(str, replies)), ["OK", "LOADING wait", "PONG"])
        proxy.stall()
        with self.assertRaises(TimeoutError):
            client.cmd("PING")
        client.close()
        proxy.refuse()
        with self.assertRaises(OSError):
            Resp(proxy.url())
        proxy.forward()
        client = Resp(proxy.url())
        self.assertEqual(client.cmd("GET", "k"), "v")
        proxy.cut()
        with self.assertRaises(ConnectionError):
            client.cmd("PING")
        client.close()


class PythonAgentTest(MasTestCase):
    def test_life_and_request(self):
        redis = self.start_redis()
        with redis.client() as events:
            events.subscribe("mas.system")
            alice = self.start_agent(redis, "alice", ["chat", "maße"])
            self.assertEqual(events.message()[1],
                             '{"type": "REGISTER", "agent_id": "alice", "capabilities": ["chat", "ma\\u00dfe"]}')
            bob = self.start_agent(redis, "bob")
            bob.on("sum.request", lambda data: ("sum.result", {"sum": data["a"] + data["b"]}))
            self.assertEqual(alice.request("bob", "sum.request", {"a": 1, "b": 2})["data"], {"sum": 3})
            self.assertEqual(sorted(bob.discover(["chat"])), ["alice"])
            alice.stop()
            events.message()
            self.assertEqual(events.message()[1], '{"type": "DEREGISTER", "agent_id": "alice"}')
        self.assertEqual(redis.scan("agent:alice*"), [])

    def test_crash_leaves_the_entry(self):
        redis = self.start_redis()
        agent = PythonAgent(redis.url(), "ghost").start()
        agent.update_state({"t": True, "no": None, "d": {"k": [1, None, "é"]}, "f": 1.0, "e": 1e-7})
        agent.vanish()
        self.assertEqual(redis.scan("agent:ghost*"), ["agent:ghost", "agent:ghost:heartbeat"])
        self.assertEqual(redis.hgetall("agent.state:ghost"),
                         {"t": "True", "no": "None", "d": '{"k": [1, null, "\\u00e9"]}', "f": "1.0", "e": "1e-07"})

    def test_what_its_parser_takes(self):
        head = '"sender_id":"a","target_id":"b","message_type":"t"'
        for body in ('"data":{}', '"data":{},"timestamp":"1.5","meta":{"version":"2","x":1}',
                     '"data":{"n":123456789012345678901234567890},"data":{"n":1},"extra":[null]'):
            parse_envelope(f"{{{head},{body}}}")
        for body in ('"data":{},"meta":null', '"data":{},"message_id":5', '"data":[]', '"x":1', '"data":{"s":"\\ud800"}',
                     '"data":{"n":NaN}', '"data":{}', b'"data":{"s":"\xff"}'):
            bad = b"{%s,%s}" % (head.encode(), body) if isinstance(body, bytes) else f"{{{head},{body}}}"
            if body == '"data":{}':
                bad = '{"data":{}}'
            with self.subTest(body=body), self.assertRaises(Rejected):
                parse_envelope(bad)


class PrometheusTest(MasTestCase):
    def test_good_text(self):
        text = ('# HELP a_total x\n# TYPE a_total counter\na_total{l="v"} 1\n'
                '# HELP h y\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n')
        self.assertEqual(parse(text)['a_total{l="v"}'], 1)

    def test_bad_text(self):
        for text in ("a 1\n", "# TYPE a gauge\na 1\n", "# HELP a x\n# TYPE a gauge\na one\n", "# HELP a x\n# TYPE a gauge\na 1",
                     "# HELP a x\n# TYPE a counter\na 1\n", "# HELP a x\n# TYPE a gauge\na{l=v} 1\n", "\n",
                     '# HELP h y\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 3\nh_count 1\n',
                     "# HELP a x\n# TYPE a gauge\na 1\na 1\n"):
            with self.subTest(text=text), self.assertRaises(Malformed):
                parse(text)


class PollTest(MasTestCase):
    def test_says_what_it_waited_for(self):
        with self.assertRaisesRegex(AssertionError, "pigs fly"):
            poll_until(lambda: False, 0.05, "pigs fly")


if __name__ == "__main__":
    main()
