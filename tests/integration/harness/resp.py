"""A minimal RESP2 client: commands, pipelines, pub/sub; over unix and TCP sockets. Its parser also reads pushes and maps
of RESP3.

Texts are `str` in UTF-8 with surrogateescape, so any bytes survive the way there and back; `bytes` are taken as they
are.
"""

import os
import select
import socket
import time
import urllib.parse


class RespError(Exception):
    """An error reply; its text is Redis's own."""


def to_bytes(value):
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", "surrogateescape")


def to_text(value):
    return value.decode("utf-8", "surrogateescape")


def encode(*args):
    """One command as RESP."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in map(to_bytes, args):
        parts.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(parts)


class Parser:
    """Incremental: feed bytes, take (value, raw bytes) of each complete message. Serves replies and requests."""

    def __init__(self):
        self._buffer = b""
        self._at = 0

    def feed(self, data):
        self._buffer = self._buffer[self._at:] + data
        self._at = 0

    def next(self):
        """(value, raw), or None when more bytes are needed. Error replies come as RespError values."""
        parsed = self._parse(self._at)
        if parsed is None:
            return None
        value, end = parsed
        raw, self._at = self._buffer[self._at:end], end
        return value, raw

    def _parse(self, at):
        eol = self._buffer.find(b"\r\n", at)
        if eol < 0:
            return None
        mark, line, at = self._buffer[at:at + 1], self._buffer[at + 1:eol], eol + 2
        if mark == b"+":
            return to_text(line), at
        if mark == b"-":
            return RespError(to_text(line)), at
        if mark == b":":
            return int(line), at
        if mark in (b"$", b"="):  # RESP3 has verbatim texts, too
            return self._bulk(int(line), at)
        if mark in (b"*", b">"):
            return self._array(int(line), at)
        if mark == b"%":  # RESP3: the answer to HELLO 3
            return self._array(2 * int(line), at)
        raise ValueError(f"not RESP2: {mark!r}")

    def _bulk(self, size, at):
        if size < 0:
            return None, at
        if len(self._buffer) < at + size + 2:
            return None
        return to_text(self._buffer[at:at + size]), at + size + 2

    def _array(self, count, at):
        if count < 0:
            return None, at
        items = []
        for _ in range(count):
            parsed = self._parse(at)
            if parsed is None:
                return None
            item, at = parsed
            items.append(item)
        return items, at


def connect(url, timeout):
    """A socket for a redis:// or unix:// URL."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "unix":
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.settimeout(timeout)
            sock.connect(parts.path)
        except OSError:
            sock.close()
            raise
        return sock
    sock = socket.create_connection((parts.hostname or "localhost", parts.port or 6379), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Resp:
    """One connection. Not thread-safe. Calls fail after `timeout` seconds."""

    def __init__(self, url, timeout=10.0):
        parts = urllib.parse.urlsplit(url)
        self._sock = connect(url, timeout)
        self._timeout = timeout
        self._parser = Parser()
        if parts.password:
            self.cmd("AUTH", *([parts.username] if parts.username else []), urllib.parse.unquote(parts.password))

    def cmd(self, *args):
        """The reply of one command; raises RespError for an error reply."""
        return self.pipeline([args])[0]

    def pipeline(self, commands, raise_errors=True):
        """The replies of several commands sent in one write."""
        commands = list(commands)
        self._sock.sendall(b"".join(encode(*command) for command in commands))
        replies = [self._read(self._timeout) for _ in commands]
        for reply in replies:
            if raise_errors and isinstance(reply, RespError):
                raise reply
        return replies

    def hgetall(self, key):
        flat = self.cmd("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))

    def scan(self, pattern):
        """Every key that matches, sorted."""
        cursor, keys = "0", set()
        while True:
            cursor, found = self.cmd("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            keys.update(found)
            if cursor == "0":
                return sorted(keys)

    def subscribe(self, *channels):
        """Returns once Redis confirmed; from then on only `message` and `subscribe` may be called."""
        self._sock.sendall(encode("SUBSCRIBE", *channels))
        for _ in channels:
            self._read(self._timeout)

    def message(self, timeout=10.0):
        """(channel, payload) of the next message, or None after `timeout` seconds."""
        end = time.monotonic() + timeout
        while True:
            try:
                push = self._read(max(0.0, end - time.monotonic()))
            except TimeoutError:
                return None
            if push[0] == "message":
                return push[1], push[2]

    def close(self):
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _read(self, timeout):
        end = time.monotonic() + timeout
        while True:
            parsed = self._parser.next()
            if parsed is not None:
                return parsed[0]
            if not select.select([self._sock], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("no reply of Redis in time")
            data = self._sock.recv(1 << 16)
            if not data:
                raise ConnectionError("Redis closed the connection")
            self._parser.feed(data)


def url_of_socket(path):
    return "unix://" + os.fspath(path)
