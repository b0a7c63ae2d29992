"""`masctl listen`: an agent of the C library that prints every message it hears as a line of JSON, the envelope."""

import json

from .poll import poll_until
from .process import Process


class Listener(Process):
    """Happy path: start() … wait_registered() … messages() … stop() → 0."""

    def __init__(self, directory, redis_url, agent_id, flags=(), env=None, name=None):
        argv = ["masctl", "listen", agent_id, "--json", "--redis", redis_url, *flags]
        super().__init__(directory, name or f"listen-{agent_id}", argv, env)
        self.id = agent_id

    def wait_registered(self, redis, timeout=10.0):
        """Waits until it hears and its entry is there. @param redis what is asked: a RedisServer."""
        def there():
            gateway = redis.cmd("HGET", f"agent:{self.id}", "mode") == "gateway"  # it heard before it registered
            hears = gateway or redis.cmd("PUBSUB", "NUMSUB", f"agent.{self.id}")[1] > 0
            return hears and redis.cmd("HGET", f"agent:{self.id}", "status") == "ACTIVE"
        poll_until(there, timeout, lambda: f"{self.id} is registered and hears; it wrote: {self.written()}")
        return self

    def lines(self):
        """What it printed, a text per message, byte for byte. A line that is not finished does not count."""
        return self.out().split("\n")[:-1]

    def messages(self, message_type=None):
        """The envelopes it heard."""
        heard = [json.loads(line) for line in self.lines()]
        return [m for m in heard if message_type is None or m["message_type"] == message_type]

    def wait_messages(self, count, message_type=None, timeout=10.0):
        """Waits for at least `count` messages; returns them."""
        def enough():
            heard = self.messages(message_type)
            return heard if len(heard) >= count else None
        return poll_until(enough, timeout, lambda: f"{self.id} hears {count} messages; it wrote: {self.written()}")
