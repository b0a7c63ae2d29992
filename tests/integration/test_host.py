"""Programs that are hosts to libmas and end, fork or have no room left as they like: the library never makes them crash or hang."""

import random
import subprocess
import sys
import unittest

from harness import MasTestCase, build, main
from harness.gateway_case import GatewayCase
from harness.pki import Authority
from harness.process import clean_environment, die_with_parent

ENDED = 7  # the status that mas-abrupt-host ends with
WAYS = ("return", "exit", "quick", "_exit", "thread", "handler", "debug", "cleanup")
ROUNDS = 3 if build.sanitizers() else 13  # of each way: 104 ends
STATIC_ROUNDS = 3 if build.sanitizers() else 34  # of three ways: 102 ends
PATIENCE = 20


PLUGIN_HOST = f"""
import _ctypes, ctypes, ssl, sys
ssl.create_default_context()
for _ in range(100):
    mas = ctypes.CDLL(sys.argv[1])
    agent = ctypes.c_void_p()
    assert mas.mas_agent_new(b"plugin", None, ctypes.byref(agent)) == 0
    assert mas.mas_agent_start(agent, 10000) == 0
    _ctypes.dlclose(mas._handle)
sys.exit({ENDED})
"""


class AbruptEnd:
    """A host that ends without mas_agent_stop, at random moments: with its status, soon, and without a word."""

    environment = {}
    longest = 60_000  # microseconds

    def test_ends_cleanly_at_any_moment(self):
        seed = random.randrange(2**32)
        chance = random.Random(seed)
        for _ in range(ROUNDS):
            for how in WAYS:
                moment = chance.randrange(self.longest)
                done = self.run_host(how, moment)
                self.assertEqual((done.returncode, done.stderr), (ENDED, ""), f"{how} {moment}, seed {seed}")

    def run_host(self, *arguments, program="mas-abrupt-host"):
        return subprocess.run([build.program(program), *map(str, arguments)], capture_output=True, text=True,
                              timeout=PATIENCE, preexec_fn=die_with_parent,
                              env={**clean_environment(), **self.environment})


class PlainEndTest(AbruptEnd, MasTestCase):
    def setUp(self):
        super().setUp()
        self.environment = {"MAS_REDIS_URL": self.start_redis().url()}

    def test_static_objects_are_destroyed_under_their_threads(self):
        for _ in range(STATIC_ROUNDS):
            for how in ("return", "thread", "handler"):
                done = self.run_host(how, random.randrange(self.longest), program="mas-static-host")
                self.assertEqual((done.returncode, done.stderr), (ENDED, ""), how)


class TlsEndTest(AbruptEnd, MasTestCase):
    def setUp(self):
        super().setUp()
        certificates = Authority(self.dir).issue("server", "DNS:redis.test")
        redis = self.start_redis(tls=certificates)
        query = "&".join(f"{name}={path}" for name, path in certificates.items()) + "&server_name=redis.test"
        self.environment = {"MAS_REDIS_URL": f"rediss://{redis.host}:{redis.tls_port}?{query}"}


    @unittest.skipIf(build.sanitizers(), "a sanitizer's runtime would have to be loaded before the library")
    def test_a_library_that_was_loaded_and_given_up(self):
        """By a host that OpenSSL was loaded and used by before."""
        done = subprocess.run([sys.executable, "-c", PLUGIN_HOST, str(build.build_dir() / "lib/libmas.so.0")],
                              capture_output=True, text=True, timeout=PATIENCE, preexec_fn=die_with_parent,
                              env={**clean_environment(), **self.environment})
        self.assertEqual((done.returncode, done.stderr), (ENDED, ""))


class GatewayEndTest(AbruptEnd, GatewayCase):
    def setUp(self):
        super().setUp()
        self.environment = {"MAS_REDIS_URL": self.redis.url(), "MAS_MODE": "gateway"}


if __name__ == "__main__":
    main()
