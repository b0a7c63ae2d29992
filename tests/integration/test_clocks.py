"""Hosts whose clocks are wrong: Redis's clock is the one that counts."""

import unittest

from harness import clock, for_each, main
from harness.gateway_case import GatewayCase


@unittest.skipUnless(clock.for_our_programs(), "a sanitizer's runtime has to come first")
class ClocksTest(GatewayCase):
    def setUp(self):
        super().setUp()
        self.listener = self.start_listener(self.redis, "echo", "--echo", "--mode", "gateway", env=self.skewed(-3600))

    def skewed(self, seconds):
        return clock.Clock(self.dir / f"clock{seconds}", seconds).env

    def masctl_in_gateway_mode(self, command, *args, seconds, url=None):
        return self.masctl(command, "--mode", "gateway", "--as", "ops", *args, redis=url or self.redis, env=self.skewed(seconds))

    @for_each(-601, -30, 30, 601)
    def test_requests_are_answered(self, seconds):
        done = self.masctl_in_gateway_mode("request", "echo", "ping", '{"n":1}', seconds=seconds)
        self.assertEqual((done.returncode, done.stdout), (0, '{"n":1}\n'), done.stderr)

    @for_each((-601, "601 s behind"), (601, "601 s ahead of"))
    def test_who_may_not_ask_for_the_time_is_told_why_nothing_arrives(self, case):
        seconds, wanted = case
        self.redis.cmd("ACL", "SETUSER", "ops", "on", ">secret", "~*", "&*", "+@all", "-time")
        url = self.redis.url().replace("unix://", "unix://ops:secret@")
        done = self.masctl_in_gateway_mode("request", "--timeout", "2", "echo", "ping", "{}", seconds=seconds, url=url)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("REPLAYED", done.stderr)
        self.assertRegex(done.stderr, wanted.replace("601", "60[0-9]"))


if __name__ == "__main__":
    main()
