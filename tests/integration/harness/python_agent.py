"""An agent of the original Python framework, as far as others can see it: the same commands in the same order, the
same bytes, the same rules for what it accepts.

    start    HSET entry; HGETALL state; SUBSCRIBE; PUBLISH REGISTER; SETEX heartbeat
    running  SETEX heartbeat every 30 s
    stop     PUBLISH DEREGISTER; DEL entry; DEL heartbeat; UNSUBSCRIBE (the state stays)
"""

import json
import secrets
import threading
import time
import uuid

from .resp import Resp, RespError

HEARTBEAT_TTL_S = 60


class Rejected(ValueError):
    """Not an envelope that the framework's parser accepts."""


def parse_envelope(text):
    """The framework's reading of a message: strict where it is, lenient where it is. Returns the envelope's members
    that it knows; raises Rejected."""
    try:
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        message = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except ValueError as error:
        raise Rejected(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise Rejected("not an object")
    _no_lone_surrogate(message)
    meta = message.get("meta", {})
    if not isinstance(meta, dict):
        raise Rejected("meta is not an object")
    return {
        "sender_id": _required(message, "sender_id", str),
        "target_id": _required(message, "target_id", str),
        "message_type": _required(message, "message_type", str),
        "data": _required(message, "data", dict),
        "meta": {
            "version": _number(meta.get("version", 1), int, "meta.version"),
            "correlation_id": _optional_text(meta, "correlation_id"),
            "expects_reply": _boolean(meta, "expects_reply"),
            "is_reply": _boolean(meta, "is_reply"),
        },
        "timestamp": _number(message.get("timestamp", 0.0), float, "timestamp"),
        "message_id": _required({"message_id": "", **message}, "message_id", str),
    }


def dump_envelope(envelope):
    """The framework's bytes: compact, raw UTF-8."""
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))


def state_text(value):
    """A state value as the framework writes it."""
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


class PythonAgent:
    """Happy path: start() … send(), request(), discover() … stop(). A thread hears, another one beats."""

    def __init__(self, redis_url, agent_id, capabilities=(), metadata=None, heartbeat_interval=30.0,
                 heartbeat_ttl=HEARTBEAT_TTL_S):
        self.id = agent_id
        self.capabilities = list(capabilities)
        self.metadata = metadata or {}
        self.token = secrets.token_urlsafe(32)
        self.received = []  # every accepted envelope, parsed
        self.rejected = []  # (text, why) of what the parser did not take
        self._url = redis_url
        self._interval = heartbeat_interval
        self._ttl = heartbeat_ttl
        self._handlers = {}
        self._replies = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = []

    # ---- life

    def start(self):
        self._commands = Resp(self._url)
        self._hearing = Resp(self._url)
        self._commands.cmd(
            "HSET", f"agent:{self.id}", "id", self.id, "capabilities", json.dumps(self.capabilities),
            "metadata", json.dumps(self.metadata), "status", "ACTIVE", "token", self.token,
            "registered_at", repr(time.time()))
        self._commands.hgetall(f"agent.state:{self.id}")
        self._hearing.subscribe(f"agent.{self.id}")
        self._event({"type": "REGISTER", "agent_id": self.id, "capabilities": self.capabilities})
        self._beat()
        for body in (self._hear, self._keep_beating):
            thread = threading.Thread(target=body, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self):
        if not self._vanish_threads():
            return
        self._event({"type": "DEREGISTER", "agent_id": self.id})
        self._cmd("DEL", f"agent:{self.id}")
        self._cmd("DEL", f"agent:{self.id}:heartbeat")
        self._close()

    def vanish(self):
        """As a crash: nothing is said, nothing is taken back."""
        if self._vanish_threads():
            self._close()

    # ---- messages

    def on(self, message_type, handler):
        """`handler(data)` returns None or (reply type, reply data)."""
        self._handlers[message_type] = handler

    def send(self, target, message_type, data):
        """Returns how many heard it."""
        return self._publish(target, message_type, data)

    def request(self, target, message_type, data, timeout=10.0):
        """The reply's envelope; raises TimeoutError."""
        correlation = str(uuid.uuid4())
        arrived = threading.Event()
        self._replies[correlation] = (arrived, [])
        try:
            self._publish(target, message_type, data, correlation, expects_reply=True)
            if not arrived.wait(timeout):
                raise TimeoutError(f"{self.id} got no reply to {message_type} from {target}")
            return self._replies[correlation][1][0]
        finally:
            del self._replies[correlation]

    # ---- registry and state

    def discover(self, capabilities=()):
        """{id: entry} of the ACTIVE agents with any of the capabilities (all agents when none are given)."""
        found, cursor = {}, "0"
        while True:
            cursor, keys = self._cmd("SCAN", cursor, "MATCH", "agent:*")
            for key in keys:
                entry = self._entry(key)
                if entry and (not capabilities or set(capabilities) & set(entry["capabilities"])):
                    found[entry["id"]] = entry
            if cursor == "0":
                return found

    def update_state(self, values):
        pairs = [text for name, value in values.items() for text in (name, state_text(value))]
        self._cmd("HSET", f"agent.state:{self.id}", *pairs)

    def read_state(self, agent_id=None):
        flat = self._cmd("HGETALL", f"agent.state:{agent_id or self.id}")
        return dict(zip(flat[::2], flat[1::2]))

    def reset_state(self):
        self._cmd("DEL", f"agent.state:{self.id}")

    # ---- inside

    def _cmd(self, *args):
        with self._lock:
            return self._commands.cmd(*args)

    def _event(self, event):
        self._cmd("PUBLISH", "mas.system", json.dumps(event))

    def _beat(self):
        self._cmd("SETEX", f"agent:{self.id}:heartbeat", self._ttl, repr(time.time()))

    def _keep_beating(self):
        while not self._stopping.wait(self._interval):
            self._beat()

    def _publish(self, target, message_type, data, correlation=None, expects_reply=False, is_reply=False):
        envelope = {
            "sender_id": self.id, "target_id": target, "message_type": message_type, "data": data,
            "meta": {"version": 1, "correlation_id": correlation, "expects_reply": expects_reply,
                     "is_reply": is_reply},
            "timestamp": time.time(), "message_id": str(time.time_ns()),
        }
        return self._cmd("PUBLISH", f"agent.{target}", dump_envelope(envelope))

    def _hear(self):
        while not self._stopping.is_set():
            try:
                heard = self._hearing.message(0.1)
            except OSError:
                return  # the framework, too, goes deaf when its connection ends
            if heard:
                self._take(heard[1])

    def _take(self, text):
        try:
            envelope = parse_envelope(text)
        except Rejected as why:
            self.rejected.append((text, str(why)))
            return
        self.received.append(envelope)
        meta = envelope["meta"]
        if meta["is_reply"]:
            waiting = self._replies.get(meta["correlation_id"])
            if waiting:
                waiting[1].append(envelope)
                waiting[0].set()
            return
        handler = self._handlers.get(envelope["message_type"])
        answer = handler(envelope["data"]) if handler else None
        if answer and meta["expects_reply"]:
            self._publish(envelope["sender_id"], answer[0], answer[1], meta["correlation_id"], is_reply=True)

    def _entry(self, key):
        """An ACTIVE agent's entry; None for other keys under agent:*."""
        try:
            flat = self._cmd("HGETALL", key)
        except RespError:
            return None
        fields = dict(zip(flat[::2], flat[1::2]))
        if fields.get("status") != "ACTIVE":
            return None
        return {"id": fields["id"], "capabilities": json.loads(fields["capabilities"]),
                "metadata": json.loads(fields["metadata"]), "status": fields["status"],
                "registered_at": float(fields["registered_at"])}

    def _vanish_threads(self):
        if self._stopping.is_set():
            return False
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return True

    def _close(self):
        self._commands.close()
        self._hearing.close()


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _no_lone_surrogate(value):
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Rejected("lone surrogate") from None
    elif isinstance(value, dict):
        for key, item in value.items():
            _no_lone_surrogate(key)
            _no_lone_surrogate(item)
    elif isinstance(value, list):
        for item in value:
            _no_lone_surrogate(item)


def _required(message, name, kind):
    if not isinstance(message.get(name), kind):
        raise Rejected(f"{name} is missing or not {kind.__name__}")
    return message[name]


def _optional_text(meta, name):
    value = meta.get(name)
    if value is not None and not isinstance(value, str):
        raise Rejected(f"meta.{name} is not text")
    return value


def _boolean(meta, name):
    value = meta.get(name, False)
    if not isinstance(value, bool):
        raise Rejected(f"meta.{name} is not a boolean")
    return value


def _number(value, kind, name):
    """Numbers and numeric texts."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Rejected(f"{name} is not a number")
    try:
        return kind(value)
    except ValueError:
        raise Rejected(f"{name} is not a number") from None
