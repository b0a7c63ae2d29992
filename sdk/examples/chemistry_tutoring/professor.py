"""professor: explains chemistry to whoever asks, with a language model. Students find it by its capability.

usage: professor.py [ID]
"""

import pathlib
import sys
from dataclasses import dataclass

from mas import Agent, run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "llm"))
from chat import Model, ModelError, model_or_exit  # noqa: E402

INSTRUCTIONS = "You are a patient professor of chemistry. Answer the student's question in at most five sentences."


@dataclass
class Question:
    topic: str
    round: int
    text: str


@dataclass
class Thanks:
    text: str


class Professor(Agent):
    def __init__(self, agent_id: str, model: Model) -> None:
        super().__init__(agent_id, capabilities=["tutoring.chemistry"])
        self._model = model

    def get_metadata(self):
        return {"about": "explains chemistry"}

    async def on_start(self):
        print("professor: ready", flush=True)

    @Agent.on("question", model=Question)
    async def on_question(self, message, question: Question):
        print(f"professor: question {question.round} from {message.sender_id}: {question.text}", flush=True)
        try:
            answer = await self._model.ask(INSTRUCTIONS, f"Topic: {question.topic}\n{question.text}")
        except ModelError as error:
            print(f"professor: cannot answer: {error}", flush=True)
            await message.reply("no_answer", {"reason": str(error)})
        else:
            await message.reply("answer", {"text": answer})

    @Agent.on("thanks", model=Thanks)
    async def on_thanks(self, message, thanks: Thanks):
        print(f"professor: {message.sender_id} says: {thanks.text}", flush=True)


if __name__ == "__main__":
    run(Professor(sys.argv[1] if len(sys.argv) > 1 else "professor", model_or_exit()))
