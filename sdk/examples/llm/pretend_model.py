#!/usr/bin/env python3
"""A server that speaks the OpenAI-compatible HTTP API and only pretends to be a language model: for tests and demos.

usage: pretend_model.py        prints what to set, then serves on a free port of 127.0.0.1 until Ctrl-C

Its answers depend on nothing but the request, so that a test can tell that a question reached it and that its answer
came back. A word in the model's name makes it misbehave: pretend:slow=SECONDS, pretend:drip=SECONDS (between any two
bytes), pretend:status=CODE, pretend:garbage, pretend:empty, pretend:huge, pretend:long, pretend:redirect.
"""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import sys
import threading
import time
from collections.abc import Callable

KEY = "pretend-key-0123456789abcdef"


def answer_to(messages: list[dict[str, str]]) -> str:
    """What the pretended model answers: a fingerprint of all messages, and the last line of the last one."""
    fingerprint = hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()[:8]
    asked = messages[-1]["content"].strip().splitlines()[-1]
    return f"[{fingerprint}] pretended answer to: {asked[:80].rstrip()}"


class PretendModel:
    """The server in a thread of its own. Happy path: start() … url, calls … stop()."""

    def __init__(self, key: str = KEY) -> None:
        """@param key the only one that is accepted."""
        self.key = key
        self.calls: list[tuple[list[dict[str, str]], str]] = []  #: messages and answer of each answered request
        self.before_answer: Callable[[list[dict[str, str]]], None] = lambda messages: None  #: for tests to hook in
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def start(self) -> PretendModel:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self, word: str = "") -> dict[str, str]:
        """What makes the examples ask this server. @param word how it shall misbehave, such as "status=500"."""
        return {"OPENAI_BASE_URL": self.url, "OPENAI_MODEL": f"pretend:{word}" if word else "pretend",
                "OPENAI_API_KEY": self.key, "no_proxy": "127.0.0.1"}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_arguments: object) -> None:
        """A client that hangs up is no news."""


class _Drip(io.RawIOBase):
    """Writes byte by byte."""

    def __init__(self, to: io.BufferedIOBase, pause: float) -> None:
        self._to = to
        self._pause = pause

    def write(self, data: bytes) -> int:
        for i in range(len(data)):
            time.sleep(self._pause)
            self._to.write(data[i:i + 1])
        return len(data)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        owner: PretendModel = self.server.owner  # type: ignore[attr-defined]
        sent_key = self.headers.get("Authorization", "")
        if sent_key != f"Bearer {owner.key}":
            return self._send(401, {"error": {"message": f"wrong key: {sent_key}"}})
        if self.path != "/v1/chat/completions":
            return self._send(404, {"error": {"message": "no such address"}})
        try:
            request = json.loads(body)
            answer = answer_to(request["messages"])
            word, _, value = request["model"].removeprefix("pretend").removeprefix(":").partition("=")
        except (ValueError, LookupError, TypeError):
            return self._send(400, {"error": {"message": "not a request for a chat completion"}})
        if word == "slow":
            time.sleep(float(value))
        elif word == "drip":
            self.wfile = _Drip(self.wfile, float(value))
        elif word == "status":  # its text repeats the key, as a careless server might
            return self._send(int(value), {"error": {"message": f"refused, although the key is {sent_key}"}})
        elif word == "garbage":
            return self._send_bytes(200, b'{"choices": [{"mess')
        elif word == "redirect":
            return self._send_bytes(302, b"", Location="/v1/elsewhere")
        elif word in ("empty", "huge", "long"):
            answer = {"empty": "", "huge": "x" * (2 << 20), "long": "x" * (64 << 10)}[word]
        owner.before_answer(request["messages"])
        owner.calls.append((request["messages"], answer))
        self._send(200, {"object": "chat.completion", "model": request["model"], "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}]})

    def _send(self, status: int, answer: object) -> None:
        self._send_bytes(status, json.dumps(answer).encode())

    def _send_bytes(self, status: int, body: bytes, **headers: str) -> None:
        try:
            self.send_response(status)
            standard = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            for name, value in {**standard, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the client did not want to wait, or to read so much

    def log_message(self, *_arguments: object) -> None:
        """No log."""


def main() -> None:
    model = PretendModel().start()
    for name, value in model.environment().items():
        print(f"export {name}={value}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
