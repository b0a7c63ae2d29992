"""A proxy in front of Redis that misbehaves on demand: refuses, stalls, cuts, delays, answers errors.

It speaks enough RESP to keep replies in order when it answers in Redis's place. Modes last until changed:

    forward()   as if it were not there (the start)
    refuse()    connections are refused; those that exist stay
    stall()     accepts, but moves no byte either way: an unreachable Redis
    delay(s)    every write waits s seconds: a slow link
    answer(e)   every command (or some) gets the error reply e: a Redis that loads, is read-only, out of memory
    cut()       once: closes all connections
    lead_to(u)  new connections go to another Redis; those that exist stay: a name with a new address
"""

import multiprocessing
import os
import pathlib
import socket
import threading
import time

from .resp import Parser, connect


class FaultProxy:
    """Happy path: start() … url() … stop(). Clients come by TCP on a port of the kernel's choice, or by a unix
    socket."""

    def __init__(self, redis_url, directory=None, tcp=False, target=None, raw=False):
        """@param target (host, port) for bytes that are not RESP (TLS). @param raw bytes are moved and not looked at, which
        costs little however large replies are. With either, this mode cannot be used: answer."""
        self._redis_url = redis_url
        self._target = target
        self._resp = target is None and not raw
        self._tcp = tcp
        self._path = None if tcp else pathlib.Path(directory) / f"proxy-{os.getpid()}-{id(self)}.sock"
        self._port = 0
        self._change = threading.Condition()
        self._stalled = False
        self._delay = 0.0
        self._error = None
        self._error_commands = None
        self._links = set()
        self._listener = None
        self.accepted = 0

    def start(self):
        self.forward()
        return self

    def url(self):
        return f"redis://127.0.0.1:{self._port}" if self._tcp else f"unix://{self._path}"

    @property
    def port(self):
        return self._port

    # ---- modes

    def forward(self):
        self._set(stalled=False, delay=0.0)
        self._listen()

    def refuse(self):
        self._set(stalled=False, delay=0.0)
        self._stop_listening()

    def stall(self):
        self._set(stalled=True, delay=0.0)

    def delay(self, seconds):
        self._set(stalled=False, delay=seconds)

    def answer(self, error, commands=None):
        """@param error such as "LOADING Redis is loading". @param commands their names; None for all of them."""
        self._set(stalled=False, delay=0.0, error=error, commands=commands and {c.upper() for c in commands})

    def cut(self):
        for link in list(self._links):
            link.close()

    def lead_to(self, redis_url):
        self._redis_url = redis_url

    def stop(self):
        self._stop_listening()
        self._set(stalled=False, delay=0.0)
        self.cut()

    def links(self):
        """How many clients are connected."""
        return len(self._links)

    # ---- inside

    def _set(self, stalled, delay, error=None, commands=None):
        with self._change:
            self._stalled, self._delay, self._error, self._error_commands = stalled, delay, error, commands
            self._change.notify_all()

    def _listen(self):
        if self._listener:
            return
        if self._tcp:
            self._listener = socket.socket()
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(("127.0.0.1", self._port))
            self._port = self._listener.getsockname()[1]
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._path.unlink(missing_ok=True)
            self._listener.bind(os.fspath(self._path))
        self._listener.listen(128)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _stop_listening(self):
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        if self._path:
            self._path.unlink(missing_ok=True)

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        self.gate()
        try:
            upstream = socket.create_connection(self._target) if self._target else connect(self._redis_url, None)
        except OSError:
            client.close()
            return
        link = _Link(self, client, upstream, resp=self._resp)
        self._links.add(link)
        link.run()
        self._links.discard(link)

    def gate(self):
        """Waits out a stall, then the delay."""
        with self._change:
            self._change.wait_for(lambda: not self._stalled)
            delay = self._delay
        if delay:
            time.sleep(delay)

    def error_for(self, command):
        """The error to answer `command` with, or None to let it through."""
        with self._change:
            named = self._error_commands is None or command in self._error_commands
            return self._error if named else None


class _Link:
    """One client's connection: a thread for each direction."""

    def __init__(self, proxy, client, upstream, resp):
        self._proxy = proxy
        self._client = client
        self._upstream = upstream
        self._resp = resp
        self._replies = threading.Condition()
        self._waiting_for = 0  # replies that Redis owes
        self._subscribed = False
        self._closed = False

    def run(self):
        back = threading.Thread(target=self._pump, args=(self._upstream, self._from_redis), daemon=True)
        back.start()
        self._pump(self._client, self._from_client)
        back.join()

    def close(self):
        with self._replies:
            self._closed = True
            self._replies.notify_all()
        for sock in (self._client, self._upstream):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _pump(self, source, take):
        parser = Parser()
        try:
            while data := source.recv(1 << 16):
                self._proxy.gate()
                take(parser, data)
        except OSError:
            pass
        finally:
            self.close()
            source.close()

    def _from_client(self, parser, data):
        if not self._resp:
            self._upstream.sendall(data)
            return
        parser.feed(data)
        passed = b""
        while parsed := parser.next():
            command = parsed[0][0].upper()
            error = self._proxy.error_for(command)
            if error is None:
                self._subscribed |= command in ("SUBSCRIBE", "PSUBSCRIBE")
                passed += parsed[1]
                with self._replies:
                    self._waiting_for += 1
                continue
            self._upstream.sendall(passed)
            passed = b""
            self._answer(error)
        self._upstream.sendall(passed)

    def _answer(self, error):
        """In its turn: after the replies to what was let through."""
        with self._replies:
            self._replies.wait_for(lambda: self._subscribed or self._waiting_for <= 0 or self._closed, 10)
        self._client.sendall(f"-{error}\r\n".encode())

    def _from_redis(self, parser, data):
        self._client.sendall(data)
        if self._resp and not self._subscribed:
            parser.feed(data)
            replies = 0
            while parser.next():
                replies += 1
            with self._replies:
                self._waiting_for -= replies
                self._replies.notify_all()


class ProxyProcess:
    """A raw FaultProxy in a process of its own: where the test's process is busy, and must not be what is slow."""

    def __init__(self, redis_url, directory):
        self._pipe, theirs = multiprocessing.Pipe()
        self._child = multiprocessing.get_context("fork").Process(
            target=_serve_proxy, args=(theirs, self._pipe, redis_url, directory), daemon=True)
        self._child.start()
        theirs.close()

    def stop(self):
        self._pipe.close()
        self._child.join(10)

    def __getattr__(self, name):
        def call(*args):
            self._pipe.send((name, args))
            return self._pipe.recv()
        return call


def _serve_proxy(pipe, others_end, redis_url, directory):
    others_end.close()
    proxy = FaultProxy(redis_url, directory, raw=True).start()
    try:
        while True:
            name, args = pipe.recv()
            pipe.send(getattr(proxy, name)(*args))
    except EOFError:
        proxy.stop()
