"""The same as typed_state.py and typed_handlers.py where pydantic is not installed: dataclasses in its place."""

import asyncio
from dataclasses import dataclass, field
from typing import Optional

from mas import Agent, AgentMessage


@dataclass
class Question:
    text: str
    level: int = 1


@dataclass
class Lesson:
    tutor_id: Optional[str] = None
    history: list[dict] = field(default_factory=list)
    asked: int = 0
    active: bool = True


class Student(Agent[Lesson]):
    def __init__(self, agent_id, **kwargs):
        super().__init__(agent_id, state_model=Lesson, **kwargs)

    @Agent.on("question", model=Question)
    async def on_question(self, message: AgentMessage, payload: Question):
        self.state.asked += payload.level
        self.state.history.append({"content": payload.text})
        await self.update_state({"asked": self.state.asked, "history": self.state.history})
        await message.reply("answer", {"asked": self.state.asked})


async def main():
    for _ in range(2):
        student = Student("student", capabilities=["learns"])
        await student.start()
        answer = await student.request("student", "question", {"text": "why?", "level": 2}, timeout=5)
        print(answer.data, student.state)
        await student.update_state({"tutor_id": "chen", "active": False})
        await student.stop()


asyncio.run(main())

# Prints:
# {'asked': 2} Lesson(tutor_id=None, history=[{'content': 'why?'}], asked=2, active=True)
# {'asked': 4} Lesson(tutor_id='chen', history=[{'content': 'why?'}, {'content': 'why?'}], asked=4, active=False)
