"""The tracing example: what its two programs post to a collector is one trace across both."""

import http.server
import json
import socket
import threading
import time
import unittest

from case import ExampleCase, has_program, main

SECRET = "a secret, with=signs"


class Collector(http.server.ThreadingHTTPServer):
    """Keeps the spans that are posted to it. @param refusals how many posts are answered by 503 first."""

    def __init__(self, refusals=0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.refusals, self.posts, self.spans, self.services = refusals, [], {}, {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, document):
        for resource in document["resourceSpans"]:
            service = attributes(resource["resource"])["service.name"]
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    self.spans[span["name"]] = span
                    self.services[span["name"]] = service


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, dict(self.headers)))
        self.server.refusals -= 1
        refused = self.server.refusals >= 0
        if not refused:
            self.server.take(json.loads(body))
        self.send_response(503 if refused else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def attributes(holder):
    return {entry["key"]: next(iter(entry["value"].values())) for entry in holder["attributes"]}


@unittest.skipUnless(has_program("example_traced_client"), "libcurl's headers are not installed")
class TracingTest(ExampleCase):
    secrets = (*ExampleCase.secrets, SECRET)

    def collect(self, refusals=0):
        """Runs both programs. @return the collector, with what they posted."""
        collector = Collector(refusals)
        self.addCleanup(collector.server_close)
        self.addCleanup(collector.shutdown)
        self.env.update(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url(),
                        OTEL_EXPORTER_OTLP_HEADERS="x-key=a%20secret%2C%20with%3Dsigns,x-other=2")
        server = self.start_example("example_traced_server", ready="server: ready")
        out, err = self.run_example("example_traced_client")
        self.assertEqual((out, err), ('{"text":"42"}\n', ""))
        server.stop()
        return collector

    def test_one_trace_across_both(self):
        collector = self.collect()
        spans = collector.spans
        self.assertEqual(set(spans), {"request oracle", "process oracle", "send journal", "reply client"})
        request, process = spans["request oracle"], spans["process oracle"]
        send, reply = spans["send journal"], spans["reply client"]
        self.assertEqual(len({span["traceId"] for span in spans.values()}), 1)
        self.assertEqual(len({span["spanId"] for span in spans.values()}), 4)
        self.assertEqual(request["parentSpanId"], "")
        self.assertEqual(process["parentSpanId"], request["spanId"])
        self.assertEqual(send["parentSpanId"], process["spanId"])
        self.assertEqual(reply["parentSpanId"], process["spanId"])
        self.assertEqual([span["kind"] for span in (request, process, send, reply)], [3, 5, 4, 4])
        self.assertEqual(collector.services, {"request oracle": "client", "process oracle": "oracle",
                                              "send journal": "oracle", "reply client": "oracle"})
        for span in spans.values():
            self.assertLessEqual(int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))
            self.assertRegex(span["traceId"] + span["spanId"], "^[0-9a-f]{48}$")

    def test_attributes(self):
        spans = self.collect().spans
        names = ("request oracle", "process oracle", "send journal")
        request, process, send = (attributes(spans[name]) for name in names)
        self.assertEqual(request.pop("messaging.message.id"), request["messaging.message.conversation_id"])
        self.assertEqual(request, {
            "messaging.system": "mas", "messaging.operation.name": "request", "messaging.operation.type": "send",
            "messaging.destination.name": "oracle", "messaging.message.body.size": "2",
            "messaging.message.conversation_id": request["messaging.message.conversation_id"],
            "gen_ai.agent.id": "client", "gen_ai.agent.name": "client", "mas.peer": "oracle",
            "mas.message.type": "ask"})
        self.assertEqual(process["messaging.operation.type"], "process")
        self.assertEqual((process["gen_ai.agent.id"], process["mas.peer"]), ("oracle", "client"))
        self.assertEqual(send["gen_ai.conversation.id"], process["messaging.message.id"])
        self.assertEqual((send["error.type"], spans["send journal"]["status"]["code"]), ("no receiver", 2))
        self.assertEqual(spans["request oracle"]["status"]["code"], 0)

    def test_headers_and_another_try(self):
        collector = self.collect(refusals=2)
        self.assertEqual(len(collector.spans), 4)
        self.assertGreaterEqual(len(collector.posts), 4)
        for path, headers in collector.posts:
            self.assertEqual((path, headers["Content-Type"]), ("/v1/traces", "application/json"))
            self.assertEqual((headers["x-key"], headers["x-other"]), (SECRET, "2"))

    def test_without_a_collector_the_programs_work_and_say_what_was_lost(self):
        self.env.update(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="200")
        server = self.start_example("example_traced_server", ready="server: ready")
        out, err = self.run_example("example_traced_client")
        self.assertEqual((out, err), ('{"text":"42"}\n', "spans lost: 1\n"))
        server.stop()
        self.assertIn("spans lost: 3", server.err())

    def test_a_collector_that_never_answers_does_not_hold_the_end_up(self):
        deaf = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(deaf.close)
        self.env.update(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{deaf.getsockname()[1]}",
                        OTEL_EXPORTER_OTLP_TIMEOUT="60000")
        server = self.start_example("example_traced_server", ready="server: ready")
        self.assertEqual(self.run_example("example_traced_client"), ('{"text":"42"}\n', "spans lost: 1\n"))
        deaf.settimeout(10)
        held, _ = deaf.accept()  # the client's, which is over
        held.close()
        held, _ = deaf.accept()  # the server posts, and waits
        self.addCleanup(held.close)
        began = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - began, 8)
        self.assertIn("spans lost: 3", server.err())

    def test_an_unusable_time_out_counts_as_none(self):
        for value in ("0", "-1", "soon", "5s", "99999999999999999999"):
            with self.subTest(value):
                self.env.update(OTEL_EXPORTER_OTLP_TIMEOUT=value)
                self.assertEqual(len(self.collect().spans), 4)


if __name__ == "__main__":
    main()
