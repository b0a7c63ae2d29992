"""The gateway for programs of the original framework: GatewayService starts a mas-gatewayd of its own.

Agents need nothing of this: with use_gateway=True they use whichever gateway works on their Redis. A gateway for more
than a demonstration is run as a daemon (docs/GATEWAY.md), and managed with masctl.
"""

from ._audit import AuditModule
from ._rules import AuthorizationManager
from ._service import GatewayService
from .config import FeaturesSettings, GatewaySettings, RateLimitSettings, RedisSettings

__all__ = ["AuditModule", "AuthorizationManager", "FeaturesSettings", "GatewayService", "GatewaySettings",
           "RateLimitSettings", "RedisSettings"]
