"""A Redis, a gateway that decides, and peers: what every test of the gateway begins with."""

from .case import MasTestCase
from .gateway_peer import GatewayPeer
from .poll import poll_until

QUICK = {"lease": {"ttl": "1s"}}


class GatewayCase(MasTestCase):
    config = {}

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.gateway = self.start_gateway()

    def start_gateway(self, **config):
        gateway = self.start_daemon("mas-gatewayd", self.redis, {**QUICK, **self.config, **config})
        poll_until(lambda: gateway.ready()[1].get("deciding"), 10, "the gateway has fenced partitions")
        return gateway

    def peer(self, agent_id, **options):
        peer = GatewayPeer(self.redis, agent_id, **options)
        self.addCleanup(peer.close)
        return peer

    def eventually(self, decide, wanted, timeout=2.0):
        """Sends until the decision is the wanted one: a change has to reach the gateway first."""
        poll_until(lambda: decide().decisions() == [wanted], timeout, f"the decision becomes {wanted}")
