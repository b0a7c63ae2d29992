"""Redis answers errors: every part recovers by itself and says what it saw."""

import pathlib

from fault_case import FaultTestCase
from harness import Resp, main, poll_until


class CannedErrorsTest(FaultTestCase):
    def check(self, error):
        """Every command is answered with the error, on the connections that exist and on new ones."""
        code = error.split()[0]
        self.proxy.answer(error)
        self.check_said(code)
        done = self.masctl("agents", "list", "--timeout", "2", redis=self.proxy.url())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(code, done.stderr)
        self.proxy.cut()
        for daemon in self.daemons:
            poll_until(lambda: code in daemon.get("/readyz")[1], 15, f"{daemon.name}: /readyz says {code}")
        self.proxy.forward()
        self.check_recovered()

    def test_loading(self):
        self.check("LOADING Redis is loading the dataset in memory")

    def test_noauth(self):
        self.check("NOAUTH Authentication required.")

    def test_readonly(self):
        self.check("READONLY You can't write against a read only replica.")

    def test_oom(self):
        self.check("OOM command not allowed when used memory > 'maxmemory'.")


class RealErrorsTest(FaultTestCase):
    """The same from Redis itself, which refuses some commands and takes others."""

    def test_out_of_memory(self):
        self.redis.cmd("CONFIG", "SET", "maxmemory", "1")
        self.check_said("OOM")
        for daemon in self.daemons:
            self.assertEqual(daemon.get("/healthz")[0], 200)
        self.redis.cmd("CONFIG", "SET", "maxmemory", "0")
        self.check_recovered()

    def test_a_snapshot_fails(self):
        """Redis refuses writes then, and PING with the same error."""
        snapshot = pathlib.Path(self.redis.cmd("CONFIG", "GET", "dir")[1], "dump.rdb")
        snapshot.mkdir()
        self.redis.cmd("CONFIG", "SET", "save", "3600 1")
        self.redis.cmd("BGSAVE")
        poll_until(lambda: self.redis.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "the snapshot failed")
        self.proxy.cut()
        self.check_said("MISCONF")
        for daemon in self.daemons:
            self.assertEqual(daemon.get("/healthz")[0], 200)
        self.redis.cmd("CONFIG", "SET", "save", "")
        self.check_recovered()

    def test_becomes_a_replica(self):
        self.redis.cmd("REPLICAOF", "127.0.0.1", "1")
        self.check_said("READONLY", "replica")
        self.redis.cmd("REPLICAOF", "NO", "ONE")
        self.check_recovered()

    def test_asks_for_a_password(self):
        self.redis.cmd("CONFIG", "SET", "requirepass", "x")
        with Resp(f"unix://:x@{self.redis.socket}") as client:
            client.cmd("CLIENT", "KILL", "SKIPME", "yes")
            client.cmd("CLIENT", "KILL", "TYPE", "pubsub")
            self.check_said("NOAUTH")
            client.cmd("CONFIG", "SET", "requirepass", "")
        self.check_recovered()

    def test_clients_are_killed(self):
        for kind in ("pubsub", "normal"):
            with self.subTest(kind):
                killed = self.redis.cmd("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
                self.assertGreater(killed, 0)
                self.check_recovered()


if __name__ == "__main__":
    main()
