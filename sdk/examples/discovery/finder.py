"""finder: lists the translators and picks the cheapest one for a language.

usage: finder.py LANGUAGE
exit code: 0 one was found; 1 there is none
"""

import asyncio
import sys
from typing import NamedTuple

from mas import Agent, AgentRecord


class Offer(NamedTuple):
    """What a translator says about itself."""

    translator: str
    language: str
    price: int


def offer_of(record: AgentRecord) -> Offer | None:
    """Any agent may claim a capability, and say about itself what it likes. @return None: no offer."""
    language, price = record["metadata"].get("language"), record["metadata"].get("price")
    if isinstance(language, str) and type(price) is int:
        return Offer(record["id"], language, price)
    return None


async def main() -> int:
    if len(sys.argv) != 2:
        print("usage: finder.py LANGUAGE", file=sys.stderr)
        return 2
    language = sys.argv[1]
    async with Agent("finder") as finder:
        everybody = await finder.discover(["translate"])
        found = await finder.discover([f"translate.{language}"])
    for record in sorted(everybody, key=lambda record: record["id"]):
        offer = offer_of(record)
        said = f"translates {offer.language} for {offer.price}" if offer else "makes no offer"
        print(f"{record['id']} {said}")
    offers = [offer for record in found if (offer := offer_of(record))]
    if not offers:
        print(f"nobody translates {language}", file=sys.stderr)
        return 1
    print("cheapest:", min(offers, key=lambda offer: offer.price).translator)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
