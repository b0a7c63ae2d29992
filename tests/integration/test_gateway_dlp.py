"""The gateway's data-loss prevention: what becomes of messages, what the audit says, and that no value is left anywhere
that daemons write."""

import base64
import json
import os
import signal
import threading
import time

from harness import MasTestCase, main, poll_until
from harness.gateway_case import QUICK, GatewayCase

SSN, CARD, MRN, PASSWORD = "219-45-9876", "4111 1111 1111 1111", "00482913", "hunter2-Zq7"
TOKEN = "ghp_" + "Zq7Rk2Vw9Xb4Nc8Td3Yf6Hg1Jm5Lp0Sa2Ue7"


class DlpTest(GatewayCase):
    secrets = (SSN, CARD, MRN, PASSWORD, TOKEN, SSN.replace("-", ""), CARD.replace(" ", ""))

    def audit(self, *arguments):
        result = self.masctl("audit", "query", "--json", *arguments, redis=self.redis)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)["records"]

    def delivered(self, peer):
        """The bytes of the envelopes in its stream."""
        found = self.redis.cmd("XRANGE", f"agent.stream:{peer.id}", "-", "+")
        return b"".join(fields[1].encode("utf-8", "surrogateescape") for _, fields in found)

    def test_blocked(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        receipt = alice.send(
            alice.envelope("bob", data={"note": f"card {CARD}", "password": PASSWORD}), alice.envelope("bob", data={"n": 1}))
        self.assertEqual(receipt.decisions(), ["DLP_BLOCKED", "ALLOWED"])
        self.assertEqual(receipt.outcomes[0][2], "the payload contains: credit_card, password")
        self.assertEqual([m["data"] for m in bob.wait_messages(1)], [{"n": 1}])
        record = [r for r in self.audit() if r["decision"] == "DLP_BLOCKED"][0]
        self.assertRegex(record["detectors"][0], r"^credit_card data\.note [0-9a-f]{16}$")
        self.assertRegex(record["detectors"][1], r"^password data\.password [0-9a-f]{16}$")
        metrics = self.gateway.metrics()
        self.assertEqual(metrics['mas_gatewayd_dlp_findings_total{type="credit_card",action="block"}'], 1)
        self.assertEqual(metrics['mas_gatewayd_decisions_total{decision="DLP_BLOCKED"}'], 1)

    def test_what_stands_there_twice_carries_nothing_through(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        number = CARD.replace(" ", "")
        texts = ["message_id", "message_type", "sender_id", "target_id"]
        doubled = [alice.envelope("bob").replace(b'{"sender_id"', b'{"%s":"%s","sender_id"' % (name.encode(), number.encode()), 1)
                   for name in texts]
        for name in ("timestamp", "timest\\u0061mp"):
            doubled.append(alice.envelope("bob").replace(b'{"sender_id"', b'{"%s":%s,"sender_id"' % (name.encode(), number.encode()), 1))
        for name in ("hops", "deadline"):
            doubled.append(alice.envelope("bob", hops=1, deadline=2e9).replace(b'{"version"', b'{"%s":%s,"version"' % (name.encode(), number.encode()), 1))
        for name in ("meta", "data"):
            doubled.append(alice.envelope("bob").replace(b'{"sender_id"', b'{"%s":{"hops":%s},"sender_id"' % (name.encode(), number.encode()), 1))
        self.assertEqual([number.encode() in envelope for envelope in doubled], [True] * 10)
        self.assertEqual(alice.send(*doubled).decisions(), ["MALFORMED"] * 10)
        self.assertEqual(bob.messages(), [])

    def test_masked_and_the_rest_stays(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        raw = '{ "ssn" : "%s" , "big":12345678901234567890, "f": 1.50e3,"k":"\\u00e9" }' % SSN
        envelope = alice.envelope("bob", data={"x": 1}).replace(b'{"x":1}', raw.encode())
        self.assertIn(raw.encode(), envelope)
        self.assertEqual(alice.send(envelope).decisions(), ["REDACTED"])
        bob.wait_messages(1)
        self.assertIn(raw.replace(SSN, "XXX-XX-9876").encode(), self.delivered(bob))
        self.assertEqual([r["decision"] for r in self.audit("--decision", "REDACTED")], ["REDACTED"])

    def test_alerts_pass_and_are_told(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob", data={"to": "bob.smith@example.com"})).decisions(), ["ALLOWED"])
        self.assertEqual(bob.wait_messages(1)[0]["data"], {"to": "bob.smith@example.com"})
        self.assertRegex(self.audit()[0]["detectors"][0], r"^email data\.to [0-9a-f]{16}$")

    def test_no_value_is_left_where_it_must_not_be(self):
        """Logs, metrics and errors are looked through by the case itself (`secrets`); Redis is here."""
        alice, bob = self.peer("alice"), self.peer("bob")
        self.peer("carol", register=False)
        payloads = [{"ssn": SSN}, {"a": {SSN: 1}}, {"n": int(SSN.replace("-", ""))}, {"t": f"SSN {SSN} and card {CARD}"},
                    {"password": PASSWORD}, {"mrn": MRN}, {"auth": f"token {TOKEN}"},
                    {"j": json.dumps({"ssn": SSN, "k": json.dumps({"password": PASSWORD})})},
                    {"b": base64.b64encode(f"ssn: {SSN}".encode()).decode()}]
        for payload in payloads:
            alice.send(alice.envelope("bob", data=payload))
        alice.send(alice.envelope("nobody", data=payloads[0]))
        poll_until(lambda: self.redis.cmd("LLEN", f"mas.ingress:{{{alice.partition}}}") == 0, 5, "all is decided")
        written = b"".join(repr(self.redis.cmd(*command)).encode() for command in (
            ("XRANGE", f"mas.audit:{{{alice.partition}}}", "-", "+"), ("HGETALL", f"mas.sender:{{{alice.partition}}}"),
            ("XRANGE", "dlq:messages", "-", "+")))
        delivered = self.delivered(bob)
        for secret in self.secrets:
            self.assertNotIn(secret.encode(), written)
        for secret in (SSN, CARD, MRN, PASSWORD, TOKEN):
            self.assertNotIn(secret.encode(), delivered)
        http = self.gateway.get("/metrics")[1] + self.gateway.get("/readyz")[1]
        for secret in self.secrets:
            self.assertNotIn(secret, str(http))


class RulesFileTest(GatewayCase):
    secrets = (SSN,)

    def setUp(self):
        MasTestCase.setUp(self)
        self.redis = self.start_redis()
        self.rules = self.dir / "rules.toml"
        self.write("[dlp.types]\nssn = \"encrypt\"\n")
        self.key = self.dir / "dlp.key"
        self.key.write_bytes(b"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkj")
        self.key.chmod(0o600)
        self.gateway = self.start_gateway(dlp={"rules_file": str(self.rules), "encryption_key_file": str(self.key)})

    def write(self, text):
        self.rules.write_text(text)

    def test_encrypted_and_its_rules_are_read_again(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob", data={"ssn": SSN})).decisions(), ["ENCRYPTED"])
        self.assertRegex(bob.wait_messages(1)[0]["data"]["ssn"], r"^\{mas:enc:s:dlp:[A-Za-z0-9_-]+\}$")
        self.write('[[dlp.override]]\nsender = "ali*"\ntarget = "bob"\ntypes = { ssn = "off" }\n')
        self.gateway.send(signal.SIGHUP)
        self.gateway.wait_log("reloaded")
        self.assertEqual(alice.send(alice.envelope("bob", data={"ssn": SSN})).decisions(), ["ALLOWED"])
        carol = self.peer("carol")
        self.assertEqual(carol.send(carol.envelope("bob", data={"ssn": SSN})).decisions(), ["REDACTED"])

    def test_a_wrong_file_is_refused_with_its_line_and_nothing_changes(self):
        self.write("[dlp.types]\nssn = \"shred\"\n")
        self.gateway.send(signal.SIGHUP)
        line = self.gateway.wait_log("reload_refused")
        self.assertIn(f"{self.rules}:2", str(line))
        alice, bob = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob", data={"ssn": SSN})).decisions(), ["ENCRYPTED"])
        self.assertEqual(len(bob.wait_messages(1)), 1)


class ShadowTest(GatewayCase):
    config = {"dlp": {"mode": "shadow"}}

    def test_what_would_be_is_audited_and_the_message_goes_on(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        data = [{"note": f"card {CARD}"}, {"ssn": SSN}]
        receipt = alice.send(*[alice.envelope("bob", data=one) for one in data])
        self.assertEqual(receipt.decisions(), ["ALLOWED", "ALLOWED"])
        self.assertEqual([m["data"] for m in bob.wait_messages(2)], data)
        result = self.masctl("audit", "query", "--json", redis=self.redis)
        shadows = [record.get("shadow_decision") for record in json.loads(result.stdout)["records"]]
        self.assertEqual(shadows, ["DLP_BLOCKED", "REDACTED"])


class BetweenCheckAndUseTest(GatewayCase):
    """Rules that are right when a reload checks them and wrong when it makes them: a pipe gives another text each time."""

    def setUp(self):
        MasTestCase.setUp(self)
        self.redis = self.start_redis()
        self.pipe = self.dir / "rules.toml"
        os.mkfifo(self.pipe)

    def reload(self, config, *texts):
        """Reloads with `config` while the rules' file says each text in turn."""
        def write():
            for text in texts:
                with open(self.pipe, "w") as pipe:  # opens when the gateway does
                    pipe.write(text)
                time.sleep(0.02)  # the gateway sees the end before the next text begins
        writer = threading.Thread(target=write)
        writer.start()
        self.gateway.write_config({**QUICK, **config})
        self.gateway.send(signal.SIGHUP)
        writer.join(10)
        self.assertFalse(writer.is_alive(), "the rules were not read as often as they were written")

    def test_from_off_everything_is_unavailable_and_readyz_says_so(self):
        self.gateway = self.start_gateway(dlp={"mode": "off"})
        alice, bob = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob", data={"n": 1})).decisions(), ["ALLOWED"])
        self.reload({"dlp": {"mode": "enforce", "rules_file": str(self.pipe)}}, "", "[dlp.types]\nssn = \"shred\"\n")
        self.gateway.wait_log("dlp_not_started")
        self.assertEqual(alice.send(alice.envelope("bob", data={"n": 2})).decisions(), ["UNAVAILABLE"])
        ready, said = self.gateway.ready()
        self.assertFalse(ready)
        self.assertIn("data-loss prevention could not start", said["reason"])
        self.assertIn("rules.toml:2", said["reason"])
        self.assertEqual(len(bob.wait_messages(1)), 1)
        self.reload({"dlp": {"mode": "enforce", "rules_file": str(self.pipe)}}, "", "")
        self.eventually(lambda: alice.send(alice.envelope("bob", data={"ssn": SSN})), "REDACTED")
        self.assertTrue(self.gateway.ready()[0])

    def test_rules_in_force_are_kept_and_the_audit_names_them(self):
        self.gateway = self.start_gateway(dlp={"mode": "enforce"})
        alice, bob = self.peer("alice"), self.peer("bob")
        self.reload({"dlp": {"mode": "enforce", "rules_file": str(self.pipe)}}, "", "")
        self.gateway.wait_log("reloaded")
        self.assertEqual(alice.send(alice.envelope("bob", data={"ssn": SSN})).decisions(), ["REDACTED"])
        self.reload({"dlp": {"mode": "enforce", "rules_file": str(self.pipe)}}, "", "[dlp.types]\nssn = \"shred\"\n")
        self.gateway.wait_log("dlp_rules_kept")
        self.assertEqual(alice.send(alice.envelope("bob", data={"ssn": SSN})).decisions(), ["REDACTED"])
        ready, said = self.gateway.ready()
        self.assertTrue(ready)
        self.assertEqual(said["dlp"], "former rules")
        off = '[dlp.types]\nssn = "off"\n'
        self.reload({"dlp": {"mode": "enforce", "rules_file": str(self.pipe)}}, off, off)
        self.eventually(lambda: alice.send(alice.envelope("bob", data={"ssn": SSN})), "ALLOWED")
        result = self.masctl("audit", "query", "--json", redis=self.redis)
        records = json.loads(result.stdout)["records"]
        kept = [r["policy"] for r in records if r["decision"] == "REDACTED"]
        changed = [r["policy"] for r in records if r["decision"] == "ALLOWED"]
        self.assertEqual(kept[0], kept[1])
        self.assertNotIn(kept[0], changed)
        self.assertEqual(len(bob.wait_messages(3)), 3)


class OffTest(GatewayCase):
    config = {"dlp": {"mode": "off"}}

    def test_nobody_looks(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob", data={"ssn": SSN})).decisions(), ["ALLOWED"])
        self.assertEqual(bob.wait_messages(1)[0]["data"], {"ssn": SSN})


if __name__ == "__main__":
    main()
