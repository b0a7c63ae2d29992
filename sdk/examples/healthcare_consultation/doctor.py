"""doctor: answers patients with a language model. It drafts advice, asks the specialist, and merges both. When the
specialist does not answer in time, it goes on alone and says so in a note.

usage: doctor.py [SECONDS]        how long it waits for the specialist; default 60
"""

import pathlib
import sys
from dataclasses import dataclass

from mas import Agent, MASError, run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "llm"))
from chat import Model, ModelError, model_or_exit  # noqa: E402

DRAFT = "You are a family doctor. Draft advice for the patient, in at most four sentences."
MERGE = "You are a family doctor. Merge your draft and the specialist's opinion into advice for the patient."


@dataclass
class Consultation:
    complaint: str


class NoOpinion(Exception):
    """The specialist cannot help; the text says why."""


class Doctor(Agent):
    def __init__(self, model: Model, patience: float) -> None:
        """@param patience seconds to wait for the specialist."""
        super().__init__("doctor", use_gateway=True)
        self._model = model
        self._patience = patience

    async def on_start(self):
        print("doctor: ready", flush=True)

    @Agent.on("consultation", model=Consultation)
    async def on_consultation(self, message, consultation: Consultation):
        print(f"doctor: {message.sender_id} writes: {consultation.complaint}", flush=True)
        try:
            advice = await self._advise(consultation.complaint)
        except ModelError as error:
            print(f"doctor: cannot advise: {error}", flush=True)
            await message.reply("no_advice", {"reason": str(error)})
        else:
            await message.reply("advice", advice)

    async def _advise(self, complaint: str) -> dict[str, str]:
        """@raise ModelError."""
        draft = await self._model.ask(DRAFT, f"Complaint: {complaint}")
        print(f"doctor: draft: {draft}", flush=True)
        try:
            opinion = await self._opinion(complaint, draft)
        except (NoOpinion, MASError) as error:
            print(f"doctor: goes on without the specialist: {error}", flush=True)
            return {"text": draft, "note": "This is the doctor's advice alone: the specialist could not be asked."}
        print(f"doctor: the specialist's opinion: {opinion}", flush=True)
        text = await self._model.ask(MERGE, f"Complaint: {complaint}\nDraft: {draft}\nOpinion: {opinion}")
        return {"text": text, "note": "The specialist was asked."}

    async def _opinion(self, complaint: str, draft: str) -> str:
        """@raise NoOpinion. @raise MASError no answer in time, or the gateway refused."""
        case = {"complaint": complaint, "draft": draft}
        reply = await self.request("specialist", "opinion", case, timeout=self._patience)
        if reply.message_type != "opinion":
            raise NoOpinion(str(reply.data.get("reason")))
        if not isinstance(reply.data.get("text"), str):
            raise NoOpinion("the specialist's answer has no text")
        return reply.data["text"]


if __name__ == "__main__":
    run(Doctor(model_or_exit(), float(sys.argv[1]) if len(sys.argv) > 1 else 60.0))
