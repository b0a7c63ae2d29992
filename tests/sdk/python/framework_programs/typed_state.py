"""State in a pydantic model: given to the constructor, changed in place and by update_state, kept over starts."""

import asyncio
from typing import Optional

from pydantic import BaseModel, Field

from mas import Agent


class Lesson(BaseModel):
    tutor_id: Optional[str] = None
    history: list[dict] = []
    asked: int = Field(default=0)
    score: float = 0.5
    active: bool = Field(default=True)


class Student(Agent[Lesson]):
    def __init__(self, agent_id: str, **kwargs):
        super().__init__(agent_id, state_model=Lesson, **kwargs)

    async def ask(self, text: str):
        self.state.asked += 1
        self.state.history.append({"role": "user", "content": text})
        await self.update_state({"asked": self.state.asked})  # the whole state is kept


async def main():
    student = Student("student", capabilities=["learns"])
    await student.start()
    print(student.state)
    await student.ask("why?")
    await student.update_state({"tutor_id": "chen", "active": False, "score": 1e-07})
    try:
        await student.update_state({"grade": 1})
    except ValueError as error:
        print("grade" in str(error))
    await student.stop()

    again = Student("student", capabilities=["learns"])
    await again.start()
    print(again.state.asked, again.state.history, again.state.tutor_id, again.state.active, again.state.score)
    await again.update_state({"tutor_id": None})
    await again.stop()

    plain = Agent(agent_id="student", state_model=Lesson)
    await plain.start()
    print(plain.state.tutor_id, plain.state.asked)
    await plain.reset_state()
    print(plain.state == Lesson())
    await plain.stop()


asyncio.run(main())

# Prints:
# tutor_id=None history=[] asked=0 score=0.5 active=True
# True
# 1 [{'role': 'user', 'content': 'why?'}] chen False 1e-07
# None 1
# True
