"""The example alert rules: every metric and label value that they name is one that real daemons show, and the runbook has
every alert. Whether the rules are well-formed is for promtool, in ./dev lint."""

import pathlib
import re

from harness import main, poll_until
from harness.gateway_case import GatewayCase
from harness.pki import Authority

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = (ROOT / "docs/prometheus/mas.rules.yml").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8")
ALERTS = re.findall(r"^ *- alert: (\w+)$", RULES, re.M)
EXPRESSIONS = re.findall(r"^ *expr: (.+)$", RULES, re.M)
SELECTOR = re.compile(r"\b(mas_\w+)(?:\{(\w+)=(~?)\"([^\"]+)\"\})?")


class AlertRulesTest(GatewayCase):
    def samples(self):
        """Of each daemon; of the gateway after a message with a finding, since that family begins with one."""
        registryd = self.start_daemon("mas-registryd", self.redis)
        healthd = self.start_daemon("mas-healthd", self.redis)
        alice, _ = self.peer("alice"), self.peer("bob")
        alice.send(alice.envelope("bob", data={"contact": "jo.doe@mail.test", "card": "4111 1111 1111 1111"}))
        poll_until(lambda: any("dlp_findings_total" in name for name in self.gateway.metrics()), 5, "a finding is counted")
        return {**registryd.metrics(), **healthd.metrics(), **self.gateway.metrics(), **self.samples_over_tls()}

    def samples_over_tls(self):
        """Of daemons that have certificates, and no Redis."""
        url = f"rediss://127.0.0.1:1?ca={Authority(self.dir).ca}"
        daemons = [self.daemon(f"mas-{kind}", url).start() for kind in ("registryd", "gatewayd", "healthd")]
        return {name: value for daemon in daemons for name, value in daemon.metrics().items()}

    def test_the_metrics_and_labels_exist(self):
        samples = self.samples()
        self.assertEqual(len(ALERTS), len(EXPRESSIONS))
        for alert, expression in zip(ALERTS, EXPRESSIONS):
            selectors = SELECTOR.findall(expression)
            self.assertTrue(selectors or expression.startswith("up{"), alert)
            for name, label, regular, value in selectors:
                series = [each for each in samples if re.fullmatch(re.escape(name) + r"(\{.*\})?", each)]
                self.assertTrue(series, f"{alert}: no daemon shows {name}")
                for wanted in (value.split("|") if regular else [value]) if label else []:
                    self.assertTrue(any(f'{label}="{wanted}"' in each for each in series),
                                    f'{alert}: {name} has no {label}="{wanted}"')

    def test_the_ready_gauge_is_what_readyz_says(self):
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_ready"], 1)
        waiting = self.daemon("mas-gatewayd", "unix:///nowhere.sock", name="gateway-alone").start()
        poll_until(lambda: waiting.get("/readyz")[0] == 503, 10, "it is not ready")
        self.assertEqual(waiting.metrics()["mas_gatewayd_ready"], 0)

    def test_the_runbook_has_every_alert_and_no_other(self):
        described = re.findall(r"^\| `(Mas\w+)`", RUNBOOK, re.M)
        self.assertEqual(sorted(described), sorted(ALERTS))


if __name__ == "__main__":
    main()
