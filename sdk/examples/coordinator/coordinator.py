"""coordinator: has workers square the numbers 1 to N, and adds up the squares. Workers may come, go and die meanwhile.

A task is done when its reply is there, and not before. One whose worker does not answer is given to another worker, so
that it may be worked on twice but counts once.

usage: coordinator.py N
"""

import asyncio
import collections
import sys

from mas import Agent, AgentMessage, MASError

MOST_TASKS = 1_000_000
TASK_SECONDS = 2  # longer than a worker needs
REST_SECONDS = 3  # of a worker that failed: it is still listed for up to a minute after its death


class Coordinator(Agent):
    def __init__(self, tasks: int) -> None:
        super().__init__("coordinator")
        self._tasks = tasks
        self._todo = collections.deque(range(1, tasks + 1))
        self._squares: dict[int, int] = {}
        self._employed: dict[str, asyncio.Task[None]] = {}
        self._rests_until: dict[str, float] = {}

    async def work(self) -> int:
        """Returns the sum when all tasks are done, however long that takes."""
        clock = asyncio.get_running_loop().time
        while len(self._squares) < self._tasks:
            for record in await self.discover(["square"]):
                worker = record["id"]
                idle = worker not in self._employed or self._employed[worker].done()
                if self._todo and idle and self._rests_until.get(worker, 0) < clock():
                    self._employed[worker] = asyncio.create_task(self._employ(worker))
            await asyncio.sleep(0.1)
        return sum(self._squares.values())

    async def _employ(self, worker: str) -> None:
        """Gives the worker one task after another, until there is none or the worker fails."""
        while self._todo:
            number = self._todo.popleft()
            try:
                reply = await self.request(worker, "square", {"number": number}, timeout=TASK_SECONDS)
                self._squares[number] = square_in(reply)
            except (MASError, ValueError) as error:  # no answer, or not the one that was asked for
                self._todo.appendleft(number)
                self._rests_until[worker] = asyncio.get_running_loop().time() + REST_SECONDS
                print(f"coordinator: {worker} did not do task {number} ({error}): it goes to another", flush=True)
                return
            print(f"coordinator: {worker} did task {number}", flush=True)


def square_in(reply: AgentMessage) -> int:
    """@raise ValueError the reply is not a worker's."""
    square = reply.data.get("square")
    if type(square) is not int:
        raise ValueError("its reply has no whole number named square")
    return square


async def main() -> int:
    if len(sys.argv) != 2:
        print("usage: coordinator.py N", file=sys.stderr)
        return 2
    tasks = int(sys.argv[1]) if sys.argv[1].isdecimal() and len(sys.argv[1]) < 10 else 0
    if not 1 <= tasks <= MOST_TASKS:
        print(f"coordinator: N must be a whole number from 1 to {MOST_TASKS}", file=sys.stderr)
        return 2
    async with Coordinator(tasks) as coordinator:
        print(f"coordinator: the squares of 1 to {tasks} add up to {await coordinator.work()}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
