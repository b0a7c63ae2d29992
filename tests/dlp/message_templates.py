"""Messages of agents, made from the templates of a directory. The same messages on every run.

A file of templates holds groups (`== name option…`), and a group holds templates: a line each, or several lines between `++` and `--`.
README.md lists what a template may hold.
"""
import collections
import glob
import hashlib
import json
import os
import random
import re

from corpus_values import TYPE

PLACEHOLDER = re.compile(r"\[\[(!?[a-z][a-z0-9_]*(?:=[a-z][a-z0-9_]*)?(?::[^\]]*)?)\]\]")
REPEATED = re.compile(r"^\*(\d+)-(\d+) (.*)$")

Template = collections.namedtuple("Template", "family group options text")
Message = collections.namedtuple("Message", "id family group options body secrets")  # secrets: (type, value) of each that was planted


def templates(directory):
    """@return every template of the directory's files, in their order."""
    found = []
    for path in sorted(glob.glob(os.path.join(directory, "*.txt"))):
        family = os.path.basename(path).removesuffix(".txt")
        with open(path, encoding="utf-8") as lines:
            found += parse(family, lines.read().split("\n"))
    return found


def parse(family, lines):
    group, options, block = None, {}, None
    for number, line in enumerate(lines, 1):
        if block is not None and line == "--":
            yield Template(family, group, options, "\n".join(block))
            block = None
        elif block is not None:
            block.append(line)
        elif line.startswith("== "):
            group, *rest = line[3:].split()
            options = dict(option.split("=", 1) for option in rest)
        elif line == "++":
            block = []
        elif line and not line.startswith("# "):
            if group is None:
                raise SystemExit(f"{family}.txt:{number}: a template before the first group")
            yield Template(family, group, options, line)


def fill(values, template):
    """@return the text with its placeholders filled in, and the values that were planted with `!` as (type, value)."""
    kept, secrets = {}, []

    def put(found):
        name, _, arguments = found.group(1).partition(":")
        planted, name = name.startswith("!"), name.lstrip("!")
        label, _, maker = name.rpartition("=")
        if not planted and maker in kept and not arguments and not label:
            return kept[maker]
        value = getattr(values, maker)(*(arguments.split(":") if arguments else ()))
        if planted:
            secrets.append((label or template.options.get("as") or TYPE[maker], value))
        elif label:
            kept[label] = value
        return value

    lines = []
    for line in template.text.split("\n"):
        repeated = REPEATED.match(line)
        if repeated:
            low, high, line = int(repeated.group(1)), int(repeated.group(2)), repeated.group(3)
            lines += [PLACEHOLDER.sub(put, line) for _ in range(values.rng.randint(low, high))]
        else:
            lines.append(PLACEHOLDER.sub(put, line))
    return "\n".join(lines), secrets


# What agents wrap a text in that they send.
CARRIERS = [
    lambda values, text: text,
    lambda values, text: {"text": text},
    lambda values, text: {"tool": "shell", "stdout": text, "stderr": "", "exit_code": values.rng.choice([0, 0, 1, 2])},
    lambda values, text: {"role": "tool", "tool_call_id": "call_" + values.alnum("24"), "content": text},
    lambda values, text: {"type": "tool_result", "tool_use_id": "toolu_01" + values.alnum("22"), "content": [{"type": "text", "text": text}]},
    lambda values, text: {"jsonrpc": "2.0", "id": values.rng.randint(1, 999), "result": {"content": [{"type": "text", "text": text}], "isError": False}},
    lambda values, text: {"step": values.rng.randint(1, 40), "observation": text, "elapsed_ms": values.rng.randint(1, 90000)},
]
OBJECT_CARRIERS = [
    lambda values, body: body,
    lambda values, body: body,
    lambda values, body: json.dumps(body, indent=2, ensure_ascii=False),
    lambda values, body: {"tool": "http", "result": {"status": 200, "body": body}},
    lambda values, body: {"role": "tool", "tool_call_id": "call_" + values.alnum("24"), "content": json.dumps(body, ensure_ascii=False)},
]


def wrapped(values, text, secrets):
    """@return the message's body, and the secrets as a reader of the JSON sees them."""
    try:
        body = json.loads(text) if text.startswith(("{", "[")) else None
    except ValueError:
        body = None  # a log line or a shell command that begins like JSON
    if body is None:
        return values.rng.choice(CARRIERS)(values, text), secrets
    return values.rng.choice(OBJECT_CARRIERS)(values, body), [(kind, json.loads(f'"{value}"')) for kind, value in secrets]


def forms(value):
    """A value as it stands in a string, and in JSON within a string."""
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}


def leaves(value, path="$"):
    """Every key and scalar of a JSON value as (path, text)."""
    if isinstance(value, dict):
        for number, (key, item) in enumerate(value.items()):
            yield f"{path}{{{number}}}", key
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


def messages(directory, make_values, copies, leave_out_equal=False):
    """Each template's messages. A random stream per message, seeded by the template's text, so that a new template changes no other's.

    @param make_values A random stream → an object with a method per placeholder.
    @param copies How many messages of a template, where its group does not say.
    @param leave_out_equal Leave out a message that is equal to another, rather than fail.
    """
    made, seen = [], set()
    for template in templates(directory):
        for number in range(int(template.options.get("copies", copies))):
            values = make_values(random.Random(f"{number}:{template.text}"))
            text, secrets = fill(values, template)
            body, secrets = wrapped(values, text, secrets)
            for _, value in secrets:
                if not any(form in leaf for _, leaf in leaves(body) for form in forms(value)):
                    raise SystemExit(f"{template.family}/{template.group}: {value} does not stand in its message")
            line = json.dumps(body, ensure_ascii=False)
            if line in seen and leave_out_equal:
                continue
            if line in seen:
                raise SystemExit(f"{template.family}/{template.group}: twice the same message; it needs more that varies: {line[:200]}")
            seen.add(line)
            made.append(Message(f"{template.family}/{template.group}-{len(made) + 1}", template.family, template.group, template.options, body, secrets))
    return made


def as_line(message):
    """The line that `masctl dlp scan --jsonl` reads."""
    return json.dumps({"id": message.id, "text" if isinstance(message.body, str) else "payload": message.body}, ensure_ascii=False)


def digest(made):
    """Changes when a message or a label does: the same templates must make the same messages everywhere."""
    total = hashlib.sha256()
    for message in made:
        total.update((as_line(message) + json.dumps(message.secrets, ensure_ascii=False) + "\n").encode())
    return total.hexdigest()
