#!/usr/bin/env python3
"""Measures the Python package: messages sent and received a second, and the time of a request.

    PYTHONPATH=build/release/python python3 sdk/python/bench/rates.py [--redis URL] [--seconds 3]

The receiver and the replier are processes of their own; every message has 100 bytes of data, as in the figures of the
original framework. A burst is sent, then awaited: peer to peer, a receiver that falls behind loses messages. Without
--redis it starts a private redis-server on a unix socket.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time

from mas import Agent

DATA = {"text": "x" * 89}  # 100 bytes of JSON
BURST = 19_200  # messages; the receiver's queue holds 65,536


class Receiver(Agent):
    """Counts, and tells how many it got within how long when it is asked."""

    count = 0
    first = last = 0.0

    @Agent.on("note")
    async def on_note(self, _message, _payload):
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.count += 1

    @Agent.on("ask")
    async def on_ask(self, message, _payload):
        await message.reply("answer", message.data)

    @Agent.on("count")
    async def on_count(self, message, _payload):
        await message.reply("counted", {"count": self.count, "seconds": self.last - self.first})

    @Agent.on("reset")
    async def on_reset(self, message, _payload):
        self.count, self.first = 0, 0.0
        await message.reply("reset", {})


async def receive(url):
    async with Receiver("bench-receiver", redis_url=url):
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def burst(agent, in_flight):
    """Sends BURST messages, and waits until the receiver has handled them.

    @return seconds of sending, and of receiving.
    """

    async def sender():
        for _ in range(BURST // in_flight):
            await agent.send("bench-receiver", "note", DATA)

    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(in_flight)))
    sending = time.perf_counter() - began
    handled, receiving = 0, 0.0
    while handled < BURST:
        await asyncio.sleep(0.05)
        reply = await agent.request("bench-receiver", "count", {}, timeout=30)
        handled, receiving = reply.data["count"], reply.data["seconds"]
    await agent.request("bench-receiver", "reset", {}, timeout=30)
    return sending, receiving


async def ask_for(agent, seconds):
    """@return the sorted times of requests, one after the other."""
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        await agent.request("bench-receiver", "ask", DATA, timeout=10)
        times.append(time.perf_counter() - began)
    return sorted(times)


async def measure(url, seconds):
    async with Agent("bench-sender", redis_url=url) as agent:
        for in_flight in (1, 64):
            bursts, end = [], time.monotonic() + seconds
            while time.monotonic() < end:
                bursts.append(await burst(agent, in_flight))
            sending, receiving = (statistics.median(times) for times in zip(*bursts))
            print(f"{in_flight:2} in flight: {BURST / sending:,.0f} sent/s, {BURST / receiving:,.0f} received/s "
                  f"(median of {len(bursts)} bursts of {BURST:,})")
        times = await ask_for(agent, seconds)
        p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
        print(f"request: p50 {1000 * p50:.3f} ms, p99 {1000 * p99:.3f} ms, "
              f"{len(times) / seconds:,.0f}/s one after the other")


@contextlib.contextmanager
def redis(url):
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/redis.sock"
        server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "",
                                   "--client-output-buffer-limit", "pubsub", "0", "0", "0"], stdout=subprocess.DEVNULL)
        try:
            while not os.path.exists(path):
                time.sleep(0.01)
            yield f"unix://{path}"
        finally:
            server.terminate()
            server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--redis", help="default: a private redis-server")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--receiver", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.receiver:
        asyncio.run(receive(arguments.redis))
        return
    with redis(arguments.redis) as url:
        with subprocess.Popen([sys.executable, __file__, "--receiver", "--redis", url], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as receiver:
            receiver.stdout.readline()
            asyncio.run(measure(url, arguments.seconds))
            receiver.stdin.close()


if __name__ == "__main__":
    main()
