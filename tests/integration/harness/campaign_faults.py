"""What can go wrong in a campaign, as data: each fault is a generator that begins it, yields while it lasts, and ends it. It
yields the ids of the agents that are concerned, or None for all: others have to go on as if nothing were.

A fault happens to the parts; one at a time. Company is what a hostile or broken agent does beside the honest ones; it lasts
through faults, and whatever it does must be bounded here too. `run` is the campaign (campaign.py).
"""

import collections
import json
import os
import threading
import time

from .gateway_peer import GatewayPeer, failure_report, record
from .ledger import AgentLog
from .resp import RespError

# seconds: how long it lasts, drawn between. grace: seconds that recovery may take on top, by a rule of docs/GATEWAY.md.
Fault = collections.namedtuple("Fault", "name begin seconds weight grace", defaults=(1, 0))

LEASE = 1.5  # a gateway's lease of one second, and the look that finds it gone
STEADY = 5.5  # an instance claims what a dead one held once it has renewed its lease for a period of 5 s, and renews then


# ---- gateways

def gateway_killed(run):
    run.kill_gateway()
    yield
    run.start_gateway()


def gateway_dies_in_a_turn(run):
    doomed = run.start_gateway(crash=True)
    yield
    if doomed.running():
        run.kill_gateway(doomed)
    else:
        run.forget_gateway(doomed)


def gateway_paused(run):
    gateway = run.random.choice(run.gateways)
    gateway.pause()
    yield
    gateway.resume()


def gateway_replaced(run):
    run.start_gateway()
    yield
    run.stop_gateway()


# ---- Redis

def redis_killed(run):
    run.redis.kill()
    yield
    run.redis.start()


def redis_paused(run):
    run.redis.pause()
    yield
    run.redis.resume()


def out_of_memory(run):
    used = int(run.redis.info("memory")["used_memory"])
    run.redis.cmd("CONFIG", "SET", "maxmemory", used)
    yield
    run.redis.cmd("CONFIG", "SET", "maxmemory", 0)


def writes_refused(run):
    run.redis.cmd("CONFIG", "SET", "min-replicas-to-write", 1)
    yield
    run.redis.cmd("CONFIG", "SET", "min-replicas-to-write", 0)


def cannot_save(run):
    """MISCONF: a snapshot cannot be written, since a directory has its name."""
    snapshot = run.redis.directory / "dump.rdb"
    snapshot.unlink(missing_ok=True)
    snapshot.mkdir()
    run.redis.cmd("CONFIG", "SET", "save", "3600 100000000")
    run.redis.cmd("BGSAVE")
    yield
    snapshot.rmdir()
    run.poll(run.save_again, 10, "Redis can save again")
    run.redis.cmd("CONFIG", "SET", "save", "")


def clock_steps(run):
    """To another time, where it stays: what expires and what waits goes by this clock, and so do signatures."""
    clocks = [seconds for seconds in (-3600, -30, 0, 30, 3600) if seconds != run.clock]
    run.clock = run.random.choice(clocks)
    run.redis.set_clock(run.clock)
    yield


# ---- links

def links_cut(proxy_of):
    def fault(run):
        proxy_of(run).cut()
        yield
    return fault


def links_stalled(proxy_of):
    def fault(run):
        proxy_of(run).stall()
        yield
        proxy_of(run).forward()
    return fault


def links_refused(proxy_of):
    def fault(run):
        proxy_of(run).refuse()
        proxy_of(run).cut()
        yield
        proxy_of(run).forward()
    return fault


def links_slow(proxy_of):
    def fault(run):
        proxy_of(run).delay(0.03)
        yield
        proxy_of(run).forward()
    return fault


def of_agents(run):
    return run.agents_proxy


def of_gateways(run):
    return run.gateways_proxy


# ---- honest agents

def sender_killed(run):
    source = run.random.choice(run.sources)
    run.agents[source][-1].kill()
    yield [source]
    run.launch_sender(source)
    run.wait_started([source])


def receiver_killed(run):
    target = run.random.choice(run.targets)
    run.receivers_died = True
    run.agents[target][-1].kill()
    for key in run.redis.scan(f"agent:{target}:alive:*"):
        run.redis.cmd("DEL", key)  # what 15 seconds would do
    yield [target]
    run.launch_receiver(target)
    run.wait_started([target])


def receiver_does_not_poll(run):
    target = run.random.choice(run.targets)
    run.agents[target][-1].pause()
    yield [target]
    run.agents[target][-1].resume()


FAULTS = [
    Fault("a gateway is killed", gateway_killed, (0.1, 2), 3, LEASE),
    Fault("a gateway dies in a turn", gateway_dies_in_a_turn, (1, 3), 3, LEASE),
    Fault("a gateway is paused", gateway_paused, (0.2, 3), 2, LEASE),
    Fault("a gateway is replaced", gateway_replaced, (0.2, 1.5), 1, LEASE),
    Fault("Redis is killed", redis_killed, (0.1, 2), 2, LEASE),
    Fault("Redis is paused", redis_paused, (0.1, 3), 1, LEASE),
    Fault("Redis is out of memory", out_of_memory, (0.5, 3)),
    Fault("Redis takes no writes", writes_refused, (0.5, 4), 2, LEASE),
    Fault("Redis takes no writes until leases lapse", writes_refused, (16, 18), 0.3, LEASE),
    Fault("Redis cannot save", cannot_save, (0.5, 3), 1, LEASE),
    Fault("Redis's clock steps", clock_steps, (0, 0.1), 1, LEASE),
    Fault("links of agents are cut", links_cut(of_agents), (0.05, 0.5)),
    Fault("links of agents stall", links_stalled(of_agents), (0.2, 3)),
    Fault("links of agents are refused", links_refused(of_agents), (0.2, 3)),
    Fault("links of agents are slow", links_slow(of_agents), (0.5, 2)),
    Fault("links of gateways are cut", links_cut(of_gateways), (0.05, 0.5), 1, LEASE),
    Fault("links of gateways stall", links_stalled(of_gateways), (0.2, 3), 1, LEASE),
    Fault("links of gateways are refused", links_refused(of_gateways), (0.2, 3), 1, LEASE),
    Fault("links of gateways are slow", links_slow(of_gateways), (0.5, 2), 1, LEASE),
    Fault("a sender is killed", sender_killed, (0.1, 2)),
    Fault("a receiver is killed", receiver_killed, (0.1, 2), 1, STEADY),
    Fault("a receiver does not poll", receiver_does_not_poll, (0.5, 5), 2),
]


# ---- company

def every(run, pause, act):
    """Calls act() in a thread, again and again, whatever Redis says to it. @return what ends it."""
    stopping = threading.Event()

    def work():
        while not stopping.wait(pause):
            try:
                act()
            except (OSError, RespError):
                pass  # Redis is away, full or refuses: others' business

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def end():
        stopping.set()
        thread.join()
    return end


def poison(run):
    junk = ["", "x", "\x01" * 40, "{}" * 500, "\x00\xff\udc80" * 100]
    end = every(run, 0.05, lambda: run.redis.cmd("RPUSH", f"mas.ingress:{{{run.random.randrange(16)}}}",
                                                *run.random.choices(junk, k=10)))
    yield
    end()


def large_elements(run):
    """Redis serves nobody while it takes one, and again while a gateway reads it: as long as that takes on this machine."""
    def act():
        element = "x" * run.random.randrange(1 << 20, 12 << 20)
        began = time.monotonic()
        run.redis.cmd("RPUSH", f"mas.ingress:{{{run.random.randrange(16)}}}", element)
        ended = time.monotonic()
        run.broken.append((began, ended + (ended - began), None, "a large element"))

    end = every(run, 0.5, act)
    yield
    end()


def huge_values(run):
    fields = ("status", "metadata", "capabilities", "registered_at", "mode", "token")
    huge = "x" * (8 << 20)
    end = every(run, 0.3, lambda: run.redis.cmd("HSET", "agent:huge", "id", "huge", run.random.choice(fields), huge))
    yield
    end()
    run.redis.cmd("DEL", "agent:huge")


def many_events(run):
    events = [json.dumps({"type": kind, "agent_id": f"ghost{n}", "capabilities": []})
              for n in range(500) for kind in ("REGISTER", "DEREGISTER")]
    end = every(run, 0.05, lambda: run.redis.pipeline([("PUBLISH", "mas.system", event) for event in events]))
    yield
    end()


def refused_sender(run):
    """Sends to nobody as fast as it may, and hears a refusal for each."""
    process = run.launch_stranger("refused", 1000, "nobody")
    yield
    process.kill()


def flooding_sender(run):
    """Sends to an agent that never reads, until that one's backlog is full."""
    process = run.launch_stranger("flooder", 2000, run.absent)
    yield
    process.kill()


def endless_reports(run):
    """An agent sends messages to itself and reports them as failed, again and again, and others that it never had."""
    peer = GatewayPeer(run.redis, f"reporter-{len(run.reporters)}")
    peer.close()  # it does not listen
    log = run.reporters[peer.id] = AgentLog(peer.id)

    def act():
        peer.instance = os.urandom(16)  # so that nothing waits for numbers of before
        log.tried[len(log.tried)] = peer.id
        peer.push(peer.frame([record(peer.envelope(peer.id, data={"n": len(log.tried) - 1}))], 1))
        entries = [entry for entry, _ in run.redis.cmd("XREVRANGE", f"agent.stream:{peer.id}", "+", "-", "COUNT", 20)]
        reports = [failure_report(entry, index) for entry in [*entries, "1-1"] for index in (0, 0, 7)]
        peer.push(peer.frame(run.random.choices(reports, k=200), 2))

    end = every(run, 0.1, act)
    yield
    end()


COMPANY = [
    Fault("poison in the lists", poison, (2, 10)),
    Fault("large elements in the lists", large_elements, (2, 5)),
    Fault("huge values in an entry", huge_values, (2, 6)),
    Fault("a flood of events", many_events, (2, 10)),
    Fault("an agent that reports failures without end", endless_reports, (2, 10)),
    Fault("a sender that is refused everything", refused_sender, (2, 10)),
    Fault("a sender that floods", flooding_sender, (2, 10)),
]
