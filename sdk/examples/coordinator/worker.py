"""worker: squares numbers, slowly. Start as many as you like, under different ids, and kill them as you like.

usage: worker.py ID [SECONDS]        for each number; default 0.1
"""

import asyncio
import sys
from dataclasses import dataclass

from mas import Agent, run


@dataclass
class Task:
    number: int


class Worker(Agent):
    def __init__(self, agent_id: str, seconds: float) -> None:
        super().__init__(agent_id, capabilities=["square"])
        self._seconds = seconds

    async def on_start(self):
        print(f"{self.id}: ready", flush=True)

    @Agent.on("square", model=Task)
    async def on_square(self, message, task: Task):
        await asyncio.sleep(self._seconds)
        await message.reply("squared", {"square": task.number * task.number})


if __name__ == "__main__":
    run(Worker(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.1))
