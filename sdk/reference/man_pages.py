#!/usr/bin/env python3
"""The man pages of libmas, section 3, made from the public headers: one page for each of their sections, and mas(3).

usage: man_pages.py VERSION OUTPUT_DIR    rewrites OUTPUT_DIR

`man mas_agent_send` finds the page of its section by a link (a file with `.so`). The pages are in man(7) macros and clean
under `mandoc -T lint`.
"""
import pathlib
import re
import shutil
import sys

import c_header

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include"

# The page of each section of a header, and what it is about.
PAGES = {
    ("mas.h", "Version"): ("mas_version", "the version of libmas"),
    ("mas.h", "Status"): ("mas_status", "why a call of libmas failed, and what became of a message"),
    ("mas.h", "Types"): ("mas_types", "the handles of libmas"),
    ("mas.h", "Options"): ("mas_options", "the settings of a new agent"),
    ("mas.h", "An agent's life"): ("mas_agent", "make, start, stop and free an agent"),
    ("mas.h", "Running"): ("mas_agent_run", "let an agent's callbacks run"),
    ("mas.h", "Messages"): ("mas_message", "send and handle messages"),
    ("mas.h", "Requests"): ("mas_request", "ask an agent and get its reply"),
    ("mas.h", "Connection and overload"): ("mas_connection", "watch an agent's connection and counters"),
    ("mas.h", "Discovery"): ("mas_discover", "find agents by their capabilities"),
    ("mas.h", "State"): ("mas_state", "an agent's state"),
    ("mas.h", "Tracing"): ("mas_trace", "the trace context of messages, and observers of them"),
    ("mas_schema.h", ""): ("mas_schema", "structs as JSON: schemas and typed messages"),
    ("mas_schema.h", "State"): ("mas_state_bind", "an agent's state as a struct"),
}
DATE = "2026-11-29"  # fixed, so that the same headers give the same pages
SUMMARY = "C client library for agents that exchange messages and keep state over Redis"
WIDE = {"–": r"\[en]", "…": r"\|.\|.\|.", "≤": r"\[<=]", "·": r"\[pc]"}


def roff(text):
    """Text as it stands, for a line of its own."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    text = "".join(WIDE.get(character, character) for character in text)
    return r"\&" + text if text.startswith((".", "'")) else text


def prose(text):
    """A sentence: functions of the library bold, `words` italic; each sentence begins a line, as roff wants it."""
    text = re.sub(r"(?<=[a-z)\d][.;:]) (?=[A-Z])", "\n", text)
    text = "\n".join(roff(line) for line in text.split("\n"))
    text = re.sub(r"`([^`]*)`", r"\\fI\1\\fR", text)
    return re.sub(r"\b(mas_[a-z_]+[a-z]|MAS_[A-Z0-9_]+)(?:\(\))?(?![a-z_…\\])", r"\\fB\1\\fR", text)


def verbatim(lines):
    return [".PP", ".nf", *(roff(re.sub(r"/\*\*<?", "/*", line)) for line in lines), ".fi"]


def blocks(lines):
    """Splits a comment at its empty lines."""
    block = []
    for line in [*lines, ""]:
        if line:
            block.append(line)
        elif block:
            yield block
            block = []


def table(lines, gap):
    """Rows `  term   text`, continued under the text. @return roff lines, or None where the lines are no such table."""
    rows = []
    for line in lines:
        if row := re.match(rf"  (\S.*?) {{1,{gap}}}(?<=^.{{{gap}}})(\S.*)$", line):
            rows.append([row[1], row[2]])
        elif rows and line.startswith(" " * gap):
            rows[-1][1] += " " + line.strip()
        else:
            return None
    return [part for term, text in rows for part in (".TP", rf"\fB{roff(term)}\fR", prose(text))]


def paragraphs(lines):
    """A comment's text: paragraphs, tables of terms, and code, which is indented."""
    page = []
    for block in blocks(lines):
        plain = [line for line in block if not line.startswith("  ")]
        rest = block[len(plain):]
        if plain + rest != block:
            raise ValueError(f"text after an indented block: {block}")
        page.append(".PP")
        if plain:
            page.append(prose(" ".join(map(str.strip, plain))))
        if rest:
            columns = next((found for gap in (13, 17) if (found := table(rest, gap))), None)
            page += columns or verbatim(rest)
    return page


def described(item, common, used):
    """A function's or callback's comment: text, its own parameters, result. Adds names of common parameters to `used`."""
    text, *tags = re.split(r"@(?=param \w+ |return )", "\n".join(map(str.strip, item.doc)))
    page = paragraphs(text.split("\n"))
    tags = [" ".join(tag.split()) for tag in tags]
    own = dict(tag.removeprefix("param ").split(" ", 1) for tag in tags if tag.startswith("param "))
    for name in item.parameters:
        if name in own:
            page += [".TP", rf"\fI{name}\fR", prose(own[name])]
        elif name in common:
            used.add(name)
        else:
            raise ValueError(f"{item.name}: the parameter {name} is described nowhere")
    result = next((tag.removeprefix("return ") for tag in tags if tag.startswith("return ")), None)
    if result is None and item.returns == "mas_status":
        result = c_header.STATUS_RESULT
    if result is None and item.returns != "void":
        raise ValueError(f"{item.name}: its result is described nowhere")
    return [*page, ".PP", "Returns " + prose(result[:1].lower() + result[1:] if result[1:2].islower() else result)] \
        if result else page


def title(page, version):
    return [f'.TH {page.upper()} 3 {DATE} "mas {version}" "MAS"']


def section_page(header, section, version, common):
    """@return the page's name, the names that lead to it, and its lines."""
    key = (header.name, section.title)
    if key not in PAGES:
        raise ValueError(f"{header.name}, section '{section.title}': man_pages.py does not know its page")
    page, about = PAGES[key]
    functions = [item.name for item in section.items if item.kind == "function"]
    callbacks = [item.name for item in section.items if item.kind == "callback"]
    lines = [*title(page, version), ".SH NAME", ",\n".join(roff(name) for name in functions or [page]) + rf" \- {about}",
             ".SH SYNOPSIS", ".nf", rf"\fB#include <{header.name}>\fR", ""]
    for item in section.items:
        if item.kind in ("function", "callback"):
            first, *more = map(str.strip, item.text.split("\n"))
            lines += [rf"\fB{roff(line)}\fR" for line in (first, *("    " + line for line in more))]
    lines += [".fi", ".SH DESCRIPTION"]
    if not section.title:
        lines += paragraphs(header.intro)
    used = set()
    for item in section.items:
        if item.kind == "note":
            lines += paragraphs(item.doc)
        elif item.kind in ("function", "callback"):
            lines += [f".SS {roff(item.name)}", *described(item, common, used)]
        elif item.doc or "{" in item.text:
            name = item.name or "Flags"
            lines += [f".SS {roff(name)}", *paragraphs(item.doc), *verbatim(item.text.split("\n"))]
    if used:
        lines += [".SH PARAMETERS", "What is passed in stays the caller's; what is kept is copied."]
        lines += [part for name in common if name in used for part in (".TP", rf"\fI{name}\fR", prose(common[name]))]
    return page, functions + callbacks, [*lines, ".SH SEE ALSO", r"\fBmas\fR(3)"]


def overview(header, pages, version):
    lines = [*title("mas", version), ".SH NAME", rf"mas \- {SUMMARY}", ".SH LIBRARY",
             r"libmas (\fB\-lmas\fR, \fBpkg\-config \-\-cflags \-\-libs mas\fR)", ".SH SYNOPSIS", ".nf",
             *(rf"\fB#include <{name}>\fR" for name in dict.fromkeys(name for name, _ in PAGES)), ".fi",
             ".SH DESCRIPTION", *paragraphs(header.intro), ".SH PAGES"]
    for page, about, names in pages:
        lines += [".TP", rf"\fB{page}\fR(3)", about.capitalize() + ":", ", ".join(rf"\fB{name}\fR" for name in names) + "."]
    return [*lines, ".SH SEE ALSO", r"\fBmasctl\fR(1)"]


def save(path, lines):
    """Writes a page. A paragraph needs no macro after a heading or another such macro."""
    kept = []
    for line in lines:
        if line != ".PP" or kept[-1][:3] not in (".SH", ".SS", ".PP"):
            kept.append(line)
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")


def write(version, output):
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    pages, links, first = [], {}, None
    for name in dict.fromkeys(name for name, _ in PAGES):
        header = c_header.whole(INCLUDE / name)
        common = c_header.common_parameters(INCLUDE / name)
        first = first or header
        for section in header.sections:
            if not section.title and not any(item.kind == "function" for item in section.items):
                continue
            page, names, lines = section_page(header, section, version, common)
            pages.append((page, PAGES[name, section.title][1], names))
            links.update({function: page for function in names})
            save(output / f"{page}.3", lines)
    save(output / "mas.3", overview(first, pages, version))
    for function, page in links.items():
        if function != page and not (output / f"{function}.3").exists():
            (output / f"{function}.3").write_text(f".so man3/{page}.3\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(sys.argv[1], pathlib.Path(sys.argv[2]))
