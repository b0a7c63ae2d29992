"""Chemistry tutoring, in both languages: three rounds between two models, a professor found by capability and kept in
typed state."""

import unittest

from case import ExampleCase, answer_to, has_program, main

OTHER_PROFESSOR = """
from mas import Agent, run
class Other(Agent):
    async def on_start(self):
        print("ready", flush=True)
    @Agent.on("question")
    async def on_question(self, message, payload):
        await message.reply("answer", {"texts": 5})
run(Other("other", ["tutoring.chemistry"]))
"""
NO_CPP = "libcurl's headers were not installed when this was built"


class TutoringCase(ExampleCase):
    def kill_in_round_2(self, program, topic, professor):
        """Runs a student until the professor has answered one question, and kills it while it waits for the second."""
        def pause(messages):
            if "Question 2 about" in messages[-1]["content"]:
                professor.pause()  # before there is a second question

        self.model.before_answer = pause
        student = self.start_example(program, topic)
        student.wait_for_output("question 2: ", 60)
        student.kill()
        professor.resume()
        self.model.before_answer = lambda messages: None


class PythonTest(TutoringCase):
    student, professor = "chemistry_tutoring/student.py", "chemistry_tutoring/professor.py"
    start_first = "professor.py"

    def setUp(self):
        super().setUp()
        self.use_model()

    def start_professor(self, agent_id="professor", **env):
        return self.start_example(self.professor, agent_id, env=env, ready="professor: ready")

    def state(self):
        return self.redis.hgetall("agent.state:student")

    def check_lesson(self, lines, rounds, calls):
        """Each question was made by a model from the answer before, and each answer by a model from that question."""
        said = {line.split(": ", 2)[1]: line.split(": ", 2)[2] for line in lines if line.count(": ") >= 2}
        by_answer = {answer: messages for messages, answer in calls}
        for number in rounds:
            question, answer = said[f"question {number}"], said[f"answer {number}"]
            self.assertIn(question, by_answer[answer][-1]["content"], "the professor's model got the question")
            self.assertEqual(answer, answer_to(by_answer[answer]))
            if number > 1 and f"answer {number - 1}" in said:
                self.assertIn(said[f"answer {number - 1}"], by_answer[question][-1]["content"],
                              "the student's model got the answer before")

    def test_a_lesson(self):
        professor = self.start_professor("prof-42")
        out, err = self.run_example(self.student, "redox reactions")
        self.assertEqual(err, "")
        self.assertIn("student: found prof-42, which explains chemistry\n", out)
        self.check_lesson(out.splitlines(), (1, 2, 3), self.model.calls)
        self.assertEqual(len(self.model.calls), 6)
        professor.wait_for_output("student says: Thank you, I learned a lot about redox reactions!", 60)
        self.assertEqual((self.state()["professor"], self.state()["rounds"]), ("prof-42", "0"))

    def test_a_student_that_is_killed_goes_on(self):
        professor = self.start_professor("prof-42")
        self.kill_in_round_2(self.student, "salts", professor)
        self.assertEqual(self.state()["rounds"], "1", "killed in the middle of the lesson")
        out, _ = self.run_example(self.student, "salts")
        self.assertNotIn("student: found", out, "it knows its professor")
        self.assertIn("student: goes on with prof-42 after round 1\n", out)
        self.assertEqual([f"answer {n}: " in out for n in (1, 2, 3)], [False, True, True])
        professor.wait_for_output("Thank you", 60)

    def test_another_professor(self):
        self.start_professor("prof-1").stop()
        self.run_example(self.student, code=1)
        self.masctl("state", "set", "student", "professor=prof-1", redis=self.redis)
        self.start_professor("prof-2")
        out, _ = self.run_example(self.student)
        self.assertIn("student: prof-1 has left\nstudent: found prof-2", out)

    def test_failures(self):
        _, err = self.run_example(self.student, code=1)
        self.assertEqual(err, f"student: There is no professor of chemistry: start {self.start_first} first.\n")
        self.start_professor(OPENAI_MODEL="pretend:status=429")
        _, err = self.run_example(self.student, code=1)
        self.assertEqual(err, "student: professor cannot answer: The language model at 127.0.0.1 gets too many "
                              "requests, or the account's quota is used up; try again later (HTTP 429).\n")
        _, err = self.run_example(self.student, code=1, env={"OPENAI_MODEL": "pretend:garbage"})
        self.assertEqual(err, "student: The language model at 127.0.0.1 sent an answer that is not a chat "
                              "completion.\n")

    def test_a_professor_of_another_kind(self):
        """It says nothing about itself, and its answer has no text."""
        self.start_example(self.write("other.py", OTHER_PROFESSOR), ready="ready")
        out, err = self.run_example(self.student, code=1)
        self.assertIn("student: found other, which says nothing about itself\n", out)
        self.assertRegex(err, "^student: [^\n]*text[^\n]*\n$")


@unittest.skipUnless(has_program("example_tutoring_student"), NO_CPP)
class CppTest(PythonTest):
    student, professor = "example_tutoring_student", "example_tutoring_professor"
    start_first = "example_tutoring_professor"


@unittest.skipUnless(has_program("example_tutoring_student"), NO_CPP)
class MixedTest(TutoringCase):
    def test_a_student_in_python_goes_on_in_cpp(self):
        self.use_model()
        professor = self.start_example("example_tutoring_professor", ready="professor: ready")
        self.kill_in_round_2("chemistry_tutoring/student.py", "salts", professor)
        out, _ = self.run_example("example_tutoring_student", "salts")
        self.assertRegex(out, "^student: goes on with professor after round 1\n")
        professor.wait_for_output("Thank you", 60)


if __name__ == "__main__":
    main()
