"""A gateway in the program: settings, rules for pairs of agents, a consultation, a refusal, and the audit's report."""

import asyncio

from mas import Agent, AgentMessage, MASService
from mas.gateway import GatewayService
from mas.gateway.config import FeaturesSettings, GatewaySettings, RateLimitSettings


class Specialist(Agent):
    @Agent.on("specialist_consultation")
    async def on_consultation(self, message: AgentMessage, payload: None):
        await message.reply("specialist_response", {"advice": f"as to {message.data['concern']}: rest"})


class Doctor(Agent):
    def __init__(self, agent_id: str = "doctor", redis_url: str = "redis://localhost:6379"):
        super().__init__(agent_id=agent_id, capabilities=["healthcare_doctor"], redis_url=redis_url, use_gateway=True)
        self.specialist_id = ""

    async def on_start(self) -> None:
        found = await self.discover(capabilities=["healthcare_specialist"])
        self.specialist_id = found[0]["id"]

    @Agent.on("consultation_request")
    async def on_request(self, message: AgentMessage, payload: None):
        try:
            response = await self.request(self.specialist_id, "specialist_consultation", message.data, timeout=30.0)
            advice = response.data.get("advice")
        except asyncio.TimeoutError:
            if not self._running or not self._token:
                return
            advice = "the specialist is away"
        await self.send(message.sender_id, "consultation_response", {"advice": advice})


class Patient(Agent):
    def __init__(self, **kwargs):
        super().__init__(use_gateway=True, **kwargs)
        self.advice: asyncio.Queue[str] = asyncio.Queue()

    async def on_message(self, message: AgentMessage):
        await self.advice.put(message.payload["advice"])


async def main():
    service = MASService(redis_url="redis://localhost:6379")
    await service.start()
    gateway = GatewayService(settings=GatewaySettings(
        rate_limit=RateLimitSettings(per_minute=100, per_hour=1000),
        features=FeaturesSettings(dlp=True, priority_queue=False, rbac=False, message_signing=False,
                                  circuit_breaker=True)))
    await gateway.start()
    doctor, patient = Doctor(), Patient(agent_id="patient", redis_url="redis://localhost:6379")
    specialist = Specialist("specialist", ["healthcare_specialist"], use_gateway=True)
    agents = [specialist, doctor, patient]
    for agent in agents:
        agent.set_gateway(gateway)

    auth = gateway.auth_manager()
    await auth.allow_bidirectional("patient", "doctor")
    await auth.allow_bidirectional("doctor", "specialist")
    for agent in agents:
        await agent.start()

    for concern in ("headaches", "coughs", "sleep"):
        await patient.send("doctor", "consultation_request", {"concern": concern})
        print(await asyncio.wait_for(patient.advice.get(), timeout=10))
    try:
        await patient.send("specialist", "consultation_request", {"concern": "short cuts"})
    except RuntimeError as error:
        print(str(error).split(" - ")[0])
    await report(gateway)

    for agent in reversed(agents):
        await agent.stop()
    await gateway.stop()
    await service.stop()


async def report(gateway):
    audit = gateway._audit if gateway._running else None
    print(await audit.get_stats())
    decisions: dict[str, int] = {}
    for entry in await audit.query_all(count=1000):
        decisions[entry["decision"]] = decisions.get(entry["decision"], 0) + 1
        assert {"sender_id", "target_id", "message_id", "violations"} <= entry.keys(), entry
        assert float(entry["timestamp"]) > 0 and float(entry.get("latency_ms", 0)) >= 0, entry
    print(sorted(decisions.items()))
    for event in await audit.query_security_events(count=50):
        print(event["event_type"], event["details"]["sender_id"], event["timestamp"] > 0)


asyncio.run(main())

# Prints:
# as to headaches: rest
# as to coughs: rest
# as to sleep: rest
# Gateway rejected message: AUTHZ_DENIED
# {'total_messages': 13, 'security_events': 1}
# [('ALLOWED', 12), ('AUTHZ_DENIED', 1)]
# AUTHZ_DENIED patient True
