"""Rules about who may send to whom, one by one and in chains, with roles, and an agent's summary."""

import asyncio

from mas.gateway import GatewayService


async def main():
    gateway = GatewayService(redis_url="redis://localhost:6379")
    await gateway.start()
    auth = gateway.auth_manager()
    await auth.allow_bidirectional(agent_a="patient_jones", agent_b="doctor_smith")
    await auth.allow_network(agents=["coordinator", "worker1", "worker2"])
    await auth.allow_network(["first", "second", "third"], bidirectional=False)
    await auth.allow_broadcast(sender="crier", receivers=["worker1", "worker2"])
    await auth.allow_wildcard("supervisor")
    await auth.allow("worker3", "coordinator")
    await (auth
           .allow("agent1", "*")
           .block("agent1", "agent2")
           .allow(sender="agent3", targets=["agent4", "agent5"])
           .create_role("doctor", description="May write to patients", permissions=["send:patient*"])
           .create_role(role_name="admin", permissions=["send:*", "manage:*"])
           .assign_role("doctor_smith", "doctor")
           .assign_role(agent_id="doctor_smith", role_name="admin")
           .apply())
    agents = ("worker1", "first", "third", "crier", "supervisor", "worker3", "agent1", "agent3")
    for summary in await asyncio.gather(*(auth.get_summary(agent_id) for agent_id in agents)):
        print(summary["agent_id"], summary["acl"]["allowed"], summary["acl"]["blocked"])
    print(await auth.get_summary("doctor_smith"))
    await gateway.stop()


asyncio.run(main())

# Prints:
# worker1 ['coordinator', 'worker2'] []
# first ['second'] []
# third [] []
# crier ['worker1', 'worker2'] []
# supervisor ['*'] []
# worker3 ['coordinator'] []
# agent1 ['*'] ['agent2']
# agent3 ['agent4', 'agent5'] []
# {'agent_id': 'doctor_smith', 'acl': {'allowed': ['patient_jones'], 'blocked': []}, 'roles': ['admin', 'doctor'], 'role_permissions': {'admin': ['manage:*', 'send:*'], 'doctor': ['send:patient*']}}
