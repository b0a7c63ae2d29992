#!/usr/bin/env python3
"""What gateway mode costs Redis on a cluster, beside a single server: processor time per message, and of idle agents.

    python3 tests/bench/cluster_cost.py --pairs 8 --rate 400 --seconds 10 --rounds 3
    MAS_BUILD_DIR=build/release …                                 # which build; default: build/dev

Rounds on a single Redis and on a cluster of three primaries with a replica each take turns. In each: one gateway, as many
senders as receivers, every sender to every receiver, at a fixed rate; then agents that only beat. Processor time is what
the servers say of themselves (INFO cpu); what they need without agents is measured first and taken off.
"""

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness.build import program  # noqa: E402
from harness.poll import poll_until  # noqa: E402
from harness.process import Daemon, Process  # noqa: E402
from harness.redis_cluster import SHARDS, RedisCluster  # noqa: E402
from harness.redis_server import RedisServer  # noqa: E402

HEARTBEAT = 30  # seconds, the SDK's default


def cpu(servers):
    """Seconds of processor time of each."""
    return [sum(float(info[name]) for name in ("used_cpu_user", "used_cpu_sys"))
            for info in (server.info("cpu") for server in servers)]


def spent(servers, seconds):
    before = cpu(servers)
    time.sleep(seconds)
    return [after - one for one, after in zip(before, cpu(servers))]


class Stage:
    """A Redis, a gateway on it, and what the servers need while nobody uses them."""

    def __init__(self, directory, servers, url, args):
        self.servers, self.url, self.args = servers, url, args
        self.directory = directory
        self.gateway = Daemon(directory, "mas-gatewayd", url).start()
        self.gateway.wait_ready(30)
        poll_until(lambda: self.gateway.ready()[1].get("deciding"), 30, "the gateway decides")
        time.sleep(2)
        self.alone = [one / args.seconds for one in spent(servers, args.seconds)]

    def agents(self, role, ids, *rest):
        started = [Process(self.directory, agent, [program("mas-ledger-agent"), role, agent, *rest],
                           {"MAS_REDIS_URL": self.url}).start() for agent in ids]
        for agent in started:
            agent.wait_for_output("ready", 30)
        return started

    def decided(self):
        return sum(value for name, value in self.gateway.metrics().items()
                   if name.startswith("mas_gatewayd_decisions_total"))

    def beside_alone(self, seconds):
        """Processor seconds of each server beside what it needs without agents, and how long that was."""
        before, began = cpu(self.servers), time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        return [after - one - idle * took for one, after, idle in zip(before, cpu(self.servers), self.alone)], took

    def messages(self):
        """@return microseconds a message of each server, and messages a second."""
        targets = [f"receiver-{n}" for n in range(self.args.pairs)]
        started = self.agents("receive", targets)
        try:
            started += self.agents("send", [f"sender-{n}" for n in range(self.args.pairs)], str(self.args.rate), "0", *targets)
            time.sleep(3)
            before = self.decided()
            used, took = self.beside_alone(self.args.seconds)
            count = self.decided() - before
            return [one * 1e6 / count for one in used], count / took
        finally:
            for agent in reversed(started):
                agent.stop(30)

    def idle(self):
        """@return microseconds a second and agent, of each server."""
        started = self.agents("receive", [f"idle-{n}" for n in range(self.args.idle)])
        try:
            time.sleep(10)  # a new agent looks into its inboxes more often
            used, took = self.beside_alone(2 * HEARTBEAT)
            return [one * 1e6 / took / self.args.idle for one in used]
        finally:
            for agent in started:
                agent.stop(30)


def measure(directory, args, kind):
    if kind == "single":
        redis = RedisServer(directory, tcp=True).start()
        servers, url = [redis], redis.tcp_url()
    else:
        redis = RedisCluster(directory).start()
        servers, url = redis.nodes, redis.url()
    stage = None
    try:
        stage = Stage(directory, servers, url, args)
        costs, rate = stage.messages()
        result = {"messages_per_second": round(rate), "us_per_message": round(sum(costs[:SHARDS]), 2)}
        if kind == "cluster":
            result |= {"us_per_message_of_each_primary": [round(one, 2) for one in costs[:SHARDS]],
                       "us_per_message_of_replicas": round(sum(costs[SHARDS:]), 2)}
        if args.idle:
            idle = stage.idle()
            result["us_per_second_and_idle_agent"] = [round(one, 1) for one in idle[:SHARDS]]
        return result
    finally:
        if stage is not None:
            stage.gateway.stop()
        redis.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=8, help="senders, and receivers")
    parser.add_argument("--rate", type=float, default=400, help="messages a second of each sender")
    parser.add_argument("--seconds", type=float, default=10, help="how long each round measures messages")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=0, help="agents that only beat; measured for a minute (default: none)")
    args = parser.parse_args()
    rounds = {"single": [], "cluster": []}
    for number in range(args.rounds):
        for kind, results in rounds.items():
            with tempfile.TemporaryDirectory(prefix="mas-bench-") as directory:
                results.append(measure(pathlib.Path(directory), args, kind))
            print(f"round {number + 1}, {kind}: {json.dumps(results[-1])}", flush=True)
    ratios = [cluster["us_per_message"] / single["us_per_message"] for single, cluster in zip(*rounds.values())]
    print(f"processor time of the primaries a message, cluster / single: median {statistics.median(ratios):.2f}, "
          f"of {', '.join(f'{one:.2f}' for one in sorted(ratios))}")


if __name__ == "__main__":
    main()
