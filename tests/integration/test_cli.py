"""What is typed and configured out of range: clear errors with the right exit code, and no secret in anything written."""

import pathlib

from harness import MasTestCase, for_each, main, poll_until
from harness.build import SOURCE_DIR

DAEMONS = ("registryd", "gatewayd", "healthd")
EXIT_USAGE, EXIT_CONFIG = 64, 78

BAD_URLS = ("", "redis://", "http://h:1", "redis://h:0", "redis://h:65536", "redis://h:x", "redis://h/one", "redis://[::1",
            "unix://relative.sock", "unix://", "redis://h/0?no=such", "redis://h:1:2", "rediss://h?key=/only/half")


class CliTestCase(MasTestCase):
    def run_daemon(self, name, *args, config=None, env=None):
        if config is not None:
            path = self.dir / f"{name}.toml"
            path.write_text(config)
            args = ("--config", path, *args)
        return self.run_program(f"mas-{name}", *args, env=env)

    def check(self, name, config=None, env=None, *args):
        """--check-config."""
        return self.run_daemon(name, "--check-config", *args, config=config, env=env)


class FlagsTest(CliTestCase):
    @for_each(*DAEMONS)
    def test_version_and_help(self, name):
        version = self.run_daemon(name, "--version")
        self.assertEqual(version.returncode, 0)
        self.assertRegex(version.stdout, rf"^mas-{name} \d+\.\d+\.\d+")
        self.assertIn("--check-config", self.run_daemon(name, "--help").stdout)

    @for_each(*DAEMONS)
    def test_bad_flags(self, name):
        for args in (("--no-such-flag",), ("stray",), ("--redis",), ("--config",)):
            done = self.run_daemon(name, *args)
            self.assertEqual(done.returncode, EXIT_USAGE, (args, done.stderr))
            self.assertIn(args[0], done.stderr)

    @for_each(*DAEMONS)
    def test_no_such_file(self, name):
        for args in ((), ("--check-config",)):
            done = self.run_daemon(name, "--config", "/nowhere/x.toml", *args)
            self.assertEqual(done.returncode, EXIT_CONFIG, done.stderr)
            self.assertIn("/nowhere/x.toml", done.stderr)
        done = self.run_daemon(name, "--config", "", "--check-config")
        self.assertEqual(done.returncode, EXIT_CONFIG, done.stderr)
        self.assertIn("--config: the file name is empty", done.stderr)


class ConfigTest(CliTestCase):
    @for_each(*DAEMONS)
    def test_good_configuration(self, name):
        for config in ("", '[http]\nlisten = "127.0.0.1:0"\n[log]\nlevel = "warn"\n'):
            done = self.check(name, config)
            self.assertEqual(done.returncode, 0, done.stderr)

    @for_each(*DAEMONS)
    def test_the_shipped_files(self, name):
        done = self.run_daemon(name, "--check-config", "--config", SOURCE_DIR / f"config/{name}.toml")
        self.assertEqual(done.returncode, 0, done.stderr)

    @for_each(*DAEMONS)
    def test_bad_toml_is_placed(self, name):
        for config, line in (("[http\n", 1), ("[http]\n\nlisten = \n", 3), ("\n\x00\n", 2), ("a = 1\na = 2\n", 2)):
            done = self.check(name, config)
            self.assertEqual(done.returncode, EXIT_CONFIG, (config, done.stderr))
            self.assertRegex(done.stderr, rf"{name}\.toml:{line}\b", config)

    @for_each(*DAEMONS)
    def test_unknown_names_and_the_nearest(self, name):
        done = self.check(name, '[http]\nlistne = "127.0.0.1:0"\n[redsi]\nurl = "redis://h"\n')
        self.assertEqual(done.returncode, EXIT_CONFIG)
        self.assertRegex(done.stderr, rf"{name}\.toml:2\b.*listne.*listen")
        self.assertRegex(done.stderr, rf"{name}\.toml:[34]\b.*redsi.*redis")
        done = self.check(name, env={f"MAS_{name.upper()}_HTTP_LISTNE": "x"})
        self.assertEqual(done.returncode, EXIT_CONFIG)
        self.assertRegex(done.stderr, rf"MAS_{name.upper()}_HTTP_LISTNE.*HTTP_LISTEN")

    @for_each(*DAEMONS)
    def test_values_out_of_range(self, name):
        for section, key, value in (("http", "max_connections", "0"), ("http", "max_connections", '"many"'),
                                    ("http", "listen", '"127.0.0.1:70000"'), ("http", "listen", '"nowhere"'),
                                    ("http", "timeout", '"-1s"'), ("http", "timeout", "3"),
                                    ("log", "level", '"loud"'), ("redis", "namespace", '"a b"'),
                                    ("redis", "command_timeout", '"99999h"'), ("http", "listen", "[1, 2]")):
            done = self.check(name, f"[{section}]\n{key} = {value}\n")
            self.assertEqual(done.returncode, EXIT_CONFIG, (key, value))
            self.assertRegex(done.stderr, rf"{name}\.toml:2\b.*{key}|{section}\.{key}", (key, value))
            self.assertNotIn("internal", done.stderr)

    @for_each(*DAEMONS)
    def test_environment_out_of_range(self, name):
        for key, value in (("HTTP_MAX_CONNECTIONS", "1e9"), ("LOG_LEVEL", ""), ("HTTP_TIMEOUT", "soon")):
            variable = f"MAS_{name.upper()}_{key}"
            done = self.check(name, env={variable: value})
            self.assertEqual(done.returncode, EXIT_CONFIG, variable)
            self.assertIn(variable, done.stderr)

    def test_every_problem_in_one_run(self):
        done = self.check("registryd", '[http]\nlistne = 1\nmax_connections = -1\n', {"MAS_REGISTRYD_LOG_LEVEL": "x"})
        for text in ("listne", "max_connections", "MAS_REGISTRYD_LOG_LEVEL"):
            self.assertIn(text, done.stderr)

    @for_each(*DAEMONS)
    def test_a_wrong_configuration_does_not_start(self, name):
        done = self.run_daemon(name, config="[http]\nlisten = 1\n")
        self.assertEqual(done.returncode, EXIT_CONFIG)

    @for_each(*DAEMONS)
    def test_urls_out_of_range(self, name):
        for url in BAD_URLS:
            done = self.check(name, None, None, "--redis", url)
            self.assertIn(done.returncode, (EXIT_USAGE, EXIT_CONFIG), (url, done.stderr))

    @for_each(*DAEMONS)
    def test_precedence(self, name):
        """Flag over environment over file over default."""
        config, upper = '[redis]\nurl = "redis://file"\n[log]\nlevel = "error"\n', name.upper()
        env = {"MAS_REDIS_URL": "redis://environment", f"MAS_{upper}_LOG_LEVEL": "warn"}
        shown = self.run_daemon(name, "--print-config", config=config)
        self.assertIn('"redis://file"', shown.stdout)
        self.assertIn('level = "error"', shown.stdout)
        shown = self.run_daemon(name, "--print-config", config=config, env=env)
        self.assertIn('"redis://environment"', shown.stdout)
        self.assertIn('level = "warn"', shown.stdout)
        shown = self.run_daemon(name, "--print-config", "--redis", "redis://flag", config=config, env=env)
        self.assertIn('"redis://flag"', shown.stdout)

    @for_each(*DAEMONS)
    def test_printed_configuration_is_a_configuration(self, name):
        shown = self.run_daemon(name, "--print-config")
        self.assertEqual(shown.returncode, 0)
        self.assertEqual(self.check(name, shown.stdout).returncode, 0)


class SecretsTest(CliTestCase):
    secrets = ("s3cret-7f3a",)

    @for_each(*DAEMONS)
    def test_print_config_hides_them(self, name):
        shown = self.run_daemon(name, "--print-config", "--redis", f"redis://user:{self.secrets[0]}@h")
        self.assertEqual(shown.returncode, 0)
        self.assertRegex(shown.stdout, r"redis://[^\n]*\*\*\*[^\n]*@h")

    @for_each(*DAEMONS)
    def test_errors_hide_them(self, name):
        for url in (f"redis://user:{self.secrets[0]}@h:99999", f"redis://:{self.secrets[0]}@h:x", f"htp://u:{self.secrets[0]}@h"):
            self.assertNotEqual(self.check(name, None, None, "--redis", url).returncode, 0)
            self.assertNotEqual(self.check(name, f'[redis]\nurl = "{url}"\n').returncode, 0)
            self.assertNotEqual(self.masctl("agents", "list", redis=url).returncode, 0)

    @for_each(*DAEMONS)
    def test_running_and_refused_logins_hide_them(self, name):
        redis = self.start_redis(f"redis-{name}", requirepass=self.secrets[0])
        wrong = f"unix://:{self.secrets[0]}x@{redis.socket}"
        running = self.start_daemon(f"mas-{name}", redis, {"log": {"level": "debug"}})
        refused = self.daemon(f"mas-{name}", wrong, {"log": {"level": "debug"}}).start()
        poll_until(lambda: "WRONGPASS" in str(refused.wait_unready()), what="/readyz says WRONGPASS")
        poll_until(lambda: redis.scan("mas.daemon:*"), what="a heartbeat")
        pages = [daemon.get(path)[1] for daemon in (running, refused) for path in ("/readyz", "/metrics")]
        pages += [redis.cmd("GET", key) for key in redis.scan("mas.daemon:*")]
        self.assertNotIn(self.secrets[0], "".join(pages))

    def test_masctl_hides_them(self):
        redis = self.start_redis(requirepass=self.secrets[0])
        done = self.masctl("agents", "list", redis=f"unix://:{self.secrets[0]}x@{redis.socket}")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("WRONGPASS", done.stderr)
        self.assertEqual(self.masctl("doctor", redis=redis).returncode in (0, 1, 5), True)

    def test_not_in_the_process_list(self):
        """A URL from the environment or the file stays out of the arguments."""
        redis = self.start_redis(requirepass=self.secrets[0])
        daemon = self.daemon("mas-registryd", None, env={"MAS_REDIS_URL": redis.url()}).start().wait_ready()
        arguments = pathlib.Path(f"/proc/{daemon.child.pid}/cmdline").read_text()
        self.assertNotIn(self.secrets[0], arguments)


class MasctlUsageTest(CliTestCase):
    def test_wrong_command_lines(self):
        for args in ((), ("no-such",), ("agents",), ("agents", "list", "--no-such"), ("--timeout", "-1", "agents", "list"),
                     ("--timeout", "x", "agents", "list"), ("--namespace", "a b", "agents", "list"), ("listen",),
                     ("send", "--as", "a"), ("state",)):
            done = self.masctl(*args)
            self.assertEqual(done.returncode, 2, (args, done.stderr))
            self.assertTrue(done.stderr, args)

    def test_bad_urls(self):
        for url in BAD_URLS:
            done = self.masctl("--redis", url, "agents", "list")
            self.assertEqual(done.returncode, 2, (url, done.stderr))
            self.assertIn("--redis", done.stderr)

    def test_bad_ids_and_json(self):
        redis = self.start_redis()
        for agent_id in ("", "a\nb", "a" * 513):
            done = self.masctl("send", "b", "t", "{}", "--as=" + agent_id, redis=redis)
            self.assertEqual(done.returncode, 2, (agent_id, done.stderr))
        for agent_id in ("-a", "a b", "a" * 129, "", "a/b", "ä"):
            done = self.masctl("listen", "--", agent_id, redis=redis)
            self.assertEqual(done.returncode, 2, (agent_id, done.stderr))
        for json in ("[]", "{", "1", '{"a":"\\ud800"}', "{} {}", '{"a":NaN}', "{" * 200):
            done = self.masctl("send", "b", "t", json, "--as", "a", redis=redis)
            self.assertEqual(done.returncode, 2, (json, done.stderr))
            self.assertNotEqual(done.stderr, "")

    def test_redis_absent(self):
        done = self.masctl("agents", "list", "--timeout", "1", redis="unix:///nowhere/redis.sock")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("/nowhere/redis.sock", done.stderr)


if __name__ == "__main__":
    main()
