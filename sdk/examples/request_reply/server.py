"""server: converts degrees for whoever asks. The dataclass says what a request must hold; the rest never reaches the
handler.

usage: server.py
"""

from dataclasses import dataclass

from mas import Agent, run


@dataclass
class Convert:
    celsius: float


class Server(Agent):
    async def on_start(self):
        print("server: ready", flush=True)

    @Agent.on("convert", model=Convert)
    async def on_convert(self, message, request: Convert):
        await message.reply("converted", {"fahrenheit": request.celsius * 9 / 5 + 32})


if __name__ == "__main__":
    run(Server("converter"))
