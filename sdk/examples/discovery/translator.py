"""translator: an agent that can be found by what it can do. Its metadata tells more: the language and the price.

usage: translator.py ID LANGUAGE PRICE
"""

import sys

from mas import Agent, run


class Translator(Agent):
    def __init__(self, agent_id: str, language: str, price: int) -> None:
        super().__init__(agent_id, capabilities=["translate", f"translate.{language}"])
        self._metadata = {"language": language, "price": price}

    def get_metadata(self):
        return self._metadata

    async def on_start(self):
        print(f"{self.id}: ready", flush=True)


if __name__ == "__main__":
    run(Translator(sys.argv[1], sys.argv[2], int(sys.argv[3])))
