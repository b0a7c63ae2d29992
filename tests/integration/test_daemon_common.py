"""The frame that all daemons share: signals, reload, systemd's notifications, heartbeat, namespace, exit codes."""

import json
import os
import resource
import signal
import socket
import subprocess
import time
import unittest

from harness import MasTestCase, build, for_each, main, poll_until
from harness.build import sanitizers
from harness.http import http_get
from harness.poll import holds_for
from harness.process import die_with_parent

DAEMONS = ("mas-registryd", "mas-gatewayd", "mas-healthd")


def name_of(program):
    return program.removeprefix("mas-")


class ScarceTest(MasTestCase):
    @for_each(*DAEMONS)
    def test_without_descriptors_it_says_so(self, program):
        daemon = self.daemon(program, "redis://127.0.0.1:1")
        done = subprocess.run(daemon.argv, env=daemon.env, capture_output=True, text=True, timeout=20,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5)))
        self.assertEqual(done.returncode, 70, done.stderr)
        self.assertIn("cannot make an event loop: too many open files", done.stderr)


class UnreadLogTest(MasTestCase):
    """Standard error is a pipe that is full."""

    @for_each(*DAEMONS)
    def test_it_stops_nothing(self, program):
        redis = self.start_redis(f"redis-{program}")
        daemon = self.daemon(program, redis, {"log": {"level": "debug"}})
        unread, pipe = os.pipe()
        self.addCleanup(os.close, unread)
        os.set_blocking(pipe, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(pipe, b"\n" * 4096)
        os.set_blocking(pipe, True)
        child = subprocess.Popen(daemon.argv, env=daemon.env, stderr=pipe, preexec_fn=die_with_parent)
        self.addCleanup(child.kill)
        os.close(pipe)
        key = poll_until(lambda: redis.scan("mas.daemon:*"), what="its heartbeat")[0]
        port = int(json.loads(redis.cmd("GET", key))["http"].rsplit(":", 1)[1])
        for _ in range(100):
            child.send_signal(signal.SIGHUP)  # each is logged
            self.assertEqual(http_get(port, "/healthz").status, 200)
        redis.cmd("DEL", key)
        poll_until(lambda: redis.cmd("EXISTS", key), 20, "it goes on beating")
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(5), 0)
        self.assertEqual(redis.scan("mas.daemon:*"), [])


class KubernetesTest(MasTestCase):
    """A service of the pod's namespace that is named like the daemon."""

    @for_each(*DAEMONS)
    def test_service_links_are_passed_over_and_told_once(self, program):
        prefix = program.upper().replace("-", "_")
        links = {f"{prefix}_SERVICE_HOST": "10.0.0.1", f"{prefix}_SERVICE_PORT": "80",
                 f"{prefix}_PORT": "tcp://10.0.0.1:80", f"{prefix}_PORT_80_TCP": "tcp://10.0.0.1:80",
                 f"{prefix}_PORT_80_TCP_PROTO": "tcp", f"{prefix}_PORT_80_TCP_PORT": "80",
                 f"{prefix}_PORT_80_TCP_ADDR": "10.0.0.1"}
        redis = self.start_redis(f"redis-{program}")
        daemon = self.start_daemon(program, redis, env=links)
        told = [event for event in daemon.events() if event["event"] == "environment_ignored"]
        self.assertEqual([(event["level"], sorted(event["variables"].split())) for event in told],
                         [("info", sorted(links))])


@unittest.skipIf(sanitizers(), "a sanitizer's own getaddrinfo comes first")
class HangingResolverTest(MasTestCase):
    """Redis's name is looked up for ever: whoever has a time for it is told when that is over."""

    def setUp(self):
        super().setUp()
        self.env = {"LD_PRELOAD": build.program("mas-hanging-resolver.so")}

    def timed(self, *argv):
        began = time.monotonic()
        done = self.run_program(*argv, env=self.env)
        return done, time.monotonic() - began

    @for_each(*DAEMONS)
    def test_a_daemon_stops(self, program):
        daemon = self.daemon(program, "redis://redis.test:6379", env=self.env).start()
        daemon.wait_log('"event":"http_listening"')
        began = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        self.assertLess(time.monotonic() - began, 5)

    def test_masctl_and_an_agent_end_with_their_time(self):
        for argv in (("masctl", "--timeout", "1", "agents", "list"),
                     ("masctl", "--timeout", "1", "listen", "alice")):
            done, took = self.timed(*argv[:1], "--redis", "redis://redis.test:6379", *argv[1:])
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("redis.test", done.stderr)
            self.assertLess(took, 5, argv)


class StopTest(MasTestCase):
    @for_each(*DAEMONS)
    def test_a_stop_takes_everything_back(self, program):
        for signum in (signal.SIGTERM, signal.SIGINT):
            redis = self.start_redis(f"redis-{program}-{signum}")
            daemon = self.start_daemon(program, redis)
            poll_until(lambda: redis.scan("mas.daemon:*"), what="its heartbeat")
            daemon.send(signum)
            self.assertEqual(daemon.wait(), 0)
            self.assertEqual(redis.scan("mas.daemon:*") + redis.scan("mas.lease:*"), [])
            self.assertEqual(redis.cmd("SMEMBERS", "mas.daemons"), [])

    @for_each(*DAEMONS)
    def test_a_stop_is_bounded_when_redis_does_not_answer(self, program):
        redis = self.start_redis(f"redis-{program}")
        daemon = self.start_daemon(program, redis, {"daemon": {"drain_timeout": "500ms"}})
        poll_until(lambda: redis.scan("mas.daemon:*"), what="its heartbeat")
        redis.pause()
        daemon.send(signal.SIGTERM)
        self.assertIn(daemon.wait(5), (0, 1))
        redis.resume()

    def test_a_second_signal_stops_at_once(self):
        redis = self.start_redis()
        daemon = self.start_daemon("mas-gatewayd", redis, {"daemon": {"drain_timeout": "5m"}, "lease": {"ttl": "1m"}})
        poll_until(lambda: len(daemon.ready()[1]["owned"]) == 16, what="it owns every partition")
        redis.pause()
        daemon.send(signal.SIGTERM)
        daemon.wait_log('"event":"draining"')
        self.assertTrue(daemon.running())
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.wait(5), 1)
        redis.resume()

    @for_each(*DAEMONS)
    def test_a_stop_before_redis_was_there(self, program):
        daemon = self.daemon(program, f"unix://{self.dir}/none.sock").start()
        daemon.wait_unready()
        self.assertEqual(daemon.stop(), 0)

    def test_an_address_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            daemon = self.daemon("mas-gatewayd", None, {"http": {"listen": address}}).start()
            self.assertEqual(daemon.wait(), 69)
            self.assertIn(f"cannot listen on {address} for HTTP: Address already in use", daemon.err())


class ReloadTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def reload(self, daemon, config, event):
        before = len(daemon.logged(f'"event":"{event}"'))
        if config is not None:
            daemon.write_config(config)
        daemon.send(signal.SIGHUP)
        return json.loads(daemon.wait_log(f'"event":"{event}"', after=before))

    @for_each(*DAEMONS)
    def test_a_change_is_logged_and_takes_effect(self, program):
        daemon = self.start_daemon(program, self.redis)
        self.reload(daemon, {"log": {"level": "warn"}, "daemon": {"drain_timeout": "7s"}}, "option_changed")
        poll_until(lambda: self.changes(daemon) == [("log.level", "info", "warn"), ("daemon.drain_timeout", "10s", "7s")],
                   what="both changes are logged")
        self.assertEqual(daemon.logged('"event":"reloaded"'), [])  # below the level now
        self.assertEqual(self.reload(daemon, {"log": {"level": "info"}}, "reloaded")["changes"], 2)

    def changes(self, daemon):
        return [(event["option"], event["old"], event["new"]) for event in daemon.events()
                if event["event"] == "option_changed"]

    @for_each(*DAEMONS)
    def test_all_or_nothing(self, program):
        daemon = self.start_daemon(program, self.redis)
        refused = self.reload(daemon, {"log": {"level": "debug"}, "http": {"timeout": "20s"}}, "reload_refused")
        self.assertEqual((refused["option"], refused["old"], refused["new"]), ("http.timeout", "10s", "20s"))
        refused = self.reload(daemon, {"log": {"level": "debug"}, "http": {"port": 1}}, "reload_refused")
        self.assertRegex(refused["why"], rf"{daemon.name}\.toml:\d+:\d+: unknown key http\.port")
        daemon.config_path.write_text("[log\n")
        self.reload(daemon, None, "reload_refused")
        daemon.config_path.unlink()
        self.assertIn("No such file", self.reload(daemon, None, "reload_refused")["why"])
        self.assertEqual(daemon.logged('"event":"option_changed"'), [])
        self.assertEqual(self.reload(daemon, {}, "reloaded")["changes"], 0)
        self.assertTrue(daemon.ready()[0])


class SystemdTest(MasTestCase):
    """What it writes to NOTIFY_SOCKET."""

    def setUp(self):
        super().setUp()
        path = os.fspath(self.dir / "notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notify.close)
        self.notify.bind(path)
        self.notify.settimeout(10)
        self.env = {"NOTIFY_SOCKET": path}

    def wait_for(self, text):
        while True:
            message = self.notify.recv(4096).decode()
            if text in message:
                return message

    @for_each(*DAEMONS)
    def test_life(self, program):
        daemon = self.daemon(program, f"unix://{self.dir}/none.sock", env=self.env).start()
        self.wait_for("READY=1")  # without Redis
        self.assertIn("none.sock", self.wait_for("STATUS=waiting for Redis"))
        daemon.send(signal.SIGHUP)
        self.assertRegex(self.wait_for("RELOADING=1"), r"MONOTONIC_USEC=\d+")
        self.wait_for("READY=1")
        daemon.send(signal.SIGTERM)
        self.wait_for("STOPPING=1")
        self.assertEqual(daemon.wait(), 0)

    def test_the_watchdog_is_fed_by_the_loop(self):
        daemon = self.daemon("mas-gatewayd", None, env={**self.env, "WATCHDOG_USEC": "200000"}).start()
        for _ in range(3):
            self.wait_for("WATCHDOG=1")
        daemon.pause()
        self.notify.settimeout(1)
        with self.assertRaises(TimeoutError):
            while True:
                self.notify.recv(4096)
        daemon.resume()
        self.notify.settimeout(10)
        self.wait_for("WATCHDOG=1")


class HeartbeatTest(MasTestCase):
    @for_each(*DAEMONS)
    def test_what_it_says_and_who_hears(self, program):
        redis = self.start_redis(f"redis-{program}")
        name = name_of(program)
        with redis.client() as events:
            events.subscribe("mas.system")
            daemon = self.start_daemon(program, redis)
            instance = daemon.instance()
            self.wait_event(events, "DAEMON_UP", name, instance)
            key = f"mas.daemon:{name}:{instance}"
            beat = json.loads(redis.cmd("GET", key))
            self.assertEqual((beat["name"], beat["instance"], beat["pid"]), (name, instance, daemon.child.pid))
            self.assertEqual(beat["http"], f"127.0.0.1:{daemon.port()}")
            self.assertTrue(0 < redis.cmd("PTTL", key) <= 15000)
            self.assertEqual(redis.cmd("SMEMBERS", "mas.daemons"), [f"{name}:{instance}"])
            daemon.stop()
            self.wait_event(events, "DAEMON_DOWN", name, instance)
            self.assertEqual(redis.cmd("EXISTS", key), 0)

    def test_again_after_the_data_was_lost(self):
        redis = self.start_redis()
        daemon = self.start_daemon("mas-gatewayd", redis)
        instance = daemon.instance()
        with redis.client() as events:
            events.subscribe("mas.system")
            redis.cmd("FLUSHALL")
            self.wait_event(events, "DAEMON_UP", "gatewayd", instance)  # with the next beat
        redis.restart(keep_data=False)
        poll_until(lambda: redis.cmd("SMEMBERS", "mas.daemons") == [f"gatewayd:{instance}"], what="it is known again")
        daemon.wait_ready()

    def test_out_of_memory(self):
        redis = self.start_redis()
        daemon = self.start_daemon("mas-gatewayd", redis, {"lease": {"ttl": "1s"}})
        poll_until(lambda: len(daemon.ready()[1]["owned"]) == 16, what="it owns every partition")
        key = f"mas.daemon:gatewayd:{daemon.instance()}"
        redis.cmd("CONFIG", "SET", "maxmemory", "1")
        daemon.wait_log("heartbeat_failed")
        self.assertGreater(redis.cmd("PTTL", key), 14000)
        holds_for(lambda: len(daemon.ready()[1]["owned"]) == 16, 2.5, "leases are renewed when memory is out", 0.1)
        self.assertEqual(daemon.logged("partition_lost"), [])

    def wait_event(self, events, kind, name, instance):
        def heard():
            message = events.message(0.2)
            event = json.loads(message[1]) if message else {}
            return event.get("type") == kind and event.get("daemon") == name and event.get("instance") == instance
        poll_until(heard, 15, f"{kind} of {name}")


class RedisTest(MasTestCase):
    @for_each(*DAEMONS)
    def test_everything_is_in_the_namespace(self, program):
        redis = self.start_redis(f"redis-{program}")
        daemon = self.start_daemon(program, redis, {"redis": {"namespace": "prod"}})
        poll_until(lambda: redis.scan("prod/mas.daemon:*"), what="its heartbeat")
        daemon.stop()
        other = self.start_daemon(program, redis, env={"MAS_NAMESPACE": "test"}, name=f"{program}-env")
        poll_until(lambda: redis.scan("test/mas.daemon:*"), what="its heartbeat")
        other.stop()
        self.assertEqual([key for key in redis.scan() if not key.startswith(("prod/", "test/"))], [])

    def test_a_replica_is_refused_until_it_is_promoted(self):
        primary = self.start_redis("primary", tcp=True)
        replica = self.start_redis("replica", replicaof=(primary.host, str(primary.port)))
        daemon = self.daemon("mas-gatewayd", replica).start()
        poll_until(lambda: "is a replica; expected the primary" in daemon.ready()[1]["reason"], 10, "it says that this is a replica")
        self.assertEqual(daemon.get("/healthz")[0], 200)
        replica.cmd("REPLICAOF", "NO", "ONE")
        daemon.wait_ready()
        replica.cmd("REPLICAOF", primary.host, primary.port)
        poll_until(lambda: not daemon.ready()[0], 10, "it sees that it became a replica again")

    def test_a_cluster_node_is_refused(self):
        redis = self.start_redis(cluster_enabled="yes", tcp=True)
        daemon = self.daemon("mas-gatewayd", redis).start()
        poll_until(lambda: "cluster" in daemon.ready()[1].get("reason", ""), 10, "it says that this is a cluster")


class LogTest(MasTestCase):
    def test_human_or_json(self):
        for form, start in (("human", "20"), ("json", "{"), ("auto", "{")):
            daemon = self.daemon("mas-gatewayd", None, {"log": {"format": form}}).start()
            daemon.wait_for_output("started")
            daemon.stop()
            for line in daemon.err().splitlines():
                self.assertTrue(line.startswith(start), line)

    def test_an_absent_redis_is_not_repeated(self):
        daemon = self.daemon("mas-gatewayd", f"unix://{self.dir}/none.sock").start()
        daemon.wait_log("redis_down")
        holds_for(lambda: len(daemon.logged("redis_down")) == 1, 2, "it is said once")


class FootprintTest(MasTestCase):
    def test_memory_at_rest(self):
        if sanitizers():
            self.skipTest("sanitizers need memory of their own")
        redis = self.start_redis()
        for program in DAEMONS:
            daemon = self.start_daemon(program, redis)
            self.assertLess(daemon.rss_bytes(), 20 * 2**20, program)  # mostly pages of libraries


if __name__ == "__main__":
    main()
