"""The small examples: hello, request and reply, discovery, state, coordinator; each in every language in which it
exists."""

import re

from case import EXAMPLES_DIR, ExampleCase, for_each, main


# An agent that answers everything, in a way of its own: ID, CAPABILITIES, STATEMENT about `message`.
OTHER_AGENT = """
import sys
from mas import Agent, HandlerError, run
class Other(Agent):
    async def on_start(self):
        print("ready", flush=True)
    async def on_message(self, message):
        exec("async def answer(message): " + sys.argv[3], globals())
        await answer(message)
run(Other(sys.argv[1], sys.argv[2].split()))
"""


class SmallCase(ExampleCase):
    def start_other(self, agent_id, capabilities="", statement="pass"):
        path = self.write("other.py", OTHER_AGENT)
        return self.start_example(path, agent_id, capabilities, statement, ready="ready")


class HelloTest(ExampleCase):
    def test_at_most_25_lines(self):
        for path in (EXAMPLES_DIR / "hello").glob("hello.*"):
            self.assertLessEqual(len(path.read_text().splitlines()), 25, path)

    @for_each("hello/hello.py", "example_hello", "example_hello_c")
    def test_hello(self, program):
        greeter = self.start_example(program, ready="ready")
        done = self.masctl("request", "--as", "ada", "greeter", "hello", redis=self.redis)
        self.assertEqual((done.returncode, done.stdout), (0, '{"text":"Hello, ada!"}\n'), done.stderr)
        greeter.wait_for_output("hello from ada", 60)
        greeter.stop()


class RequestReplyTest(SmallCase):
    servers = ("request_reply/server.py", "example_convert_server", "example_convert_server_c")
    clients = ("request_reply/client.py", "example_convert_client", "example_convert_client_c")

    @for_each(*servers)
    def test_every_client(self, program):
        server = self.start_example(program, ready="server: ready")
        for client in self.clients:
            out, err = self.run_example(client, "20", "-40", "36.6")
            self.assertEqual((out, err), ("20 °C are 68 °F\n-40 °C are -40 °F\n36.6 °C are 97.88 °F\n", ""), client)
        server.stop()

    @for_each(*clients)
    def test_no_server(self, program):
        _, err = self.run_example(program, "20", code=1)
        self.assertEqual(err, "20 °C: the server does not run\n")

    @for_each(*clients)
    def test_a_server_that_does_not_answer(self, program):
        server = self.start_example(self.servers[0], ready="server: ready")
        server.pause()
        _, err = self.run_example(program, "20", code=1)
        self.assertEqual(err, "20 °C: no answer within 2 seconds\n")
        server.resume()
        server.stop()


    @for_each(*clients)
    def test_a_server_that_fails(self, program):
        server = self.start_other("converter", statement="raise HandlerError('out of order')")
        _, err = self.run_example(program, "20", code=1)
        self.assertRegex(err, "^20 °C: [^\n]*out of order[^\n]*\n$")
        server.stop()

    @for_each(*clients)
    def test_a_server_that_answers_something_else(self, program):
        server = self.start_other("converter", statement="await message.reply('converted', {'fahrenheit': 'warm'})")
        _, err = self.run_example(program, "20", code=1)
        self.assertRegex(err, "^20 °C: [^\n]*fahrenheit[^\n]*\n$")
        server.stop()


class DiscoveryTest(SmallCase):
    translators = ("discovery/translator.py", "example_translator")

    @for_each("discovery/finder.py", "example_finder")
    def test_the_cheapest(self, program):
        running = []
        for number, (language, price) in enumerate((("de", 3), ("fr", 1), ("de", 2))):
            kind = self.translators[number % len(self.translators)]
            running.append(self.start_example(kind, f"tr-{number}", language, price, ready="ready"))
        out, _ = self.run_example(program, "de")
        self.assertEqual(out, "tr-0 translates de for 3\ntr-1 translates fr for 1\ntr-2 translates de for 2\n"
                              "cheapest: tr-2\n")
        _, err = self.run_example(program, "it", code=1)
        self.assertEqual(err, "nobody translates it\n")
        for translator in running:
            translator.stop()

    @for_each("discovery/finder.py", "example_finder")
    def test_one_without_an_offer(self, program):
        other = self.start_other("other", "translate translate.de")
        out, err = self.run_example(program, "de", code=1)
        self.assertEqual((out, err), ("other makes no offer\n", "nobody translates de\n"))
        translator = self.start_example(self.translators[0], "tr", "de", 3, ready="ready")
        out, _ = self.run_example(program, "de")
        self.assertEqual(out, "other makes no offer\ntr translates de for 3\ncheapest: tr\n")
        translator.stop()
        other.stop()


class StateTest(ExampleCase):
    def test_all_languages_share_one_state(self):
        before = "nobody"
        for number, (program, name) in enumerate((
                ("state/visits.py", "Ada"), ("example_visits_c", "Grace"), ("example_visits", "Edsger"),
                ("state/visits.py", "Alan"), ("example_visits", "Barbara")), 1):
            out, _ = self.run_example(program, name)
            self.assertEqual(out, f"visit {number} is by {name}, the one before was by {before}\n")
            before = name


class CoordinatorTest(SmallCase):
    programs = ("coordinator/coordinator.py", "example_coordinator")
    tasks = 400  # more than the workers can do before the last of them has failed

    @for_each(*programs)
    def test_wrong_numbers(self, program):
        for text in ("0", "-3", "1000001", "9" * 30, "many", "3x", ""):
            with self.subTest(text):
                out, err = self.run_example(program, text, code=2)
                self.assertEqual((out, err), ("", "coordinator: N must be a whole number from 1 to 1000000\n"))
        _, err = self.run_example(program, code=2)
        self.assertRegex(err, "^usage: [^\n]* N\n$")

    @for_each(*programs)
    def test_a_worker_that_answers_something_else(self, program):
        """The task goes to another worker, as after any failure."""
        for square in ("None", "[]", "2.5", "'9'"):
            with self.subTest(square):
                other = self.start_other("other", "square", f"await message.reply('squared', {{'square': {square}}})")
                coordinator = self.start_example(program, 3)
                coordinator.wait_for_output("other did not do task 1 (", 60)
                worker = self.start_example("coordinator/worker.py", "w1", "0", ready="ready")
                self.assertEqual(coordinator.wait(60), 0)
                self.assertIn("the squares of 1 to 3 add up to 14\n", coordinator.out())
                worker.stop()
                other.stop()

    @for_each(*programs)
    def test_a_worker_that_is_killed(self, program):
        workers = [self.start_example(worker, f"w{number}", "0.05", ready="ready") for number, worker in enumerate(
            ("example_worker", "coordinator/worker.py", "coordinator/worker.py"), 1)]
        coordinator = self.start_example(program, self.tasks)
        coordinator.wait_for_output("w2 did task", 60)
        workers[1].kill()
        coordinator.wait_for_output("w2 did not do task", 60)
        workers[0].pause()  # as bad as dead, for as long as it lasts
        coordinator.wait_for_output("w1 did not do task", 60)
        late = self.start_example("coordinator/worker.py", "w4", "0.01", ready="ready")
        self.assertEqual(coordinator.wait(60), 0)
        out = coordinator.out()
        total = sum(n * n for n in range(self.tasks + 1))
        self.assertIn(f"the squares of 1 to {self.tasks} add up to {total}\n", out)
        done = [int(number) for number in re.findall(r"did task (\d+)", out)]
        self.assertEqual(sorted(done), list(range(1, self.tasks + 1)), "each task is done once")
        workers[0].resume()
        for worker in (workers[0], workers[2], late):
            worker.stop()


if __name__ == "__main__":
    main()
