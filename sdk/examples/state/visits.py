"""visits: counts how often it was started, and remembers who came last. Typed state keeps both between the starts.

usage: visits.py NAME
"""

import asyncio
import sys
from dataclasses import dataclass

from mas import Agent


@dataclass
class Visits:
    count: int = 0
    last: str = "nobody"


async def main() -> None:
    async with Agent("visits", state_model=Visits) as agent:
        before = agent.state.last
        await agent.update_state({"count": agent.state.count + 1, "last": sys.argv[1]})
        print(f"visit {agent.state.count} is by {sys.argv[1]}, the one before was by {before}")


if __name__ == "__main__":
    asyncio.run(main())
