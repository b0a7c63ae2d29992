#!/usr/bin/env python3
"""Measures the daemons: how long from exec to a /readyz of 200, and how much memory they hold when idle.

    MAS_BUILD_DIR=build/release tests/bench/daemon_start.py [--starts N] [--json]

Starts a private Redis, then each daemon N times; reports the median and the largest start time, and the resident memory
after --idle seconds of doing nothing.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import Daemon, RedisServer  # noqa: E402
from harness.http import http_get  # noqa: E402

DAEMONS = ("mas-registryd", "mas-gatewayd", "mas-healthd")
PATIENCE_S = 10


def ready_after(daemon):
    """Seconds from just before exec until /readyz says 200, looked at every half millisecond."""
    begin = time.monotonic()
    daemon.start()
    port = None
    while time.monotonic() - begin < PATIENCE_S:
        if port is None:
            seen = [event for event in daemon.events() if event["event"] == "http_listening"]
            port = int(seen[-1]["address"].rsplit(":", 1)[1]) if seen else None
        if port is not None and http_get(port, "/readyz").status == 200:
            return time.monotonic() - begin
        time.sleep(0.0005)
    raise SystemExit(f"{daemon.name} is not ready after {PATIENCE_S} s; it wrote: {daemon.written()}")


def measure(directory, redis, program, starts, idle):
    times = []
    for number in range(starts):
        daemon = Daemon(directory, program, redis.url(), name=f"{program}-{number}")
        times.append(ready_after(daemon))
        if number == starts - 1:
            time.sleep(idle)
            memory = daemon.rss_bytes()
        daemon.stop()
    return {"start_ms": round(statistics.median(times) * 1e3, 1), "start_ms_max": round(max(times) * 1e3, 1),
            "idle_rss_mib": round(memory / 2**20, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=10, help="of each daemon (default 10)")
    parser.add_argument("--idle", type=float, default=3, help="seconds before memory is read (default 3)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mas-bench-"))
    redis = RedisServer(directory).start()
    try:
        results = {program: measure(directory, redis, program, args.starts, args.idle) for program in DAEMONS}
    finally:
        redis.stop()
        shutil.rmtree(directory, ignore_errors=True)
    if args.json:
        print(json.dumps(results))
        return
    for program, result in results.items():
        print(f"{program:14} ready after {result['start_ms']:6.1f} ms (at most {result['start_ms_max']:.1f} ms), "
              f"idle {result['idle_rss_mib']:.1f} MiB")


if __name__ == "__main__":
    main()
