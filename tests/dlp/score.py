#!/usr/bin/env python3
"""Scores a scanner on the corpus: micro F1 over the original types, alarms on clean texts, and what evades it.

usage: tests/dlp/score.py [--quiet] [--corpus DIRECTORY] PROGRAM [ARGUMENT...]

PROGRAM reads {"id", "text" | "payload"} a line and answers each with {"id", "types": [...]} a line (`masctl dlp scan --jsonl`).
The labels are not shown to it. Fails below the gates that follow the imports. Every miss and every false alarm is listed, unless --quiet.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys

ORIGINAL = ("ssn email phone address mrn health_insurance icd10 credit_card cvv aws_key private_key jwt api_key password").split()

BLOCKING = ("mrn health_insurance credit_card cvv aws_key private_key jwt api_key password").split()
LEAST_F1, LEAST_PRECISION, MOST_ALARMS = 0.93, 0.97, 1 / 80
LEAST_OF_TIER = {"plain": 1.0, "plain look-alikes": 1.0, "encoded": 0.70, "encoded look-alikes": 1.0}


def load(path):
    """@return the lines without their labels, and the labels. The payload stays byte for byte what it is."""
    shown, labels = [], []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            labels.append(json.loads(line))
            line = re.sub(r', "types": \[[^\]]*\](, "may": \[[^\]]*\])?}$', "}", line)
            shown.append(re.sub(r'^({"id": "[^"]*"), "tier": "[a-z]+"', r"\1", line))
    return shown, labels


def run(program, lines):
    done = subprocess.run(program, input="\n".join(lines) + "\n", capture_output=True, text=True, encoding="utf-8", check=True)
    answers = {}
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        answers[answer["id"]] = set(answer["types"])
    return answers


def show(label):
    what = label["text"] if "text" in label else json.dumps(label["payload"], ensure_ascii=False)
    what = what.replace("\n", "⏎")
    return what if len(what) <= 220 else what[:200] + f"… ({len(what)})"


def ratio(part, whole):
    return part / whole if whole else 1.0


class Tally:
    def __init__(self):
        self.right, self.missed, self.wrong = collections.Counter(), collections.Counter(), collections.Counter()
        self.listing = []

    def add(self, label, found):
        wanted, allowed = set(label["types"]), set(label.get("may", ()))
        for kind in wanted & found:
            self.right[kind] += 1
        for kind in sorted(wanted - found):
            self.missed[kind] += 1
            self.listing.append(f"MISS  {kind:16} {label['id']:28} found {','.join(sorted(found)) or '-':20} {show(label)}")
        for kind in sorted(found - wanted - allowed):
            self.wrong[kind] += 1
            self.listing.append(f"ALARM {kind:16} {label['id']:28} {show(label)}")

    def row(self, kinds):
        right, missed, wrong = (sum(count[k] for k in kinds) for count in (self.right, self.missed, self.wrong))
        precision, recall = ratio(right, right + wrong), ratio(right, right + missed)
        return right, missed, wrong, precision, recall, ratio(2 * precision * recall, precision + recall)


def score_texts(labels, answers, quiet):
    tally, clean, alarmed = Tally(), 0, 0
    for label in labels:
        found = answers.get(label["id"], set())
        tally.add(label, found)
        if not label["types"]:
            clean += 1
            alarmed += bool(found & set(ORIGINAL))
    if not quiet:
        print("\n".join(sorted(tally.listing)), end="\n\n")
    print(f"{'type':20}{'right':>6}{'missed':>7}{'wrong':>6}{'precision':>10}{'recall':>8}{'F1':>7}")
    others = sorted((set(tally.right) | set(tally.missed) | set(tally.wrong)) - set(ORIGINAL))
    for kind in [*ORIGINAL, *others]:
        right, missed, wrong, precision, recall, f1 = tally.row([kind])
        print(f"{kind:20}{right:6}{missed:7}{wrong:6}{precision:10.3f}{recall:8.3f}{f1:7.3f}")
    right, missed, wrong, precision, recall, f1 = tally.row(ORIGINAL)
    print(f"{'the original 14':20}{right:6}{missed:7}{wrong:6}{precision:10.3f}{recall:8.3f}{f1:7.3f}")
    print(f"clean texts with an alarm of the original 14: {alarmed} of {clean}")
    failed = [f"micro F1 {f1:.3f} < {LEAST_F1}"] if f1 < LEAST_F1 else []
    for kind in BLOCKING:
        if (value := tally.row([kind])[3]) < LEAST_PRECISION:
            failed.append(f"precision of {kind} {value:.3f} < {LEAST_PRECISION}")
    if alarmed > clean * MOST_ALARMS:
        failed.append(f"{alarmed} alarms in {clean} clean texts")
    return failed


def score_evasions(labels, answers, quiet):
    listing, caught, count = [], collections.Counter(), collections.Counter()
    forms, all_forms = collections.Counter(), collections.Counter()
    for label in labels:
        found, wanted = answers.get(label["id"], set()), set(label["types"])
        tier = label["tier"] if wanted else label["tier"] + " look-alikes"
        good = wanted <= found if wanted else not found
        caught[tier] += good
        count[tier] += 1
        form = re.sub(r"-\d+$", "", label["id"])
        forms[form] += good
        all_forms[form] += 1
        if not good:
            listing.append(f"{'MISS ' if wanted else 'ALARM'} {','.join(sorted(wanted or found)):16} {label['id']:28} {show(label)}")
    if not quiet:
        print("\n" + "\n".join(sorted(listing)))
    print()
    for tier in sorted(count):
        print(f"{tier:20}{caught[tier]:5} of {count[tier]:4}  {ratio(caught[tier], count[tier]):6.3f}  {'quiet' if 'alike' in tier else 'caught'}")
    print("by form: " + ", ".join(f"{form.removeprefix('encoded-')} {forms[form]}/{all_forms[form]}" for form in all_forms
                                  if form.startswith("encoded-") and forms[form] < all_forms[form]))
    return [f"{tier}: {ratio(caught[tier], count[tier]):.3f} < {least}" for tier, least in LEAST_OF_TIER.items()
            if ratio(caught[tier], count[tier]) < least]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--quiet", action="store_true", help="no list of misses and alarms")
    arguments.add_argument("--corpus", default=os.path.join(here, "corpus"))
    arguments.add_argument("program", nargs=argparse.REMAINDER)
    arguments = arguments.parse_args()
    failed = []
    for name, score in (("texts", score_texts), ("evasions", score_evasions)):
        shown, labels = load(os.path.join(arguments.corpus, name + ".jsonl"))
        failed += score(labels, run(arguments.program, shown), arguments.quiet)
    if failed:
        sys.exit("below the gate: " + "; ".join(failed))


if __name__ == "__main__":
    main()
