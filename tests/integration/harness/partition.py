"""Two hosts and the network between them, which can be cut: each host is a network namespace of the kernel's.

A cut loses packets silently, as a broken switch does: no connection is closed, no error is heard. Nothing of it is seen
outside, and it all ends with the test. It needs root.
"""

import contextlib
import ctypes
import os
import subprocess

from .process import die_with_parent

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_NOBODY = "02:00:00:00:00:99"  # a hardware address that no host has


class Here(contextlib.nullcontext):
    """The host where the test itself runs. @param address where its servers listen."""

    def __init__(self, address):
        super().__init__()
        self.address = address


class Host:
    """`with host:` puts what is started, and every connection that is made, on that host. Not for threads."""

    def __init__(self, address):
        self.address = address
        self._outside = []
        with _own_namespace():
            _check(_libc.unshare(_CLONE_NEWNET), "unshare")
            self._namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
            # `ip` names a namespace by a process in it.
            self._holder = subprocess.Popen(["sleep", "infinity"], preexec_fn=die_with_parent)
            _ip("link", "set", "lo", "up")

    def __enter__(self):
        self._outside.append(os.open("/proc/self/ns/net", os.O_RDONLY))
        _enter(self._namespace)
        return self

    def __exit__(self, *_):
        _enter(self._outside[-1])
        os.close(self._outside.pop())

    @property
    def pid(self):
        return self._holder.pid

    def hardware(self):
        with self:
            return _ip("-brief", "link", "show", "dev", "wire").split()[2]

    def set_neighbour(self, other, hardware):
        with self:
            _ip("neigh", "replace", other.address, "lladdr", hardware, "dev", "wire", "nud", "permanent")

    def close(self):
        self._holder.kill()
        self._holder.wait()
        os.close(self._namespace)


class Partition:
    """Happy path: with here: start what is on one side; with there: the other; cut() … heal() … close()."""

    def __init__(self):
        # Addresses for measurements between two hosts (RFC 2544), which no network routes.
        self.here, self.there = Host("198.18.0.1"), Host("198.18.0.2")
        with self.here:
            _ip("link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", str(self.there.pid))
        for host in self._hosts():
            with host:
                _ip("addr", "add", f"{host.address}/24", "dev", "wire")
                _ip("link", "set", "wire", "up")
        self.heal()

    def cut(self):
        for host, other in self._pairs():
            host.set_neighbour(other, _NOBODY)

    def heal(self):
        for host, other in self._pairs():
            host.set_neighbour(other, other.hardware())

    def close(self):
        for host in self._hosts():
            host.close()

    # ---- inside

    def _hosts(self):
        return self.here, self.there

    def _pairs(self):
        return (self.here, self.there), (self.there, self.here)


def why_not():
    """What keeps this machine from having partitions, as a sentence; None when nothing does."""
    return None if os.geteuid() == 0 else "network namespaces need root"


@contextlib.contextmanager
def _own_namespace():
    """Comes back to the namespace of before."""
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        yield
    finally:
        _enter(before)
        os.close(before)


def _enter(namespace):
    _check(_libc.setns(namespace, _CLONE_NEWNET), "setns")


def _check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _ip(*arguments):
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout
