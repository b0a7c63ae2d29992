"""`python -m mas`, `python -m mas.service`, MASService, and the wheel: what they start, say and exit with."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import unittest
import unittest.mock
import zipfile

from case import PACKAGE_DIR, PRELOADED, SOURCE_DIR, AgentCase, ProgramCase, build, eventually, main, mas, poll_until
from harness.process import clean_environment
from mas import _address, _daemon

CLASS = """
from mas import Agent
class Greeter(Agent):
    def __init__(self, agent_id):
        super().__init__(agent_id, ["greet"])
    async def on_start(self):
        print("up as", self.id, flush=True)
    @Agent.on("greet")
    async def greet(self, message, payload):
        await message.reply("greeting", {"text": "Hello, " + message.data["name"]})
"""
INSTANCES = CLASS + """
one = Greeter("one")
two = Greeter("two")
again = two
"""


class AddressTest(unittest.TestCase):
    def test_only_user_and_password_are_left_out(self):
        for url, shown in (
                ("redis://ada:s3cret@host:6379/0", "redis://host:6379/0"),
                ("rediss://:s3@cret@host?ca=/etc/ada@home.pem", "rediss://host?ca=/etc/ada@home.pem"),
                ("rediss://host?server_name=a@b", "rediss://host?server_name=a@b"),
                ("redis+sentinel://ada:s3cret@host,other/mymaster?sentinel_password=s3&cret",
                 "redis+sentinel://host,other/mymaster?sentinel_password=***"),
                ("redis+sentinel://host/mymaster?sentinel_password_file=/f",
                 "redis+sentinel://host/mymaster?sentinel_password_file=/f"),
                ("unix://ada:s3cret@/run/redis.sock", "unix:///run/redis.sock"),
                ("unix:///run//ada@home/redis.sock", "unix:///run//ada@home/redis.sock")):
            with self.subTest(url):
                self.assertEqual(_address.without_secrets(url), shown)


class RunTest(ProgramCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.env = {"MAS_REDIS_URL": self.redis.url()}

    def check_serves(self, agent_id, *arguments, number=signal.SIGTERM, ups=1, env=None):
        child = self.start_python("-m", "mas", *arguments, env=self.env if env is None else env)
        self.assertIn(f"up as {agent_id}\n", [child.stdout.readline() for _ in range(ups)])
        done = self.masctl("request", "--as", "ops", agent_id, "greet", '{"name":"you"}', redis=self.redis)
        self.assertEqual((done.returncode, done.stdout), (0, '{"text":"Hello, you"}\n'), done.stderr)
        child.send_signal(number)
        self.assertEqual((child.wait(20), child.stdout.read()), (0, ""))
        self.assertEqual(self.redis.scan("agent:*"), [])

    def test_a_class(self):
        self.check_serves("my-greeter", self.write("my greeter.py", CLASS))
        self.check_serves("other", "--id", "other", self.write("greeter.py", CLASS), number=signal.SIGINT)

    def test_instances(self):
        self.check_serves("two", self.write("agents.py", INSTANCES), ups=2)

    def test_the_address_on_the_command_line(self):
        self.check_serves("greeter", "--redis", self.redis.url(), self.write("greeter.py", CLASS), env={})

    def test_a_file_with_a_module_beside_it(self):
        self.write("helper_of_greeter.py", CLASS)
        self.check_serves("main", self.write("main.py", "import helper_of_greeter\n"
                                             "class Mine(helper_of_greeter.Greeter): pass\n"))

    def check_fails(self, code, text, *arguments, env=None):
        done = self.python("-m", "mas", *arguments, env={**self.env, **(env or {})})
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr)

    def test_wrong_use(self):
        greeter, instances = self.write("greeter.py", CLASS), self.write("instances.py", INSTANCES)
        self.check_fails(2, "usage: python -m mas")
        self.check_fails(2, "nowhere.py: no such file", "nowhere.py")
        self.check_fails(2, "no agent in it", self.write("empty.py", "x = 1\n"))
        self.check_fails(2, "no agent in it", self.write("imports.py", "from mas import Agent\n"))
        self.check_fails(2, "--id is for a file", "--id", "x", instances)
        self.check_fails(2, "unrecognized", "--nonsense", greeter)

    def test_what_fails(self):
        greeter = self.write("greeter.py", CLASS)
        self.check_fails(1, "cannot connect", greeter, env={"MAS_REDIS_URL": f"unix://{self.dir}/nowhere.sock"})
        self.check_fails(1, "SyntaxError", self.write("broken.py", "class\n"))
        self.check_fails(1, "LookupError: in the file", self.write("raises.py", "raise LookupError('in the file')\n"))
        self.check_fails(1, "agent id 'not an id'", "--id", "not an id", greeter)

    def test_version(self):
        done = self.python("-m", "mas", "--version")
        self.assertEqual((done.returncode, done.stdout),
                         (0, f"mas {mas.__version__} ({PACKAGE_DIR}/mas/libmas.so.0)\n"))

    def wait_line(self, child, text):
        """Reads until a line has `text` in it; other lines are of asyncio's development mode."""
        lines = []
        while not lines or text not in lines[-1]:
            lines.append(child.stdout.readline())
            self.assertTrue(lines[-1], f"it ended without {text!r}: {lines}")

    def daemons(self):
        return {key.split(":")[1] for key in self.redis.scan("mas.daemon:*")}

    def test_the_service(self):
        child = self.start_python("-m", "mas.service", env=self.env)
        self.wait_line(child, "started mas-registryd, mas-healthd")
        self.assertEqual(self.daemons(), {"registryd", "healthd"})
        second = self.start_python("-m", "mas.service", "--redis", self.redis.url())
        self.wait_line(second, "all is at work already")
        for process in (second, child):
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(20), 0, process.stdout.read())
        poll_until(lambda: not self.daemons(), 10, "the daemons are gone")

    def test_the_service_without_redis(self):
        done = self.python("-m", "mas.service", "--redis", f"unix://{self.dir}/nowhere.sock")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot connect", done.stderr)

    def test_the_daemons_end_with_a_service_that_is_killed(self):
        if shutil.which("setpriv") is None:
            self.skipTest("setpriv is not installed")
        child = self.start_python("-m", "mas.service", env=self.env)
        self.wait_line(child, "started")
        self.assertEqual(self.daemons(), {"registryd", "healthd"})
        child.kill()
        poll_until(lambda: not self.daemons(), 20, "the daemons drain and go")


class ServiceTest(AgentCase):
    async def test_starts_and_stops(self):
        service = mas.MASService(self.url, heartbeat_timeout=2)
        await service.start()
        await service.start()
        self.assertEqual(service.started, ["mas-registryd", "mas-healthd"])
        agent = await self.start(mas.Agent, "a", ["chat"])
        await eventually(lambda: self.redis.cmd("SMEMBERS", "mas.capability:chat") == ["a"])
        self.assertEqual([found["id"] for found in await agent.discover(["chat"])], ["a"])
        await service.stop()
        await service.stop()
        self.assertEqual(service.started, [])

    async def test_a_stop_that_is_cancelled_can_be_repeated(self):
        service = mas.MASService(self.url)
        await service.start()
        stopping = asyncio.create_task(service.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
        self.assertTrue(stopping.cancelled())
        await service.stop()
        self.assertEqual((service.started, self.redis.scan("mas.daemon:*")), ([], []))

    async def test_an_agent_without_heartbeat(self):
        async with mas.MASService(self.url, heartbeat_timeout=1):
            ghost = self.start_agent(self.redis, "ghost", heartbeat_interval=0.3, heartbeat_ttl=1)
            ghost.vanish()
            await eventually(lambda: self.redis.cmd("HGET", "agent:ghost", "status") == "INACTIVE", 15)

    async def test_nothing_installed(self):
        service = mas.MASService(self.url)
        os.environ["MAS_BIN_DIR"] = str(self.dir)
        self.addCleanup(os.environ.pop, "MAS_BIN_DIR")
        with self.assertLogs("mas.service", "WARNING") as logs:
            await service.start()
        self.assertEqual(service.started, [])
        self.assertIn(f"mas-registryd is not in {self.dir} (MAS_BIN_DIR)", logs.output[0])
        await service.stop()

    async def test_a_daemon_that_ends(self):
        for name in ("mas-registryd", "mas-healthd"):
            path = self.write(name, "#!/bin/sh\necho 'no luck today' >&2\nexit 3\n")
            path.chmod(0o755)
        os.environ["MAS_BIN_DIR"] = str(self.dir)
        self.addCleanup(os.environ.pop, "MAS_BIN_DIR")
        await self.assert_refuses(mas.MASError, "mas-registryd ended; its last words: no luck today",
                                  mas.MASService(self.url).start())

    async def test_a_daemon_that_writes_a_long_line(self):
        """It goes on, and what it writes after that is read."""
        program = self.write("mas-healthd", "#!/bin/sh\n"
                             "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2\n"
                             "echo '{\"event\":\"active\"}' >&2\n"
                             "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2\n"
                             "echo written > wrote; exec sleep 60\n")
        program.chmod(0o755)
        with unittest.mock.patch.dict(os.environ, {"MAS_BIN_DIR": str(self.dir)}), contextlib.chdir(self.dir):
            daemon = _daemon.Daemon("mas-healthd", self.url)
            await daemon.start()
        self.addAsyncCleanup(daemon.stop)
        await eventually((self.dir / "wrote").exists)

    async def test_redis_out_of_reach(self):
        service = mas.MASService(f"unix://{self.dir}/x.sock")
        await self.assert_refuses(ConnectionError, "cannot connect", service.start())


class WheelTest(ProgramCase):
    def make_wheel(self):
        """@return its path."""
        done = subprocess.run([sys.executable, "-B", SOURCE_DIR / "sdk/python/make_wheel.py", "--version",
                               mas.__version__, "--library", build.build_dir() / "lib/libmas.so", "--out", self.dir],
                              capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def test_the_library_is_inside(self):
        wheel = self.make_wheel()
        installed = self.dir / "installed"
        with zipfile.ZipFile(wheel) as archive:
            self.assertIsNone(archive.testzip())
            archive.extractall(installed)
            record = archive.read(f"mas-{mas.__version__}.dist-info/RECORD").decode()
            listed = [line.split(",")[0] for line in record.split()]
            self.assertEqual(sorted(listed), sorted(archive.namelist()))
        staged = {path.relative_to(PACKAGE_DIR) for path in (PACKAGE_DIR / "mas").rglob("*.py")}
        self.assertEqual({path.relative_to(installed) for path in (installed / "mas").rglob("*.py")}, staged)
        self.assertTrue((installed / "mas/py.typed").exists())
        done = subprocess.run([sys.executable, "-B", "-m", "mas", "--version"], capture_output=True, text=True,
                              cwd=self.dir, env={**clean_environment(), **PRELOADED, "PYTHONPATH": str(installed)})
        self.assertEqual(done.stdout, f"mas {mas.__version__} ({installed}/mas/libmas.so.0)\n", done.stderr)

    def test_pip_takes_it(self):
        if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0:
            self.skipTest("pip is not installed")
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-compile",
                               "--target", self.dir / "target", self.make_wheel()],
                              capture_output=True, text=True, env=clean_environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.dir / "target/mas/libmas.so.0").exists())


if __name__ == "__main__":
    main()
