#!/usr/bin/env python3
"""How late mas-healthd notices a dead agent, and what it costs, with very many living ones.

    python3 tests/bench/health_scale.py --agents 100000 --kill 500 --json
    MAS_BUILD_DIR=build/release …                                 # which build; default: build/dev

Loads agents into a private redis-server, keeps them beating every half of their time-to-live as real agents do, stops
the beats of some, and listens for AGENT_INACTIVE. Lateness is from a heartbeat's end, reckoned from when its last beat
was sent, until the event arrived here, so it is never less than the truth. CPU is that of the daemon's process over the
whole measurement, in per cent of one core.
"""

import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import Daemon, RedisServer, poll_until  # noqa: E402


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(redis, count, ttl):
    """Agents that registered long ago, at random places of their heartbeat's period. @return when each beats next."""
    now = time.time()
    next_beat = [now + random.uniform(0, ttl / 2) for _ in range(count)]
    with redis.client(60) as client:
        for first in range(0, count, 5000):
            ids = range(first, min(first + 5000, count))
            client.pipeline([("HSET", f"agent:agent-{n:06}", "id", f"agent-{n:06}", "capabilities", '["chat"]',
                              "metadata", "{}", "status", "ACTIVE", "registered_at", "1795350096.5") for n in ids])
            # Its last beat was half a period before the next one.
            client.pipeline([("SET", f"agent:agent-{n:06}:heartbeat", "1", "PX",
                              int((next_beat[n] + ttl / 2 - time.time()) * 1000)) for n in ids])
    return next_beat


class Beater(threading.Thread):
    """Sends every agent's heartbeat when it is due; the killed ones send none after `kill`."""

    def __init__(self, redis, next_beat, ttl):
        super().__init__(daemon=True)
        self._client = redis.client(60)
        self._queue = sorted((due, n) for n, due in enumerate(next_beat))
        self._ttl = ttl
        self._dead = set()
        self.expiry = [due + ttl / 2 for due in next_beat]
        self.stopping = False

    def kill(self, agents):
        self._dead = set(agents)

    def run(self):
        position, later = 0, []
        while not self.stopping:
            now, beats = time.time(), []
            while position < len(self._queue) and self._queue[position][0] <= now:
                n = self._queue[position][1]
                position += 1
                if n not in self._dead:
                    beats.append(n)
                    later.append((self._queue[position - 1][0] + self._ttl / 2, n))
            if position == len(self._queue):
                position, self._queue, later = 0, later, []
            for n in beats:
                self.expiry[n] = now + self._ttl
            self._client.pipeline([("SET", f"agent:agent-{n:06}:heartbeat", "1", "PX", self._ttl * 1000)
                                   for n in beats] or [("PING",)])
            time.sleep(0.1)


class Listener(threading.Thread):
    """When AGENT_INACTIVE came, by agent."""

    def __init__(self, redis):
        super().__init__(daemon=True)
        self._client = redis.client(60)
        self._client.subscribe("mas.system")
        self.inactive = {}
        self.stopping = False

    def run(self):
        while not self.stopping:
            heard = self._client.message(0.2)
            if not heard:
                continue
            now, event = time.time(), json.loads(heard[1])
            if event["type"] == "AGENT_INACTIVE":
                self.inactive[int(event["agent_id"].rpartition("-")[2])] = now


def percentile(sorted_values, q):
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))]


def measure(args):
    with tempfile.TemporaryDirectory(prefix="mas-bench-") as directory:
        redis = RedisServer(directory).start()
        daemon = Daemon(directory, "mas-healthd", redis.url())
        threads = []
        try:
            beater = Beater(redis, load(redis, args.agents, args.ttl), args.ttl)
            listener = Listener(redis)
            threads = [beater, listener]
            for thread in threads:
                thread.start()
            began = time.monotonic()
            daemon.start().wait_ready(120)
            poll_until(lambda: daemon.ready()[1]["agents"]["active"] == args.agents, 120, "every agent was seen")
            known_after = time.monotonic() - began
            start_cpu = cpu_seconds(daemon.child.pid)

            killed = random.sample(range(args.agents), args.kill)
            beater.kill(killed)
            began, cpu = time.monotonic(), cpu_seconds(daemon.child.pid)
            redis_cpu = float(redis.info("cpu")["used_cpu_user"]) + float(redis.info("cpu")["used_cpu_sys"])
            poll_until(lambda: len(listener.inactive) >= args.kill and time.monotonic() - began > args.seconds,
                       args.ttl + args.seconds, f"{args.kill} agents are noticed", 0.5)
            took = time.monotonic() - began
            cpu = (cpu_seconds(daemon.child.pid) - cpu) / took * 100
            redis_cpu_end = float(redis.info("cpu")["used_cpu_user"]) + float(redis.info("cpu")["used_cpu_sys"])
            metrics = daemon.metrics()
            late = sorted(listener.inactive[n] - beater.expiry[n] for n in killed)
            return {
                "agents": args.agents, "killed": args.kill, "ttl_s": args.ttl, "seconds": round(took, 1),
                "noticed": len(late), "wrongly_inactive": len(set(listener.inactive) - set(killed)),
                "lateness_ms": {name: round(percentile(late, q) * 1000, 1)
                                for name, q in (("p50", .5), ("p99", .99), ("max", 1))},
                "healthd_cpu_percent": round(cpu, 2),
                "redis_cpu_percent_with_heartbeats": round((redis_cpu_end - redis_cpu) / took * 100, 2),
                "all_known_after_s": round(known_after, 2), "cpu_until_all_known_s": round(start_cpu, 2),
                "lookups": int(metrics["mas_healthd_lookups_total"]),
                "rss_mib": round(daemon.rss_bytes() / 2**20, 1),
            }
        finally:
            if daemon.running():
                daemon.stop()
            for thread in threads:
                thread.stopping = True
                thread.join()
            redis.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--kill", type=int, default=500, help="how many agents stop beating")
    parser.add_argument("--ttl", type=int, default=60, help="time-to-live of a heartbeat in seconds; beats every half")
    parser.add_argument("--seconds", type=float, default=70, help="how long to measure at least")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = measure(args)
    if args.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        print(f"{name:36} {value}")


if __name__ == "__main__":
    main()
