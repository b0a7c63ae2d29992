"""The names that programs import, and from where."""

import mas
import mas.agent
import mas.service
from mas import (Agent, AgentMessage, AgentRecord, MASService, Message, MessageMeta, MessageType, StateManager,
                 StateType, __version__)
from mas.gateway import FeaturesSettings, GatewayService, GatewaySettings, RateLimitSettings, RedisSettings
from mas.gateway import config

print(mas.agent.Agent is Agent, mas.agent.AgentMessage is AgentMessage, mas.service.MASService is MASService)
print(Message is AgentMessage, MessageType is str, isinstance(__version__, str), StateManager.__name__)
print(config.GatewaySettings is GatewaySettings, config.RedisSettings is RedisSettings)


class Typed(Agent[StateType]):
    """A class of agents that is generic itself."""


record: AgentRecord = {"id": "a", "capabilities": [], "metadata": {}}
meta = MessageMeta(version=1, correlation_id="c", expects_reply=True, is_reply=False)
message = AgentMessage(sender_id="a", target_id="b", message_type="t", data={}, meta=meta, timestamp=1.5,
                       message_id="1700000000000000000")
print(Typed[dict]("typed").id, record["id"], message.expects_reply, message.meta == meta)
settings = GatewaySettings(redis=RedisSettings(url="redis://localhost:6379"),
                           rate_limit=RateLimitSettings(per_minute=200, per_hour=5000),
                           features=FeaturesSettings(dlp=False))
print(GatewayService(settings=settings).redis_url == "redis://localhost:6379")

# Prints:
# True True True
# True True True StateManager
# True True
# typed a True True
# True
