#!/usr/bin/env python3
"""Makes the corpus by which the DLP engine is scored: tests/dlp/corpus/*.jsonl. The same bytes on every run.

usage: tests/dlp/make_corpus.py [DIRECTORY]

A line is {"id", "text" | "payload", "types": [what must be found], "may": [what is no alarm]}, with "tier" for payloads that
hide something. An empty "types" is a text in which nothing is to be found.
"""
import json
import os
import random
import re
import sys

import corpus_carriers
import corpus_evasions
from corpus_clean import CLEAN
from corpus_phrases import MIXED, PHRASES
from corpus_values import TYPE, Values

# Types that are told apart here and that one value may well be both of.
MAY = {"connection_string": ["password", "basic_auth"], "basic_auth": ["password", "connection_string"], "generic_secret": ["api_key", "password"],
       "password": ["basic_auth", "connection_string", "generic_secret"], "api_key": ["generic_secret", "basic_auth"], "itin": ["ssn"],
       "address": [], "npi": ["phone"], "bank_account": [], "jwt": ["api_key"]}
STRUCTURED = 26  # of every type, beside its phrases
# Where a made-up secret starts. Its first character is written as an escape, so that no scanner of a forge takes the corpus
# for a leak; who reads the JSON sees no difference.
TOKEN = re.compile(r"(?:gh[ops]_|github_pat_|glpat-|npm_|[sr]k_(?:live|test)_|AIza|GOCSPX-|ya29|hf_|sk-|dop_v1|shpat_|hvs\.|key-|PMAK-|NRAK-|glsa_|dapi|"
                   r"lin_api_|ntn_|dckr_pat_|rubygems_|figd_|dp\.pt|pscale_|sbp_|gsk_|r8_|pplx-|xai-|ATATT|sq0atp|pul-|sntryu_|xox[bp]-|xapp-|"
                   r"hooks\.slack|SG\.|pypi-|A[KS]IA|AGE-SECRET|-----BEGIN)")


def entries(text):
    """Lines, and blocks between `++` and `--`."""
    block = None
    for line in text.strip("\n").split("\n"):
        if line == "++":
            block = []
        elif line == "--":
            yield "\n".join(block)
            block = None
        elif block is not None:
            block.append(line)
        elif line:
            yield line


def fill(values, template):
    """@return the text and its types."""
    types = []

    def put(found):
        kind, *args = found.group(1).split(":")
        if kind in TYPE and TYPE[kind] not in types:
            types.append(TYPE[kind])
        return getattr(values, kind)(*args)

    return re.sub(r"\[\[([a-z0-9_]+(?::[^\]]*)?)\]\]", put, template), types


class Corpus:
    def __init__(self):
        self.lines = []

    def add(self, name, types, **what):
        types = [types] if isinstance(types, str) else types
        may = sorted({also for kind in types for also in MAY.get(kind, ()) if also not in types})
        line = {"id": f"{name}-{sum(1 for other in self.lines if other[0].startswith(name + '-')) + 1}", **what, "types": types}
        if may:
            line["may"] = may
        text = json.dumps(line, ensure_ascii=False)
        if "raw" in line:  # JSON as it is written, escapes and all
            text = text.replace('"raw": ' + json.dumps(line["raw"], ensure_ascii=False), '"payload": ' + line["raw"])
        text = TOKEN.sub(lambda found: f"\\u{ord(found.group()[0]):04x}{found.group()[1:]}", text)
        self.lines.append((line["id"], text))

    def write(self, path):
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(text + "\n" for _, text in self.lines)


def make_texts(rng):
    values, corpus = Values(rng), Corpus()
    for kind, phrases in PHRASES.items():
        for template in entries(phrases):
            text, types = fill(values, template)
            corpus.add(f"{kind}-phrase", types, text=text)
    for kind, (makers, keys) in corpus_carriers.KEYS.items():
        keys, makers = keys.split(), makers.split()
        forms = corpus_carriers.TEXTS + corpus_carriers.PAYLOADS
        for number in range(STRUCTURED):
            maker = makers[number % len(makers)]
            key = maker_key(kind, maker, keys, rng)
            form = forms[(number * 7 + len(kind)) % len(forms)]
            what = "payload" if form in corpus_carriers.PAYLOADS else "text"
            corpus.add(f"{kind}-field", kind, **{what: form(values, key, getattr(values, maker)())})
    for template in entries(MIXED):
        for _ in range(2):
            text, types = fill(values, template)
            corpus.add("mixed", types, text=text)
    for template in entries(CLEAN):
        corpus.add("clean", [], text=fill(values, template)[0])
    for _ in range(20):
        record = corpus_carriers.neighbours(values)
        form = rng.choice(corpus_carriers.TEXTS)
        corpus.add("clean-field", [], text=form(values, rng.choice(["id", "order_id", "trace", "seq", "build", "checksum", "job_id"]),
                                                rng.choice([values.digits(9), values.digits(10), values.hexn(32), values.uuid(), values.epoch_ms()])))
        corpus.add("clean-payload", [], payload=record)
    return corpus


def maker_key(kind, maker, keys, rng):
    """A name that says what the value is: an AWS secret is none under the name of the id, a bare code none under `dx`."""
    if kind == "aws_key":
        return {"aws": rng.choice(["aws_access_key_id", "accessKeyId", "AWS_KEY", "access_key"]),
                "aws_secret": rng.choice(["aws_secret_access_key", "secretAccessKey", "AWS_SECRET_KEY", "awsSecretKey"])}[maker]
    return rng.choice(keys)


def make_evasions(rng):
    values, corpus = Values(rng), Corpus()
    for types, payload in corpus_evasions.plain(values):
        corpus.add("plain", types, tier="plain", payload=payload)
    for payload in corpus_evasions.alike(values):
        corpus.add("plain-alike", [], tier="plain", payload=payload)
    for kind, raw in corpus_evasions.raw_escapes(values):
        corpus.add("plain-escapes", kind, tier="plain", raw=raw)
    for form, types, payload in corpus_evasions.encoded(values):
        corpus.add("encoded-" + form.replace(" ", "-"), types, tier="encoded", payload=payload)
    for payload in corpus_evasions.encoded_alike(values):
        corpus.add("encoded-alike", [], tier="encoded", payload=payload)
    return corpus


def main():
    where = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    os.makedirs(where, exist_ok=True)
    make_texts(random.Random(20240501)).write(os.path.join(where, "texts.jsonl"))
    make_evasions(random.Random(20240502)).write(os.path.join(where, "evasions.jsonl"))


if __name__ == "__main__":
    main()
