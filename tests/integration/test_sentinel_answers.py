"""Sentinels that are wrong, locked, or gone: what programs do, and what they and `masctl doctor` say."""

import json
import os
import socket
import socketserver
import threading

from harness import main, poll_until
from harness.poll import holds_for
from harness.resp import Parser, encode
from sentinel_case import SENTINELS, SentinelCase


class LyingSentinel:
    """Answers as a sentinel does, with the address that it was made with; None: it knows nothing."""

    def __init__(self, address):
        self.asked = 0
        lying = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                parser = Parser()
                try:
                    while data := self.request.recv(1 << 16):
                        parser.feed(data)
                        while parsed := parser.next():
                            self.request.sendall(lying.answer(*parsed[0]))
                except OSError:  # the first answer was enough
                    pass

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._says = b"*-1\r\n" if address is None else encode(*address)

    def answer(self, *words):
        if words[:2] == ("SENTINEL", "GET-MASTER-ADDR-BY-NAME"):
            self.asked += 1
            return self._says
        return b"+PONG\r\n" if words[0] == "PING" else b"-ERR unknown command\r\n"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class CutOnce:
    """A way to a Redis. The second link leads nowhere and is closed by cut(); all others go through."""

    def __init__(self, redis):
        self._cut = threading.Event()
        self.links = 0
        way = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                way.links += 1
                if way.links == 2:
                    way._cut.wait(20)
                else:
                    way.lead(self.request, (redis.host, redis.port))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = self._server.server_address

    def lead(self, client, server):
        with socket.create_connection(server) as upstream:
            threading.Thread(target=self._copy, args=(upstream, client), daemon=True).start()
            self._copy(client, upstream)

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # the other direction has ended
            pass

    def cut(self):
        self._cut.set()

    def stop(self):
        self.cut()
        self._server.shutdown()
        self._server.server_close()


class SentinelAnswersTest(SentinelCase):
    secrets = ("hunter2",)

    def lying(self, address):
        sentinel = LyingSentinel(address)
        self.addCleanup(sentinel.stop)
        return sentinel

    def test_a_sentinel_that_lies_is_passed_over(self):
        stage = self.start_stage()
        replica = stage.nodes[1]
        for address in ((replica.host, replica.port), (replica.host, 1), None):
            with self.subTest(address):
                liar = self.lying(address)
                url = stage.url(sentinels=[liar, *stage.sentinels])
                daemon = self.start_daemon("mas-registryd", url)
                done = self.masctl("agents", "list", redis=url)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertGreaterEqual(liar.asked, 2)
                self.assertEqual(daemon.stop(), 0)

    def test_sentinels_die_one_after_the_other(self):
        """The link that works is kept; one that is lost comes back to the same primary."""
        stage = self.start_stage()
        daemon = self.start_daemon("mas-registryd", stage.url())
        listener = self.start_listener(stage.primary, "echo", "--echo", url=stage.url())
        for sentinel in stage.sentinels:
            sentinel.kill()
        daemon.wait_log("sentinels_lost", 10)
        holds_for(lambda: daemon.ready()[0], 1, "the daemon stays ready")
        self.assertNotIn("redis_down", daemon.written())
        stage.primary.cmd("CLIENT", "KILL", "TYPE", "normal")
        stage.primary.cmd("CLIENT", "KILL", "TYPE", "pubsub")
        poll_until(lambda: "redis_down" in daemon.written(), 5, "the link was cut")
        daemon.wait_ready(10)
        listener.wait_registered(stage.primary, 10)
        late = self.masctl("agents", "list", redis=stage.url())
        self.assertNotEqual(late.returncode, 0)
        for sentinel in stage.sentinels:
            self.assertIn(f"sentinel {sentinel.address}: cannot connect: connection refused", late.stderr)
        for sentinel in stage.sentinels:
            sentinel.start()
        daemon.wait_log("sentinels_heard", 15)

    def test_a_sentinel_that_was_cut_off_does_not_lead_back(self):
        stage = self.start_stage()
        daemon = self.start_daemon("mas-registryd", stage.url())
        former, old = stage.primary, stage.sentinels[1]
        old.pause()
        stage.by_sentinel()
        poll_until(lambda: "primary_switched" in daemon.written(), 5, lambda: f"it follows: {daemon.written()}")
        for sentinel in (stage.sentinels[0], stage.sentinels[2]):
            sentinel.pause()
        old.resume()
        daemon.wait_ready(10)
        cuts = len(daemon.logged("redis_down"))
        stage.primary.cmd("CLIENT", "KILL", "TYPE", "normal")  # asked again, it names the former primary
        daemon.wait_log("redis_down", 10, after=cuts)
        daemon.wait_ready(10)
        self.assertEqual(daemon.ready()[1]["redis"]["address"], f"redis://{stage.primary.host}:{stage.primary.port}/0")
        self.assertNotEqual(stage.primary, former)
        for sentinel in stage.sentinels:
            sentinel.resume()

    def test_a_request_waits_for_the_second_of_its_links(self):
        """It subscribes on one link and publishes on the other, whose first attempt fails after the subscription."""
        redis = self.start_redis(tcp=True)
        self.start_listener(redis, "echo", "--echo")
        way = CutOnce(redis)
        self.addCleanup(way.stop)
        url = f"redis+sentinel://{self.lying(way.address).address}/mymaster"
        asking = self.process("masctl", "request", "echo", "ping", '{"n":1}', "--as", "ops", "--timeout", 10, "--redis",
                              url).start()
        poll_until(lambda: redis.cmd("PUBSUB", "NUMSUB", "agent.ops")[1] == 1, 10, "it has subscribed")
        way.cut()
        self.assertEqual(asking.wait(20), 0, asking.written())
        self.assertEqual(json.loads(asking.out()), {"n": 1})
        self.assertEqual(way.links, 3)

    def test_a_password_of_the_sentinels(self):
        stage = self.start_stage(sentinel_password="hunter2")
        path = self.dir / "sentinel-password"
        path.write_text("wrong\n")
        os.chmod(path, 0o600)
        url = stage.url(f"?sentinel_password_file={path}")
        daemon = self.daemon("mas-registryd", url).start()
        poll_until(lambda: "WRONGPASS" in daemon.get("/readyz")[1], 10, lambda: f"it says why: {daemon.get('/readyz')}")
        path.write_text("hunter2\n")
        daemon.wait_ready(10)
        daemon.wait_log("sentinels_heard", 10)
        done = self.masctl("agents", "list", redis=stage.url("?sentinel_password=hunter2"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_doctor(self):
        stage = self.start_stage()
        found = self.doctor(stage)
        self.assertEqual(found["sentinels"]["level"], "ok", found["sentinels"])
        self.assertIn(f"{SENTINELS} of {SENTINELS} sentinels answer", found["sentinels"]["found"])
        self.assertEqual(found["quorum"]["level"], "ok", found["quorum"])
        self.assertIn("2 replicas online", found["replicas"]["found"])
        self.assertEqual(found["fail-over"]["level"], "ok", found["fail-over"])
        self.assertEqual(found["loss window"]["level"], "warn", "writes go on without replicas")
        self.assertEqual(found["functions"]["found"].count("replica "), 2, found["functions"])
        stage.primary.cmd("CONFIG", "SET", "notify-keyspace-events", "Ex")
        self.assertEqual(self.doctor(stage)["keyspace events"]["level"], "warn", "its replicas send none")
        stage.sentinels[0].cmd("ACL", "SETUSER", "default", "-sentinel|ckquorum")
        self.assertEqual(self.doctor(stage)["quorum"]["level"], "warn", "this user may not ask")
        stage.sentinels[0].cmd("ACL", "SETUSER", "default", "+sentinel|ckquorum")
        stage.primary.cmd("CONFIG", "SET", "min-replicas-to-write", "1")
        stage.sentinels[1].kill()
        stage.sentinels[2].kill()
        poll_until(lambda: self.doctor(stage)["quorum"]["level"] == "fail", 10, "there is no quorum", 0.3)
        found = self.doctor(stage)
        self.assertEqual(found["loss window"]["level"], "ok", found["loss window"])
        self.assertIn(stage.sentinels[1].address, found["sentinels"]["found"])

    def doctor(self, stage):
        done = self.masctl("doctor", "--json", redis=stage.url())
        return {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}


if __name__ == "__main__":
    main()
