"""Settings of a GatewayService, named as in the original framework. What is None keeps mas-gatewayd's own default."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._errors import InvalidArgumentError


@dataclass
class RedisSettings:
    """Where Redis is."""

    url: str | None = None  #: default: MAS_REDIS_URL, else redis://localhost:6379


@dataclass
class RateLimitSettings:
    """How many messages an agent may send."""

    enabled: bool = True
    per_minute: int | None = None
    per_hour: int | None = None


@dataclass
class FeaturesSettings:
    """Policies that may be off. Authentication, lists of targets and audit are always on."""

    dlp: bool = True
    priority_queue: bool = True
    rbac: bool = True  #: accepted; roles count only for agents that have some
    message_signing: bool = False
    circuit_breaker: bool = True


@dataclass
class GatewaySettings:
    """All of them."""

    redis: RedisSettings = field(default_factory=RedisSettings)
    rate_limit: RateLimitSettings = field(default_factory=RateLimitSettings)
    features: FeaturesSettings = field(default_factory=FeaturesSettings)

    def environment(self) -> dict[str, str]:
        """As variables of mas-gatewayd's environment, without their prefix. @raise InvalidArgumentError."""
        if self.features.message_signing:
            raise InvalidArgumentError("features.message_signing: agents sign by their credentials (masctl identity "
                                       "create); run mas-gatewayd with profile production to demand it")
        modes = {"DLP_MODE": self.features.dlp, "PRIORITY_MODE": self.features.priority_queue,
                 "BREAKER_MODE": self.features.circuit_breaker, "LIMITS_MODE": self.rate_limit.enabled}
        found = {name: "off" for name, on in modes.items() if not on}
        for name in ("per_minute", "per_hour"):
            value = getattr(self.rate_limit, name)
            if self.rate_limit.enabled and value is not None:
                found[f"LIMITS_{name.upper()}"] = str(value)
        return found
