"""What an integration test needs; ../README.md shows how to use it."""

from .case import MasTestCase, for_each, main
from .fault_proxy import FaultProxy
from .poll import PollTimeout, poll_until
from .process import Daemon, Process
from .python_agent import PythonAgent, Rejected, parse_envelope
from .redis_server import RedisServer
from .resp import Resp, RespError

__all__ = [
    "Daemon", "FaultProxy", "MasTestCase", "PollTimeout", "Process", "PythonAgent", "RedisServer", "Rejected", "Resp",
    "RespError", "for_each", "main", "parse_envelope", "poll_until",
]
