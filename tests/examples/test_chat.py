"""The client of a language model: every way in which a server can fail is one sentence, and the key is in none."""

import asyncio
import contextlib
import io
import os
import socket
import sys
import time
import unittest
from unittest import mock

from case import EXAMPLES_DIR, KEY, ExampleCase, PretendModel, answer_to, closed_port, for_each, has_program, main

sys.path[:0] = [str(EXAMPLES_DIR), str(EXAMPLES_DIR / "llm")]
import chat  # noqa: E402
import demo_llm  # noqa: E402

WRONG_ADDRESS = "OPENAI_BASE_URL must be an address such as https://api.openai.com/v1, without a user and password."
WRONG_TIMEOUT = "OPENAI_TIMEOUT_SECONDS must be a number of seconds, at most 3600."
WRONG_ADDRESSES = ("file:///etc/passwd", "https://", "http://[::1/v1", "https://host:port/v1", "https://host:99999/v1",
                   "https://ho st/v1", "https://host/v1\n", "https://ada:s3cret@host/v1")


class ChatCase(unittest.TestCase):
    def setUp(self):
        self.server = PretendModel().start()
        self.addCleanup(self.server.stop)
        patch = mock.patch.dict(os.environ, self.server.environment())
        patch.start()
        self.addCleanup(patch.stop)

    def ask(self, word="", text="what is an acid?", **settings):
        model = chat.Model(**{"base_url": self.server.url, "name": f"pretend:{word}", "key": KEY, "timeout": 20.0,
                              **settings})
        self.assertNotIn(KEY, repr(model))
        return asyncio.run(model.ask("be short", text))

    def check_fails(self, sentence, word="", **settings):
        with self.assertRaises(chat.ModelError) as caught:
            self.ask(word, **settings)
        self.assertEqual(str(caught.exception), f"The language model at 127.0.0.1 {sentence}.")
        error = caught.exception
        chain = [error.__cause__, None if error.__suppress_context__ else error.__context__]
        self.assertEqual(chain, [None, None], "a trace would show more than the sentence")

    def test_an_answer(self):
        messages = [{"role": "system", "content": "be short"}, {"role": "user", "content": "was ist „Säure“?\nsag"}]
        self.assertEqual(self.ask(text="was ist „Säure“?\nsag"), answer_to(messages))
        self.assertEqual(self.server.calls, [(messages, answer_to(messages))])

    def test_statuses(self):
        for status, sentence in {
                400: "refused the request (HTTP 400)",
                403: "refused the key; is OPENAI_API_KEY right, and may it use this model? (HTTP 403)",
                404: "knows no such model or address; are OPENAI_MODEL and OPENAI_BASE_URL right? (HTTP 404)",
                429: "gets too many requests, or the account's quota is used up; try again later (HTTP 429)",
                500: "failed; try again later (HTTP 500)",
                503: "failed; try again later (HTTP 503)"}.items():
            with self.subTest(status):
                self.check_fails(sentence, f"status={status}")
        self.check_fails("refused the key; is OPENAI_API_KEY right? (HTTP 401)", key="another-key")
        self.check_fails(f"{chat._BECAUSE[404]} (HTTP 404)", base_url=self.server.url + "/else")

    def test_no_answer(self):
        self.check_fails("did not answer within 0.2 seconds", "slow=1", timeout=0.2)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            self.check_fails("did not answer within 0.2 seconds", base_url=url, timeout=0.2)
        begun = time.monotonic()
        self.check_fails("did not answer within 0.5 seconds", "drip=0.2", timeout=0.5)
        self.assertLess(time.monotonic() - begun, 15, "the headers alone take twice as long")
        with closed_port() as port:
            url = f"http://127.0.0.1:{port}"
            self.check_fails("cannot be reached: [Errno 111] Connection refused", base_url=url)

    def test_unusable_answers(self):
        self.check_fails("sent an answer that is not a chat completion", "garbage")
        self.check_fails("sent an answer without text", "empty")
        self.check_fails("sent an answer of more than 1048576 bytes", "huge")
        self.check_fails("sent a text of more than 32768 bytes", "long")

    def test_a_redirect_is_not_followed(self):
        self.check_fails("refused the request (HTTP 302)", "redirect")

    def test_settings(self):
        for settings, sentence in (
                ({"key": ""}, "No key for a language model: set OPENAI_API_KEY, and for another server than OpenAI's "
                              "OPENAI_BASE_URL and OPENAI_MODEL."),
                ({"key": f"{KEY}\n"}, "OPENAI_API_KEY must be printable ASCII without spaces and line breaks."),
                *(({"base_url": url}, WRONG_ADDRESS) for url in WRONG_ADDRESSES)):
            with self.subTest(settings), self.assertRaises(chat.NotConfigured) as caught:
                self.ask(**settings)
            self.assertEqual(str(caught.exception), sentence)


class DemoTest(unittest.TestCase):
    """What the demo says about a real model."""

    def choose(self, **variables):
        """@return what it prints."""
        stage = mock.Mock(socket="redis.sock")
        written = io.StringIO()
        with mock.patch.dict(os.environ, {"OPENAI_API_KEY": KEY, **variables}), contextlib.redirect_stdout(written):
            try:
                demo_llm.choose_model(stage)
            except demo_llm.Failed as failure:
                print(failure)
        return written.getvalue()

    def test_the_host_alone_is_shown(self):
        said = self.choose(OPENAI_BASE_URL="https://host:8443/s3cret/v1", OPENAI_MODEL="m-1")
        self.assertIn("The model is m-1 at host, as the environment says.", said)
        self.assertNotIn("s3cret", said)

    def test_a_wrong_address(self):
        said = self.choose(OPENAI_BASE_URL="https://ada:s3cret@host/v1")
        self.assertIn(WRONG_ADDRESS, said)
        self.assertNotIn("s3cret", said)


STUDENTS = ("chemistry_tutoring/student.py", *(
    ["example_tutoring_student"] if has_program("example_tutoring_student") else []))


class ProgramTest(ExampleCase):
    """The same through a program that asks; the client in C++ has no other face."""

    @for_each(*STUDENTS)
    def test_configuration(self, program):
        self.use_model()
        for variables, sentence in (
                ({"OPENAI_API_KEY": ""}, "No key for a language model: set OPENAI_API_KEY, and for another server than "
                                         "OpenAI's OPENAI_BASE_URL and OPENAI_MODEL."),
                ({"OPENAI_API_KEY": f"{KEY}\r\nX: y"}, "OPENAI_API_KEY must be printable ASCII without spaces and line "
                                                       "breaks."),
                *(({"OPENAI_BASE_URL": url}, WRONG_ADDRESS) for url in WRONG_ADDRESSES),
                *(({"OPENAI_TIMEOUT_SECONDS": text}, WRONG_TIMEOUT)
                  for text in ("soon", "60s", "0", "-1", "3601", "nan"))):
            with self.subTest(variables):
                self.assertEqual(self.run_example(program, code=2, env=variables), ("", sentence + "\n"))

    @for_each(*STUDENTS)
    def test_empty_variables_count_as_unset(self, program):
        self.use_model()
        _, err = self.run_example(program, code=1, env={
            "OPENAI_MODEL": "pretend:empty", "OPENAI_TIMEOUT_SECONDS": ""})
        self.assertIn("sent an answer without text", err)

    @for_each(*STUDENTS)
    def test_less_than_a_millisecond(self, program):
        """It is a time-out all the same."""
        self.use_model("slow=5")
        _, err = self.run_example(program, code=1, env={"OPENAI_TIMEOUT_SECONDS": "0.0004"})
        self.assertRegex(err, "^student: The language model at 127.0.0.1 did not answer within 0.00(04|1) seconds.\n$")

    @for_each(*STUDENTS)
    def test_failures(self, program):
        self.use_model()
        for word, sentence in {
                "status=401": "refused the key; is OPENAI_API_KEY right? (HTTP 401)",
                "status=429": chat._BECAUSE[429] + " (HTTP 429)",
                "status=500": "failed; try again later (HTTP 500)",
                "redirect": "refused the request (HTTP 302)",
                "garbage": "sent an answer that is not a chat completion",
                "empty": "sent an answer without text",
                "huge": "sent an answer of more than 1048576 bytes",
                "long": "sent a text of more than 32768 bytes",
                "slow=3": "did not answer within 0.5 seconds",
                "drip=0.2": "did not answer within 0.5 seconds"}.items():
            begun = time.monotonic()
            out, err = self.run_example(program, code=1, env={
                "OPENAI_MODEL": f"pretend:{word}", "OPENAI_TIMEOUT_SECONDS": "0.5" if "0.5" in sentence else "60"})
            self.assertLess(time.monotonic() - begun, 20, word)
            self.assertEqual((out, err), ("", f"student: The language model at 127.0.0.1 {sentence}.\n"))
        with closed_port() as port:
            _, err = self.run_example(program, code=1, env={"OPENAI_BASE_URL": f"http://127.0.0.1:{port}"})
        self.assertRegex(err, "^student: The language model at 127.0.0.1 cannot be reached: [^\n]*onnect[^\n]*\\.\n$")


if __name__ == "__main__":
    main()
