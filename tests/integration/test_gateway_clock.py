"""Redis's clock is set: messages that wait to be delivered again keep their wait, nobody is forgotten, operators hear of it."""

import time

from harness import main, poll_until
from harness.gateway_case import GatewayCase
from harness.poll import holds_for
from test_gateway_failures import FailureCase

HOUR = 3600


class ClockTest(FailureCase):
    config = {**FailureCase.config, "retry": {"attempts": 3, "base": "4s", "cap": "6s"}}

    def setUp(self):
        super().setUp()
        self.bob = self.flaky()

    def start_redis(self, name="redis", **options):
        return super().start_redis(name, clock=True, **options)

    def send_what_fails_once(self):
        self.send(*[{"n": n, "fail": 1} for n in range(20)])
        poll_until(lambda: self.gateway.metrics()["mas_gatewayd_retries_waiting"] == 20, 5, "all wait")
        return time.monotonic()

    def check_told(self):
        self.gateway.wait_log("redis_clock_stepped")
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_redis_clock_steps_total"], 1)

    def test_back(self):
        self.send_what_fails_once()
        self.redis.set_clock(-HOUR)
        poll_until(lambda: len(self.handled(self.bob)) == 20, 12, "none waits for the hour to pass again")
        self.check_told()

    def test_forward(self):
        began = self.send_what_fails_once()
        self.redis.set_clock(HOUR)
        holds_for(lambda: not self.handled(self.bob), 1.5 - (time.monotonic() - began), "none is released at once")
        poll_until(lambda: len(self.handled(self.bob)) == 20, 12, "all come in their time")
        self.check_told()

    def test_back_while_no_gateway_runs(self):
        self.send_what_fails_once()
        self.gateway.stop()
        self.redis.set_clock(-HOUR)
        self.gateway = self.start_gateway()
        poll_until(lambda: len(self.handled(self.bob)) == 20, 15, "no wait is longer than the cap")


class SilentSendersTest(GatewayCase):
    config = {"auth": {"drift": "1s"}}

    def start_redis(self, name="redis", **options):
        return super().start_redis(name, clock=True, **options)

    def test_forward(self):
        alice, again = self.peer("alice"), self.peer("alice")
        self.peer("bob")
        alice.send(alice.envelope("bob"))
        lease = f"agent:alice:alive:{alice.instance.hex()}"
        self.redis.cmd("SET", lease, 1, "EX", 15)
        self.redis.set_clock(HOUR)
        poll_until(lambda: not self.redis.cmd("EXISTS", lease), 5, "its lease ended")
        began = time.monotonic()

        def is_remembered():
            again.send(again.envelope("bob"), timestamp=time.time() + HOUR)  # a turn of the partition is what forgets
            if time.monotonic() - began > 4:
                self.redis.cmd("SET", lease, 1, "EX", 15)
            fields = self.redis.cmd("HKEYS", f"mas.sender:{{{alice.partition}}}")
            return f"alice/{alice.instance.hex()}" in fields
        holds_for(is_remembered, 12, "a silent sender that renews its lease is remembered")


if __name__ == "__main__":
    main()
