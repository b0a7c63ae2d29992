"""hello: an agent that greets whoever says hello."""

from mas import Agent, run


class Greeter(Agent):
    async def on_start(self):
        print("ready", flush=True)

    @Agent.on("hello")
    async def on_hello(self, message, _payload):
        print(f"hello from {message.sender_id}", flush=True)
        await message.reply("greeting", {"text": f"Hello, {message.sender_id}!"})


run(Greeter("greeter"))
