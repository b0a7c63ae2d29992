"""The programs in docs/PYTHON.md run as they stand, and print what the document says they print."""

import re

from case import SOURCE_DIR, ProgramCase, main, poll_until

DOCUMENT = (SOURCE_DIR / "docs/PYTHON.md").read_text(encoding="utf-8")
PROGRAM = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```$(?:\s+^```text\n(.*?)^```$)?", re.M | re.S)
SERVED = ("greeter.py",)  # by python3 -m mas, beside the other programs


class DocumentTest(ProgramCase):
    def test_the_programs(self):
        programs = PROGRAM.findall(DOCUMENT)
        self.assertEqual(len(programs), DOCUMENT.count("```python"), "every block is a program with a name")
        self.assertGreaterEqual(len(programs), 6)
        redis = self.start_redis()
        env = {"MAS_REDIS_URL": redis.url()}
        for name, source, wanted in programs:
            with self.subTest(name):
                self.write(name, source)
                if name in SERVED:
                    self.start_python("-m", "mas", name, env=env)
                    poll_until(lambda: redis.cmd("EXISTS", f"agent:{name[:-3]}"), 10, f"{name} registers")
                    continue
                done = self.python(name, env=env)
                self.assertEqual((done.returncode, done.stdout), (0, wanted), done.stderr)

    def test_the_command_line(self):
        redis = self.start_redis()
        name, source, _ = PROGRAM.findall(DOCUMENT)[0]
        self.write(name, source)
        self.start_python("-m", "mas", name, env={"MAS_REDIS_URL": redis.url()})
        poll_until(lambda: redis.cmd("EXISTS", "agent:greeter"), 10, f"{name} registers")
        command = re.search(r"`masctl (request greeter greet) '(.*?)' (--as me)`", DOCUMENT)
        done = self.masctl(*command[1].split(), command[2], *command[3].split(), redis=redis)
        self.assertEqual((done.returncode, done.stdout), (0, '{"text":"Hello, Ada! "}\n'), done.stderr)


if __name__ == "__main__":
    main()
