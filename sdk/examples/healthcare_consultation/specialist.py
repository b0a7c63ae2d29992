"""specialist: a cardiologist who gives a second opinion on a doctor's draft, with a language model. Nobody else may
ask.

usage: specialist.py
"""

import pathlib
import sys
from dataclasses import dataclass

from mas import Agent, run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "llm"))
from chat import Model, ModelError, model_or_exit  # noqa: E402

INSTRUCTIONS = "You are a cardiologist. Give a colleague a second opinion on a draft, in at most four sentences."


@dataclass
class Case:
    complaint: str
    draft: str


class Specialist(Agent):
    def __init__(self, model: Model) -> None:
        super().__init__("specialist", use_gateway=True)
        self._model = model

    async def on_start(self):
        print("specialist: ready", flush=True)

    @Agent.on("opinion", model=Case)
    async def on_opinion(self, message, case: Case):
        print(f"specialist: {message.sender_id} asks about: {case.complaint}", flush=True)
        try:
            opinion = await self._model.ask(INSTRUCTIONS, f"Complaint: {case.complaint}\nDraft: {case.draft}")
        except ModelError as error:
            print(f"specialist: no opinion: {error}", flush=True)
            await message.reply("no_opinion", {"reason": str(error)})
        else:
            await message.reply("opinion", {"text": opinion})


if __name__ == "__main__":
    run(Specialist(model_or_exit()))
