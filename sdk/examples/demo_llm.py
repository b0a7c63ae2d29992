#!/usr/bin/env python3
"""The demo of agents with language models: chemistry tutoring, peer to peer, and a healthcare consultation behind a
gateway, narrated.

usage: sdk/examples/demo_llm.py BUILD_DIR     (`./dev demo --llm` builds first)

With OPENAI_API_KEY in the environment, the model of llm/README.md's variables is asked; without it, a server on this
machine that only pretends to be a model. The demo checks each step that it narrates; its exit code is 0 only when all
of them happened.
"""

import itertools
import os
import pathlib
import sys

EXAMPLES = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(EXAMPLES / "llm"))

import chat  # noqa: E402
from pretend_model import PretendModel  # noqa: E402
from stage import Failed, chapter, note, perform  # noqa: E402

CONFIG = EXAMPLES / "healthcare_consultation/config"
SECRET, MASKED = "219-09-9998", "XXX-XX-9998"  # the patient's social security number, and what the gateway makes of it
MODEL_SECONDS = 600  # for a few answers of a real model


steps = itertools.count(1)


def step(text):
    chapter(f"{next(steps)}. {text}")


class Language:
    """How the examples are started in one language."""

    def __init__(self, name, stage):
        self.name = name
        self._stage = stage

    def has(self, program):
        return self.name == "Python" or os.access(os.path.join(self._stage.bin, self._command(program)[0]), os.X_OK)

    def start(self, program, *arguments, **env):
        return self._stage.start(pathlib.Path(program).name, *self._command(program), *arguments, **env)

    def run(self, program, *arguments, **env):
        return self._stage.run(pathlib.Path(program).name, *self._command(program), *arguments, seconds=MODEL_SECONDS,
                               **env)

    def _command(self, program):
        if self.name == "Python":
            return sys.executable, str(EXAMPLES / f"{program}.py")
        folder, name = program.split("/")
        return (f"example_{folder.split('_')[1]}_{name}",)


def choose_model(stage):
    step("A private Redis on a unix socket, and a language model")
    stage.start_redis("--appendonly", "yes")
    note(f"redis-server    unix://{stage.socket}")
    if os.environ.get("OPENAI_API_KEY"):
        try:
            model = chat.Model.from_environment()
        except chat.NotConfigured as error:
            raise Failed(error) from None
        note(f"The model is {model.name} at {model.host}, as the environment says.")
        return
    model = PretendModel().start()
    stage.env.update(model.environment())
    note("OPENAI_API_KEY is not set. So there is NO language model here: a small server on this machine pretends to be")
    note(f"one, at {model.url}. Its answers are made up, and depend on the question alone. For a real model, set")
    note("OPENAI_API_KEY, and for another server than OpenAI's OPENAI_BASE_URL and OPENAI_MODEL.")


def tutor(stage, language):
    step(f"Chemistry tutoring in {language.name}, peer to peer")
    note("A student finds a professor by capability, asks three questions, each about the answer before, and thanks.")
    professor = language.start("chemistry_tutoring/professor", "prof-curie")
    professor.says("professor: ready", 30)
    code, lines = language.run("chemistry_tutoring/student", "redox reactions")
    if code or not all(any(f"answer {n}: " in line for line in lines) for n in (1, 2, 3)):
        raise Failed(f"the lesson ended with {code}")
    professor.says("student says: Thank you")
    if stage.show("state", "get", "student", "professor") != "prof-curie":
        raise Failed("the student has forgotten its professor")
    professor.stop_cleanly()


def set_up_gateway(stage):
    step("A gateway in profile production, with the configuration in healthcare_consultation/config")
    code, _ = stage.run("setup", str(CONFIG / "setup.sh"), stage.directory)
    if code:
        raise Failed("setup.sh failed")
    stage.use_gateway_keys()
    stage.env["MAS_GATEWAYD_DLP_RULES_FILE"] = str(CONFIG / "dlp.toml")
    stage.start_daemon("mas-gatewayd", "--config", str(CONFIG / "gatewayd.toml")).says('"partitions_owned"', 30)
    note("mas-gatewayd decides about every message now.")


def consult(stage, language):
    """@return the credentials' files."""
    step(f"Healthcare consultation in {language.name}, through the gateway")
    note(f"The patient's complaint holds a social security number, {SECRET}.")
    credentials = {name: stage.file(f"{name}.toml") for name in ("patient", "doctor", "specialist")}
    agents = {name: language.start(f"healthcare_consultation/{name}", MAS_CREDENTIALS=credentials[name])
              for name in ("doctor", "specialist")}
    for name, agent in agents.items():
        agent.says(f"{name}: ready", 30)
    code, lines = ask(language, credentials)
    if code or not any("note: The specialist was asked." in line for line in lines):
        raise Failed(f"the consultation ended with {code}")
    agents["doctor"].says(MASKED)
    agents["specialist"].says(MASKED)
    if any(SECRET in line for agent in agents.values() for line in agent.lines):
        raise Failed("the social security number passed the gateway")
    note(f"The gateway has made {MASKED} of the number: neither doctor nor specialist nor any model has seen it.")
    note("The patient asks the specialist directly, which its role does not permit:")
    code, lines = ask(language, credentials, "specialist")
    if code != 1 or not any("AUTHZ_DENIED" in line for line in lines):
        raise Failed("the patient reached the specialist")
    for agent in agents.values():
        agent.stop_cleanly()
    return credentials


def ask(language, credentials, *target):
    return language.run("healthcare_consultation/patient", *target, MAS_CREDENTIALS=credentials["patient"])


def go_on_alone(language, credentials, asked):
    """@param asked how many consultations there were."""
    step("The specialist is away, and patients have a limit")
    doctor = language.start("healthcare_consultation/doctor", "2", MAS_CREDENTIALS=credentials["doctor"])
    doctor.says("doctor: ready", 30)
    code, lines = ask(language, credentials)
    if code or not any("note: This is the doctor's advice alone" in line for line in lines):
        raise Failed("the doctor did not go on alone")
    for _ in range(asked + 1, 3):
        ask(language, credentials)
    note("Three consultations an hour are permitted. The next one is refused:")
    code, lines = ask(language, credentials)
    if code != 1 or not any("RATE_LIMITED" in line for line in lines):
        raise Failed("the limit did not hold")
    doctor.stop_cleanly()


def report(stage):
    step("The audit report: what was decided, by which rule, and that nobody changed the record")
    with open(stage.file("audit.pub"), encoding="utf-8") as file:
        key = file.read().strip()
    stage.await_signed_head(key)
    code, lines = stage.run("report", str(CONFIG / "report.sh"), stage.directory)
    if code or not all(any(word in line for line in lines) for word in ("REDACTED", "AUTHZ_DENIED", "RATE_LIMITED")):
        raise Failed("the report lacks something")
    if any(SECRET in line for line in lines):
        raise Failed("the audit has the social security number")
    stage.stop_daemons()


def play(stage):
    stage.env["PYTHONPATH"] = os.path.join(os.path.dirname(stage.bin), "python")
    stage.env["PATH"] = f"{stage.bin}:{stage.env['PATH']}"
    languages = [Language("Python", stage), Language("C++", stage)]
    if not languages[1].has("chemistry_tutoring/student"):
        languages.pop()
        note("The C++ examples are left out: libcurl's headers are not installed.")
    choose_model(stage)
    for language in languages:
        tutor(stage, language)
    set_up_gateway(stage)
    for language in languages:
        credentials = consult(stage, language)
    go_on_alone(languages[-1], credentials, len(languages))
    report(stage)


if __name__ == "__main__":
    sys.exit(perform(__doc__, play))
