"""Profile production: signed frames, identities that change, and a Redis that forgets them."""

import base64
import time
import tomllib

from harness import MasTestCase, main, poll_until
from harness.gateway_case import QUICK, GatewayCase
from harness.gateway_peer import record

LIMITS = {"per_minute": 1_000_000, "bytes_per_minute": "10GiB"}


class SignedTest(GatewayCase):
    """Profile production: identities made by masctl, frames signed, nothing allowed by default."""

    def setUp(self):
        MasTestCase.setUp(self)
        self.redis = self.start_redis(appendonly="yes")
        self.master = self.dir / "master.key"
        self.assertEqual(self.masctl("key", "generate", str(self.master), redis=self.redis).returncode, 0)
        self.gateway = self.start_gateway(gateway={"profile": "production", "master_key_file": str(self.master)}, limits=LIMITS)
        self.alice, self.bob = self.identity("alice"), self.identity("bob")
        self.rule("acl", "allow", "alice", "bob")

    def rule(self, *args):
        done = self.masctl(*args, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)

    def credentials(self, agent_id, *command):
        path = self.dir / f"{agent_id}-{time.monotonic_ns()}.toml"
        self.rule("identity", *command, agent_id, "--master-key", str(self.master), "--out", str(path))
        with open(path, "rb") as file:
            said = tomllib.load(file)
        return said["token"], (said["key_id"], base64.urlsafe_b64decode(said["key"] + "="))

    def identity(self, agent_id):
        token, key = self.credentials(agent_id, "create")
        return self.peer(agent_id, token=token, key=key)

    def send(self, **options):
        return self.alice.send(self.alice.envelope("bob"), **options)

    def test_signed_messages_arrive(self):
        self.assertEqual(self.send().decisions(), ["ALLOWED"])
        self.assertEqual(len(self.bob.wait_messages(1)), 1)
        self.assertEqual(self.bob.send(self.bob.envelope("alice")).decisions(), ["AUTHZ_DENIED"], "default deny")

    def test_every_byte_counts(self):
        frame = self.alice.frame([record(self.alice.envelope("bob"))], 1)
        envelope = self.alice.envelope("bob")
        for at in range(0, len(frame)):
            changed = bytearray(frame)
            changed[at] ^= 1 << (at % 8)
            self.alice.push(bytes(changed))
        self.redis.cmd("RPUSH", f"mas.ingress:{{{self.alice.partition}}}", frame)  # the true one comes last
        self.bob.wait_messages(1)
        poll_until(lambda: self.redis.cmd("LLEN", f"mas.ingress:{{{self.alice.partition}}}") == 0, 10, "all is decided")
        self.assertEqual(len(self.bob.messages()), 1, "nothing that was changed was delivered")
        metrics = self.gateway.metrics()
        refused = {name: metrics[f'mas_gatewayd_decisions_total{{decision="{name}"}}']
                   for name in ("MALFORMED", "AUTH_FAILED", "SIGNATURE_INVALID", "UNAVAILABLE", "TOO_LARGE")}
        self.assertEqual(sum(refused.values()), len(frame), refused)
        self.assertGreater(refused["SIGNATURE_INVALID"], len(envelope), refused)
        exported = self.masctl("audit", "export", redis=self.redis).stdout.splitlines()
        self.assertEqual(len(exported), len(frame) + 1, "each refusal is audited")

    def test_another_agent_s_key_and_a_token_alone(self):
        key, self.alice.key = self.alice.key, self.bob.key
        self.assertEqual(self.send().decisions(), ["AUTH_FAILED"])
        self.alice.key = (key[0], self.bob.key[1])
        self.assertEqual(self.send().decisions(), ["SIGNATURE_INVALID"])
        self.alice.key = None
        self.assertEqual(self.send().decisions(), ["AUTH_FAILED"], "a token does not do in production")
        self.alice.key = key
        self.assertEqual(self.send().decisions(), ["ALLOWED"])

    def test_rotation_with_overlap(self):
        old = self.alice.key
        _, new = self.credentials("alice", "rotate", "--overlap", "2s")
        self.assertEqual(self.send().decisions(), ["ALLOWED"], "within the overlap")
        self.alice.key = new
        self.eventually(self.send, "ALLOWED")
        self.alice.key = old
        self.eventually(self.send, "AUTH_FAILED", 10)

    def test_suspension_and_revocation_take_effect_at_once(self):
        self.assertEqual(self.send().decisions(), ["ALLOWED"])
        self.rule("identity", "suspend", "alice")
        self.eventually(self.send, "SUSPENDED")
        self.rule("identity", "resume", "alice")
        self.eventually(self.send, "ALLOWED")
        self.rule("identity", "revoke", "alice")
        self.eventually(self.send, "REVOKED")
        stranger = self.peer("alice", key=("k0", b"k" * 32))
        self.assertEqual(stranger.send(stranger.envelope("bob")).decisions(), ["AUTH_FAILED"],
                         "who is not alice does not learn that she was revoked")

    def test_a_redis_that_forgets_is_refused(self):
        redis = self.start_redis("forgetful")
        gateway = self.daemon("mas-gatewayd", redis, {**QUICK, "gateway": {
            "profile": "production", "master_key_file": str(self.master)}, "limits": LIMITS}).start()
        poll_until(lambda: "appendonly" in gateway.ready()[1].get("reason", ""), 10, "it says why it does not decide")
        self.assertEqual(gateway.ready()[1]["deciding"], [])
        looks = gateway.metrics()['mas_gatewayd_surveys_total{result="ok"}']
        poll_until(lambda: gateway.metrics()['mas_gatewayd_surveys_total{result="ok"}'] > looks + 2, 10, "it looks again")
        self.assertEqual(len(gateway.logged("redis_unsafe")), 1, "said once, not at every look")

    def test_a_redis_that_comes_back_forgetful_is_looked_at_first(self):
        self.assertEqual(self.send().decisions(), ["ALLOWED"])
        self.redis.kill()
        self.redis.options["appendonly"] = "no"
        self.redis.start()
        self.alice.push(self.alice.frame([record(self.alice.envelope("bob"))], 2))
        poll_until(lambda: "appendonly" in self.gateway.ready()[1].get("reason", ""), 10, "it says why it does not decide")
        self.assertEqual(self.redis.scan("mas.audit:*"), [], "nothing was decided before it had looked")
        self.assertEqual(self.redis.cmd("LLEN", f"mas.ingress:{{{self.alice.partition}}}"), 1)


if __name__ == "__main__":
    main()
