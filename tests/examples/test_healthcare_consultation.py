"""Healthcare consultation: roles, limits, data-loss prevention and audit of a gateway in profile production, around
three agents of which two ask language models."""

import json
import unittest

from case import EXAMPLES_DIR, ExampleCase, answer_to, has_program, main, poll_until

FOLDER = EXAMPLES_DIR / "healthcare_consultation"
SECRET = "219-09-9998"  # the patient's social security number
MASKED = "XXX-XX-9998"
OTHER_AGENT = """
import sys
from mas import Agent, run
class Other(Agent):
    async def on_start(self):
        print("ready", flush=True)
    async def on_message(self, message):
        await message.reply(sys.argv[2], {"texts": 5})
run(Other(sys.argv[1], use_gateway=True))
"""
REFUSED = "patient: the gateway refused: "


class PythonTest(ExampleCase):
    programs = {name: f"healthcare_consultation/{name}.py" for name in ("patient", "doctor", "specialist")}
    redis_options = {"appendonly": "yes"}  # profile production wants it

    def setUp(self):
        super().setUp()
        self.use_model()
        self.keys = self.dir / "keys"
        self.keys.mkdir()
        self.run_example(FOLDER / "config/setup.sh", self.keys)
        self.gateway = self.process("mas-gatewayd", "--config", FOLDER / "config/gatewayd.toml", env={
            **self.env, "MAS_GATEWAYD_HTTP_LISTEN": "127.0.0.1:0", "MAS_GATEWAYD_LOG_FORMAT": "json",
            "MAS_GATEWAYD_GATEWAY_MASTER_KEY_FILE": str(self.keys / "master.key"),
            "MAS_GATEWAYD_AUDIT_SIGNING_KEY": str(self.keys / "audit.pem"),
            "MAS_GATEWAYD_AUDIT_HEAD_INTERVAL": "1s",
            "MAS_GATEWAYD_DLP_RULES_FILE": str(FOLDER / "config/dlp.toml")}).start()
        self.gateway.wait_for_output("partitions_owned", 60)

    def credentials(self, agent):
        return {"MAS_CREDENTIALS": str(self.keys / f"{agent}.toml")}

    def start_doctor(self, *arguments, **env):
        return self.start_example(self.programs["doctor"], *arguments, env={**self.credentials("doctor"), **env},
                                  ready="doctor: ready")

    def start_specialist(self, **env):
        return self.start_example(self.programs["specialist"], env={**self.credentials("specialist"), **env},
                                  ready="specialist: ready")

    def patient(self, *arguments, code=0):
        return self.run_example(self.programs["patient"], *arguments, env=self.credentials("patient"), code=code)

    def test_a_consultation(self):
        doctor, specialist = self.start_doctor(), self.start_specialist()
        out, err = self.patient()
        self.assertEqual(err, "")
        self.assertIn(SECRET, out, "the patient wrote it")

        # What came at the other end, at the doctor's, the specialist's and the model's, has a mask instead.
        said = "".join(message["content"] for messages, _ in self.model.calls for message in messages)
        for where, text in (("doctor", doctor.written()), ("specialist", specialist.written()), ("model", said)):
            self.assertNotIn(SECRET, text, where)
            self.assertIn(MASKED, text, where)

        # Draft, opinion, advice: three answers of the model, each in the question of the next.
        (first, draft), (second, opinion), (third, advice) = self.model.calls
        self.assertEqual([draft, opinion, advice], [answer_to(first), answer_to(second), answer_to(third)])
        self.assertIn(draft, second[1]["content"])
        self.assertIn(f"Draft: {draft}\nOpinion: {opinion}", third[1]["content"])
        self.assertIn(f"patient: advice: {advice}\npatient: note: The specialist was asked.\n", out)

    def test_rules(self):
        self.start_doctor()
        self.start_specialist()
        _, err = self.patient("specialist", code=1)
        self.assertEqual(err, REFUSED + "AUTHZ_DENIED\n")
        self.assertEqual(self.redis.cmd("EXISTS", "agent:patient"), 0, "it has deregistered")
        self.assertEqual(self.model.calls, [], "the specialist never heard of it")
        for _ in range(3):
            self.patient()
        _, err = self.patient(code=1)
        self.assertRegex(err, f"^{REFUSED}RATE_LIMITED, again in 1[12][0-9][0-9] s\n$")

        poll_until(self.has_signed_head, 20, "a head is signed: each second one")
        report = self.report()
        for line in ("9 ALLOWED", "1 AUTHZ_DENIED", "1 RATE_LIMITED", "3 REDACTED"):
            self.assertIn(line, report)
        self.assertRegex(report, "AUTHZ_DENIED.*default: deny")
        self.assertNotIn(SECRET, report)

    def has_signed_head(self):
        done = self.masctl("audit", "verify", "--key", self.keys / "audit.pub", "--json", redis=self.redis)
        return json.loads(done.stdout)["heads"]["trusted"]

    def report(self, code=0):
        out, _ = self.run_example(FOLDER / "config/report.sh", self.keys, code=code)
        return out

    def test_a_report_of_nothing(self):
        report = self.report(code=6)  # of `masctl audit verify`
        self.assertIn("== Messages by decision\n== Messages that were changed or refused\n", report)
        self.assertIn("nothing to verify", report)

    def test_answers_of_another_kind(self):
        self.start_example(self.write("specialist.py", OTHER_AGENT), "specialist", "opinion", ready="ready",
                           env=self.credentials("specialist"))
        doctor = self.start_doctor()
        out, _ = self.patient()
        self.assertIn("patient: note: This is the doctor's advice alone", out)
        doctor.stop()
        self.start_example(self.write("doctor.py", OTHER_AGENT), "doctor", "advice", ready="ready",
                           env=self.credentials("doctor"))
        _, err = self.patient(code=1)
        self.assertRegex(err, "^patient: [^\n]*text[^\n]*\n$")

    def test_no_specialist(self):
        doctor = self.start_doctor("1")
        out, _ = self.patient()
        self.assertIn("patient: note: This is the doctor's advice alone: the specialist could not be asked.\n", out)
        self.assertEqual(len(self.model.calls), 1)
        self.assertIn(f"patient: advice: {self.model.calls[0][1]}\n", out)
        self.assertIn("doctor: goes on without the specialist: ", doctor.written())

    def test_a_model_that_fails(self):
        doctor = self.start_doctor()
        self.start_specialist(OPENAI_MODEL="pretend:status=500")
        out, _ = self.patient()
        self.assertIn("patient: note: This is the doctor's advice alone", out)
        doctor.wait_for_output("goes on without the specialist: The language model at 127.0.0.1 failed; try again "
                               "later (HTTP 500).")
        doctor.stop()
        self.start_doctor(OPENAI_MODEL="pretend:garbage")
        _, err = self.patient(code=1)
        self.assertEqual(err, "patient: no advice: The language model at 127.0.0.1 sent an answer that is not a chat "
                              "completion.\n")


class RulesTest(ExampleCase):
    def test_what_they_find(self):
        for text, verdict, mask in (("ssn 219-09-9998", "redact", MASKED),
                                    ("mrn 12345678", "redact", "[REDACTED MRN]"),
                                    ("see CASE-123456", "redact", "[REDACTED CASE_NUMBER]"),
                                    ("in ward V7", "block", ""),
                                    ("mail jane@example.com", "redact", "j***@example.com"),
                                    ("icd10 E11.65", "none", "")):
            done = self.masctl("dlp", "scan", "--rules", FOLDER / "config/dlp.toml", input=text)
            self.assertIn(f"verdict: {verdict}", done.stdout, text)
            self.assertIn(mask, done.stdout)


@unittest.skipUnless(has_program("example_consultation_doctor"),
                     "libcurl's headers were not installed when this was built")
class CppTest(PythonTest):
    programs = {name: f"example_consultation_{name}" for name in ("patient", "doctor", "specialist")}


if __name__ == "__main__":
    main()
