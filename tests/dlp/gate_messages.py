#!/usr/bin/env python3
"""Gates of data-loss prevention on messages of agents: ordinary ones pass, secrets in their usual places are found.

usage: tests/dlp/gate_messages.py ordinary|secrets [--report FILE] [--dump FILE] [--copies N] [--write-digest] MASCTL

Both corpora are made from the templates in ordinary/ and secrets/ (README.md); their digests are in message_digests.json. Failures are
listed by kind: the template's group, the types found, where, and the value masked. --report writes them to a file as well, --dump
writes the corpus as a file for `masctl dlp scan --jsonl` with the labels beside. --copies makes another number of messages of each
template, to see what happens by chance once in many.
"""
import argparse
import collections
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile

import message_templates
from message_secrets import Secrets
from message_templates import forms, leaves
from message_values import Facts

HERE = os.path.dirname(os.path.abspath(__file__))
DIGESTS = os.path.join(HERE, "message_digests.json")
ORDINARY_COPIES, SECRET_COPIES = 12, 2
LEAST_ORDINARY, LEAST_SECRETS = 3000, 500

# Ordinary messages: at most so many of 2,000.
MOST_REFUSED, MOST_ALERTED, PER = 1, 20, 2000
# Secrets: at most this share not found; of 314 at most so many told as a generic secret although a key names a credential.
MOST_MISSED, MOST_GENERIC, GENERIC_PER = 0.05, 5, 314
# At most this share in which a mask reaches into what is no secret.
MOST_REWRITTEN = 0.005
# Types that block and are no credential.
NO_CREDENTIAL = {"mrn", "health_insurance", "credit_card", "cvv"}
# Types of which a part may stay, and the length from which a part of another value is one too many.
KEEP_PARTS = {"email", "address", "date_of_birth", "phone"}
SHORTEST_PART = 8
WIDTH = 160


class Masctl:
    def __init__(self, program, scratch):
        self.program, self.scratch = program, scratch
        listed = subprocess.run([program, "dlp", "rules"], capture_output=True, text=True, check=True).stdout
        self.actions = dict(line.split("\t")[:2] for line in listed.splitlines())
        self.credentials = {kind for kind, action in self.actions.items() if action == "block"} - NO_CREDENTIAL

    def scan(self, made, rules=None):
        """@return id → answer. @param rules the text of a rules file."""
        arguments = [self.program, "dlp", "scan", "--jsonl"]
        if rules is not None:
            path = os.path.join(self.scratch, "rules.toml")
            with open(path, "w", encoding="utf-8") as out:
                out.write(rules)
            arguments += ["--rules", path]
        lines = "".join(message_templates.as_line(message) + "\n" for message in made)
        done = subprocess.run(arguments, input=lines, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            print(f"{' '.join(arguments)}: {done.stderr.strip()}")
        answers = (json.loads(line) for line in done.stdout.splitlines())
        return {answer["id"]: answer for answer in answers}

    def all_masked(self):
        """Rules that mask whatever is on, so that an answer shows what was found and where."""
        return "[dlp.types]\n" + "".join(f'{kind} = "redact"\n' for kind, action in self.actions.items() if action != "off")


def masked_places(before, after):
    """@return (path, a window of the masked text) of each leaf that was changed."""
    places = []
    for (path, old), (_, new) in zip(leaves(before), leaves(after)):
        if old == new:
            continue
        same = next((at for at, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
        window = new[max(0, same - 50):same + WIDTH - 50].replace("\n", "⏎")
        places.append((path, window))
    return places


def show(body):
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    text = text.replace("\n", "⏎")
    return text if len(text) <= WIDTH else text[:WIDTH] + f"… ({len(text)})"


def around(message):
    """The text about the first value that was planted."""
    value = message.secrets[0][1]
    path, text = next(((path, text) for path, text in leaves(message.body) if value in text), ("$", show(message.body)))
    start = max(0, text.find(value) - WIDTH // 3)
    return f"{path}: " + text[start:start + WIDTH].replace("\n", "⏎")


def listing(failures):
    """@param failures (kind, head, line) of each. @return lines, the kinds with most failures first."""
    kinds = collections.defaultdict(list)
    for kind, head, line in failures:
        kinds[kind, head].append(line)
    out = []
    for (kind, head), lines in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0])):
        out.append(f"{len(lines):5}  {kind}: {head}")
        out += ["         " + line for line in lines]
    return out


def check_ordinary(masctl, made):
    answers = masctl.scan(made)
    if silent := [message.id for message in made if message.id not in answers]:
        return [f"{len(silent)} of {len(made)} messages without an answer, the first {silent[0]}"], [], ["messages without an answer"]
    stopped = [message for message in made if answers[message.id]["action"] != "none"]
    where = masctl.scan(stopped, masctl.all_masked()) if stopped else {}
    counts, failures = collections.Counter(), []
    for message in stopped:
        answer = answers[message.id]
        counts["alerted" if answer["action"] == "alert" else "refused"] += 1
        head = f"{answer['action']} {','.join(answer['types'])}"
        for path, window in masked_places(message.body, where[message.id]["redacted"]) or [("?", show(message.body))]:
            failures.append((f"{message.family}/{message.group}", head, f"{message.id} {path}: {window}"))
    refused, alerted = counts["refused"], counts["alerted"]
    blocked = sum(answers[message.id]["action"] == "block" for message in stopped)
    summary = [f"{len(made)} ordinary messages: {refused} blocked or masked ({blocked} blocked), {alerted} alerted"]
    failed = []
    if refused * PER > MOST_REFUSED * len(made):
        failed.append(f"{refused} of {len(made)} blocked or masked, at most {MOST_REFUSED} of {PER}")
    if alerted * PER > MOST_ALERTED * len(made):
        failed.append(f"{alerted} of {len(made)} alerted, at most {MOST_ALERTED} of {PER}")
    return summary, failures, failed


def must_vanish(kind, value):
    """The parts of a value that a mask must not leave. Masks keep an address's domain and the last four digits of a number."""
    if kind in KEEP_PARTS:
        return [value]
    if "PRIVATE KEY-----" in value:
        return re.findall(r"[A-Za-z0-9+/=]{40,}", value)
    return [value[at:at + SHORTEST_PART] for at in range(max(1, len(value) - SHORTEST_PART + 1))]


def is_left(message, kind, value, masked):
    others = "\n".join(leaf for _, leaf in leaves(message.body))
    for form in forms(value):
        others = others.replace(form, "")
    return any(part in masked and part not in others for part in must_vanish(kind, value))


def verdict(masctl, message, answer):
    """@return what became of a message's secrets: found, wrong type, generic, in part or missed; and the types that were found."""
    if answer is None:
        return "missed", "no answer"
    types, text = set(answer["types"]), "\n".join(part for _, part in leaves(answer["redacted"]))
    told = ",".join(sorted(types)) or "nothing"
    worst = "found"
    for kind, value in message.secrets:
        accepted = {kind}
        if kind in masctl.credentials:
            accepted = masctl.credentials | ({"generic_secret"} if message.options.get("generic") == "yes" else set())
        elif "pack" in message.options:
            accepted |= {found for found in types if found.startswith(message.options["pack"] + "_")}
        if not types:
            return "missed", told
        if not types & accepted:
            worst = "generic" if kind in masctl.credentials and "generic_secret" in types else "wrong type"
        elif is_left(message, kind, value, text):
            return "in part", told
    return worst, told


def rewritten(message, answer):
    """@return the first leaf in which more than the planted values was changed, or None.

    Where the template says mask=word, the word that a value stands in may be masked with it (a URL, a user and a password);
    with mask=text all of the text (a connection string).
    """
    word = {"word": r"\S*", "text": r"(?:.|\n)*"}.get(message.options.get("mask"), "")
    for (path, old), (_, new) in zip(leaves(message.body), leaves(answer["redacted"])):
        if old == new:
            continue
        pattern = re.escape(old)
        for _, value in message.secrets:
            for form in forms(value):
                pattern = re.sub(word + re.escape(re.escape(form)) + word, lambda _: r"(?:.|\n)+?", pattern)
        if not re.fullmatch(pattern, new):
            return f"{path}: {show(new)}"
    return None


def check_secrets(masctl, made):
    answers = {}
    rules = masctl.all_masked()
    for pack in sorted({message.options.get("pack", "") for message in made}):
        some = [message for message in made if message.options.get("pack", "") == pack]
        answers.update(masctl.scan(some, f'[dlp]\npacks = ["{pack}"]\n' + rules if pack else rules))
    counts, failures = collections.Counter(), []
    for message in made:
        answer = answers.get(message.id)
        became, told = verdict(masctl, message, answer)
        counts[became] += 1
        kind = f"{message.family}/{message.group}"
        if became != "found":
            wanted = ",".join(sorted({kind for kind, _ in message.secrets}))
            failures.append((kind, f"{became}: {wanted}, found {told}", f"{message.id} {around(message)}"))
        if answer and (more := rewritten(message, answer)):
            counts["rewritten"] += 1
            failures.append((kind, "masked more than the value", f"{message.id} {more}"))
    missed = counts["missed"] + counts["in part"] + counts["wrong type"]
    summary = [f"{len(made)} messages with secrets: {counts['found']} found, {counts['missed']} missed, {counts['in part']} found in part, "
               f"{counts['wrong type']} of another type, {counts['generic']} told as a generic secret; in {counts['rewritten']} more than the value was masked"]
    failed = []
    if missed > MOST_MISSED * len(made):
        failed.append(f"{missed} of {len(made)} not found, at most {MOST_MISSED:.0%}")
    if counts["generic"] * GENERIC_PER > MOST_GENERIC * len(made):
        failed.append(f"{counts['generic']} of {len(made)} only a generic secret, at most {MOST_GENERIC} of {GENERIC_PER}")
    if counts["rewritten"] > MOST_REWRITTEN * len(made):
        failed.append(f"in {counts['rewritten']} of {len(made)} more than the value was masked, at most {MOST_REWRITTEN:.1%}")
    return summary, failures, failed


def check_digest(name, made, write):
    digests = {}
    with contextlib.suppress(FileNotFoundError), open(DIGESTS, encoding="utf-8") as stored:
        digests = json.load(stored)
    now = message_templates.digest(made)
    if write:
        digests[name] = now
        with open(DIGESTS, "w", encoding="utf-8") as out:
            json.dump(digests, out, indent=2, sort_keys=True)
            out.write("\n")
    return [] if digests.get(name) == now else ["the corpus is not the one of message_digests.json; after a change of templates: --write-digest"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("corpus", choices=["ordinary", "secrets"])
    arguments.add_argument("--report", metavar="FILE")
    arguments.add_argument("--dump", metavar="FILE")
    what = arguments.add_mutually_exclusive_group()
    what.add_argument("--copies", metavar="N", type=int)
    what.add_argument("--write-digest", action="store_true")
    arguments.add_argument("masctl", metavar="MASCTL")
    arguments = arguments.parse_args()
    make, copies, least, check = {"ordinary": (Facts, ORDINARY_COPIES, LEAST_ORDINARY, check_ordinary),
                                  "secrets": (Secrets, SECRET_COPIES, LEAST_SECRETS, check_secrets)}[arguments.corpus]
    made = message_templates.messages(os.path.join(HERE, arguments.corpus), make, arguments.copies or copies, bool(arguments.copies))
    if arguments.dump:
        with open(arguments.dump, "w", encoding="utf-8") as out:
            for message in made:
                line = json.loads(message_templates.as_line(message))
                labels = [{"type": kind, "value": value} for kind, value in message.secrets]
                out.write(json.dumps({**line, "secrets": labels, **message.options} if labels else line, ensure_ascii=False) + "\n")
    failed = [] if arguments.copies else check_digest(arguments.corpus, made, arguments.write_digest)
    if len(made) < least:
        failed.append(f"{len(made)} messages, at least {least}")
    with tempfile.TemporaryDirectory() as scratch:
        summary, failures, below = check(Masctl(arguments.masctl, scratch), made)
    lines = [*listing(failures), "", *summary]
    print("\n".join(lines))
    if arguments.report:
        with open(arguments.report, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
    if failed + below:
        sys.exit("below the gate: " + "; ".join(failed + below))


if __name__ == "__main__":
    main()
