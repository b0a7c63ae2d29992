"""finder: lists the translators and picks the cheapest one for a language.

usage: finder.py LANGUAGE
exit code: 0 one was found; 1 there is none
"""

import asyncio
import sys

from mas import Agent


async def main() -> int:
    language = sys.argv[1]
    async with Agent("finder") as finder:
        for record in sorted(await finder.discover(["translate"]), key=lambda record: record["id"]):
            print(f"{record['id']} translates {record['metadata']['language']} for {record['metadata']['price']}")
        found = await finder.discover([f"translate.{language}"])
    if not found:
        print(f"nobody translates {language}", file=sys.stderr)
        return 1
    print("cheapest:", min(found, key=lambda record: record["metadata"]["price"])["id"])
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
