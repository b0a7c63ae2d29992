"""masctl dlp: scans, rules and the benchmark, without Redis or a daemon."""

import hashlib
import json
import os
import subprocess

from harness import MasTestCase, build, main
from harness.process import clean_environment, die_with_parent

PASSES, BLOCKED, USAGE, MASKED = 0, 1, 2, 5
SSN, CARD = "219-09-9998", "4111 1111 1111 1111"


class DlpTest(MasTestCase):
    def dlp(self, *args, input=None, code=PASSES):
        done = self.masctl("dlp", *args, input=input, env={"MAS_REDIS_URL": "unix:///nowhere/redis.sock"})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def rules_file(self, text):
        path = self.dir / "rules.toml"
        path.write_text(text)
        return path


class ExplainTest(DlpTest):
    secrets = (SSN, CARD, "219099998", "4111111111111111")

    def explained(self, text, *args, code=PASSES):
        out = self.dlp("explain", *args, "--json", input=text, code=code).stdout
        return {c["type"]: c for c in json.loads(out)["candidates"]}

    def test_what_acts_says_what_spoke_for_it(self):
        row, verdict = self.dlp("explain", input=f"his ssn is {SSN}, bye", code=MASKED).stdout.splitlines()
        cells = row.split("\t")
        self.assertEqual((cells[0], cells[2], cells[3:]),
                         ("ssn", "byte 11", ["0.70", "-", "+0.20", "-", "0.90", "acts: redact", "XXX-XX-9998"]))
        self.assertEqual(verdict, "verdict: redact")
        self.assertEqual(self.explained('{"ssn":219099998}', code=MASKED)["ssn"]["key"], "+0.35")

    def test_what_does_not_act_says_what_was_missing(self):
        possible = self.explained("n 219099998")["ssn"]
        self.assertEqual((possible["score"], possible["masked"]), (0.4, "XXX-XX-9998"))
        self.assertEqual(possible["outcome"], "possible: 0.20 missing; a key or nearby words that name it would be enough")
        below = self.explained('{"trace_id":219099998}')["ssn"]
        self.assertEqual((below["against"], below["score"]), ("-0.40", 0.0))
        self.assertIn("not reported: 0.60 missing; a key or word marks it as something else", below["outcome"])

    def test_what_the_rules_let_pass_is_there_with_the_reason(self):
        rules = self.rules_file(f"[[dlp.allow]]\ntype = 'credit_card'\nvalues = ['{CARD}']\n")
        self.assertEqual(self.explained(f"card {CARD}", "--rules", rules)["credit_card"]["outcome"], "allowed by the rules")
        rules = self.rules_file("[[dlp.override]]\nsender = 'bank'\ntypes = { credit_card = 'off' }\n")
        off = self.explained(f"card {CARD}", "--rules", rules, "--sender", "bank")
        self.assertEqual(off["credit_card"]["outcome"], "its type is off")

    def test_of_two_that_overlap_the_other_says_which_it_is_part_of(self):
        rules = self.rules_file("[[dlp.rule]]\nid = 'all'\ntype = 'line'\npattern = '.*bye'\naction = 'redact'\n")
        told = self.explained(f"ssn {SSN} bye", "--rules", rules, code=MASKED)
        self.assertEqual(told["line"]["outcome"], "acts: redact")
        self.assertEqual(told["ssn"]["outcome"], "part of a better candidate: line")

    def test_a_text_of_the_command_line(self):
        self.assertEqual(self.dlp("explain", "nothing to see").stdout, "verdict: none\n")


class ScanTest(DlpTest):
    secrets = (SSN, CARD)

    def test_text(self):
        done = self.dlp("scan", input=f"his ssn is {SSN}, bye", code=MASKED)
        row, verdict = done.stdout.splitlines()
        cells = row.split("\t")
        self.assertEqual((cells[0], cells[2], cells[4:]), ("ssn", "byte 11", ["redact", "high", "XXX-XX-9998"]))
        self.assertGreaterEqual(float(cells[3]), 0.6)
        self.assertEqual(verdict, "verdict: redact")

    def test_json_of_a_file(self):
        path = self.dir / "payload.json"
        path.write_text(json.dumps({"pay": [{"card": CARD}], "ok": True}))
        done = self.dlp("scan", path, code=BLOCKED)
        self.assertEqual(done.stdout.splitlines()[0].split("\t")[2], "pay[0].card")
        found = json.loads(self.dlp("scan", path, "--json", code=BLOCKED).stdout)
        self.assertEqual(found["action"], "block")
        self.assertEqual({k: found["findings"][0][k] for k in ("type", "path", "action", "acts", "masked")},
                         {"type": "credit_card", "path": "pay[0].card", "action": "block", "acts": True,
                          "masked": "**** **** **** 1111"})

    def test_what_passes(self):
        self.assertEqual(self.dlp("scan", input="nothing to see").stdout, "verdict: none\n")
        self.assertEqual(self.dlp("scan", "-", input='{"a":"rosa@example.org"}').stdout.splitlines()[-1], "verdict: alert")
        self.assertEqual(self.dlp("scan", input="").stdout, "verdict: none\n")

    def test_a_file_that_is_not_there(self):
        self.assertIn("cannot open /nowhere/x", self.dlp("scan", "/nowhere/x", code=USAGE).stderr)

    def test_rules_of_a_file(self):
        rules = self.rules_file(
            "[dlp.types]\nssn = 'block'\n"
            "[[dlp.rule]]\nid = 'badge'\ntype = 'employee_badge'\npattern = 'EMP-[0-9]{6}'\naction = 'redact'\n"
            f"[[dlp.allow]]\nhashed = ['{hashlib.sha256(CARD.encode()).hexdigest()}']\n"
            "[[dlp.override]]\nsender = 'hr-*'\ntypes = { ssn = 'off' }\n")
        self.assertIn("verdict: block", self.dlp("scan", "--rules", rules, input=f"ssn {SSN}", code=BLOCKED).stdout)
        self.dlp("scan", "--rules", rules, "--sender", "hr-1", input=f"ssn {SSN}")
        self.assertEqual(self.dlp("scan", "--rules", rules, input=json.dumps({"card": CARD})).stdout,
                         "1 allowed by the rules\nverdict: none\n")
        done = self.dlp("scan", "--rules", rules, input="by EMP-123456", code=MASKED)
        self.assertEqual(done.stdout.splitlines()[0].split("\t"),
                         ["employee_badge", "badge", "byte 3", "0.75", "redact", "medium", "[REDACTED EMPLOYEE_BADGE]"])

    def test_wrong_rules_are_told_with_their_lines(self):
        rules = self.rules_file("[dlp.types]\nemial = 'off'\n[[dlp.rule]]\nid = 'x'\ntype = 'x'\npattern = '('\n")
        for command in ("scan", "rules", "bench"):
            told = self.dlp(command, "--rules", rules, code=USAGE).stderr
            self.assertIn("rules.toml:2: dlp.types: unknown type emial; did you mean email?", told)
            self.assertIn("rules.toml:6: dlp.rule.pattern: is not a pattern that can be compiled", told)


class LinesTest(DlpTest):
    secrets = (SSN, CARD)

    def answers(self, lines, code=PASSES):
        return self.dlp("scan", "--jsonl", input="".join(line + "\n" for line in lines), code=code).stdout.splitlines()

    def test_everything_but_the_masks_stays_byte_for_byte(self):
        lines = [
            '{"id": 1.50e1 ,"payload": {"ssn" :  "%s", "n":1.0E+2,"u":"\\u00e9\\/é", "b":[ ] } ,"x":{"y":[1]}}' % SSN,
            '{"payload":["%s",{"b":2,"a":1,"a":0}],"text":"%s","id":{"k":"v"}}' % (CARD, SSN),
            '{"id":"t","text":"line\\nssn %s\\t\\"é\\""}' % SSN,
            '{"id":null,"payload":{"ssn":%s}}' % SSN.replace("-", ""),
            '{"id":"clean","payload":  "nothing"  }',
            '{"text":"no id"}',
            '{"id":7,"payload":null,"text":"ssn %s"}' % SSN,
            '{"id":8,"payload":{"mail":"rosa@example.org"}}',
        ]
        self.assertEqual(self.answers(lines), [
            '{"id":1.50e1,"types":["ssn"],"action":"redact","redacted":'
            '{"ssn" :  "XXX-XX-9998", "n":1.0E+2,"u":"\\u00e9\\/é", "b":[ ] }}',
            '{"id":{"k":"v"},"types":["credit_card"],"action":"block","redacted":'
            '["**** **** **** 1111",{"b":2,"a":1,"a":0}]}',
            '{"id":"t","types":["ssn"],"action":"redact","redacted":"line\\nssn XXX-XX-9998\\t\\"é\\""}',
            '{"id":null,"types":["ssn"],"action":"redact","redacted":{"ssn":"XXX-XX-9998"}}',
            '{"id":"clean","types":[],"action":"none","redacted":"nothing"}',
            '{"id":null,"types":[],"action":"none","redacted":"no id"}',
            '{"id":7,"types":[],"action":"none","redacted":null}',
            '{"id":8,"types":["email"],"action":"alert","redacted":{"mail":"rosa@example.org"}}',
        ])

    def test_malformed_lines_are_answered_and_the_next_ones_read(self):
        lines = ["nonsense", "", '{"id":3}', '{"id":4,"text":5}', "[1]", '{"id":6,"payload":{"a":}}',
                 '{"id":7,"payload":' + "[" * 200 + "]" * 200 + "}", '{"id":8,"text":"fine"} x', '{"id":9,"text":"fine"}']
        answers = [json.loads(line) for line in self.answers(lines, code=BLOCKED)]
        self.assertEqual(len(answers), len(lines))
        for number, answer in enumerate(answers[:-1], 1):
            self.assertEqual(set(answer), {"id", "error"})
            self.assertIsNone(answer["id"])
            self.assertTrue(answer["error"].startswith(f"line {number}: "), answer)
        self.assertEqual(answers[-1], {"id": 9, "types": [], "action": "none", "redacted": "fine"})

    def test_a_payload_may_nest_as_deeply_as_in_a_message(self):
        deep = "[" * 128 + "]" * 128
        self.assertEqual(self.answers(['{"id":1,"payload":%s}' % deep]),
                         ['{"id":1,"types":[],"action":"none","redacted":%s}' % deep])

    def test_bytes_that_are_no_text(self):
        done = subprocess.run([build.program("masctl"), "dlp", "scan", "--jsonl"], env=clean_environment(), timeout=20,
                              input=b'{"id":1,"text":"\xff"}\n{"id":2,"text":"x"}', capture_output=True,
                              preexec_fn=die_with_parent)
        first, second = map(json.loads, done.stdout.splitlines())
        self.assertTrue(first["error"].startswith("line 1: "))
        self.assertEqual(second["id"], 2)  # the last line needs no end

    def test_each_line_is_answered_at_once(self):
        child = subprocess.Popen([build.program("masctl"), "dlp", "scan", "--json-lines"], env=clean_environment(),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        self.addCleanup(child.kill)
        for number in range(3):
            os.write(child.stdin.fileno(), b'{"id":%d,"te' % number)
            os.write(child.stdin.fileno(), b'xt":"x"}\n')
            self.assertEqual(json.loads(child.stdout.readline())["id"], number)  # it has not seen the end of its input
        child.stdin.close()
        self.assertEqual(child.wait(20), 0)
        child.stdout.close()


class RulesTest(DlpTest):
    def test_the_table(self):
        rows = {row.split("\t")[0]: row.split("\t")[1:] for row in self.dlp("rules").stdout.splitlines()}
        self.assertEqual(rows["ssn"], ["redact", "high", "US social security number"])
        self.assertEqual(rows["uk_nino"][0], "off")
        rules = self.rules_file("[dlp]\npacks=['uk']\n[[dlp.rule]]\nid='r-1'\ntype='badge'\npattern='B[0-9]{5}'\n")
        types = json.loads(self.dlp("rules", "--rules", rules, "--json").stdout)["types"]
        by_name = {one["type"]: one for one in types}
        self.assertEqual(by_name["uk_nino"]["action"], "redact")
        self.assertEqual(by_name["badge"], {"type": "badge", "action": "alert", "severity": "medium", "mask": "name",
                                            "custom": True, "title": "rule r-1"})


class BenchTest(DlpTest):
    def test_both_sides_are_measured(self):
        told = json.loads(self.dlp("bench", "--size", "512", "--seconds", "0.2", "--json").stdout)["sizes"]
        self.assertEqual([one["bytes"] for one in told], [512])
        self.assertGreater(told[0]["engine_mb_per_s"], told[0]["python_mb_per_s"])
        self.assertLessEqual(told[0]["p50_us"], told[0]["p99_us"])

    def test_without_python_it_says_so(self):
        done = self.masctl("dlp", "bench", "--size", "256", "--seconds", "0.1", "--json", env={"PATH": "/nowhere"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("python3 is not installed", done.stderr)
        self.assertIsNone(json.loads(done.stdout)["sizes"][0]["ratio"])

    def test_sizes_out_of_range(self):
        for flag in (("--size", "1"), ("--seconds", "0")):
            self.dlp("bench", *flag, code=USAGE)


if __name__ == "__main__":
    main()
