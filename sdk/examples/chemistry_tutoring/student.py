"""student: finds a professor of chemistry by capability, asks three questions, each about the answer before, and says
thanks.

A language model makes up the questions. What the student knows is typed state: started again after a crash, it goes on
with the same professor where it stopped.

usage: student.py [TOPIC]
exit code: 0 the lesson is over; 1 it ended early, with a sentence; 2 no language model is configured
"""

import asyncio
import pathlib
import sys
from dataclasses import dataclass

from mas import Agent, MASError, NoReceiverError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "llm"))
from chat import Model, ModelError, model_or_exit  # noqa: E402

ROUNDS = 3
ANSWER_SECONDS = 90  # the professor asks a model meanwhile
INSTRUCTIONS = "You are a curious student of chemistry. Ask your professor one short question. Write the question only."


@dataclass
class Lesson:
    professor: str = ""
    topic: str = ""
    rounds: int = 0  # questions that were answered
    answer: str = ""  # the last one


class LessonOver(Exception):
    """The lesson ends early; the text says why."""


class Student(Agent[Lesson]):
    def __init__(self, topic: str, model: Model) -> None:
        super().__init__("student", state_model=Lesson)
        self._topic = topic
        self._model = model

    async def learn(self) -> None:
        """@raise LessonOver, ModelError, MASError."""
        if self.state.topic != self._topic:
            await self.update_state({"topic": self._topic, "rounds": 0, "answer": ""})
        if self.state.rounds:
            print(f"student: goes on with {self.state.professor} after round {self.state.rounds}", flush=True)
        while self.state.rounds < ROUNDS:
            await self._round(self.state.rounds + 1)
        await self.send(self.state.professor, "thanks", {"text": f"Thank you, I learned a lot about {self._topic}!"})
        await self.update_state({"topic": "", "rounds": 0, "answer": ""})  # it keeps the professor

    async def _round(self, number: int) -> None:
        prompt = f"The professor said: {self.state.answer}\n" if self.state.answer else ""
        text = await self._model.ask(INSTRUCTIONS, f"{prompt}Question {number} about {self._topic}")
        print(f"student: question {number}: {text}", flush=True)
        answer = await self._ask({"topic": self._topic, "round": number, "text": text})
        print(f"student: answer {number}: {answer}", flush=True)
        await self.update_state({"rounds": number, "answer": answer})

    async def _ask(self, question: dict[str, object]) -> str:
        """Asks the professor that it knows, or else finds one."""
        if self.state.professor:
            try:
                return await self._ask_professor(question)
            except NoReceiverError:
                print(f"student: {self.state.professor} has left", flush=True)
        found = await self.discover(["tutoring.chemistry"])
        if not found:
            raise LessonOver("There is no professor of chemistry: start professor.py first.")
        await self.update_state({"professor": found[0]["id"]})
        about = found[0]["metadata"].get("about", "says nothing about itself")
        print(f"student: found {self.state.professor}, which {about}", flush=True)
        return await self._ask_professor(question)

    async def _ask_professor(self, question: dict[str, object]) -> str:
        reply = await self.request(self.state.professor, "question", question, timeout=ANSWER_SECONDS)
        if reply.message_type != "answer":
            raise LessonOver(f"{self.state.professor} cannot answer: {reply.data.get('reason')}")
        if not isinstance(reply.data.get("text"), str):
            raise LessonOver(f"{self.state.professor} sent an answer without a text")
        return reply.data["text"]


async def main() -> int:
    student = Student(sys.argv[1] if len(sys.argv) > 1 else "acids and bases", model_or_exit())
    try:
        async with student:
            await student.learn()
    except (LessonOver, ModelError, MASError) as error:
        print(f"student: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
