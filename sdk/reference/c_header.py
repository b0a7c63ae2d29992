"""Reads the public C headers: their sections, declarations and comments, for the man pages, Doxygen and the ABI check.

It knows the form that our headers have, not C: a head comment, section comments (`/* ---- Title ---- */`), documented
declarations (`/** … */` before, or `/**< … */` behind), and other comments that stand alone.
"""
import dataclasses
import re


@dataclasses.dataclass
class Item:
    """One declaration, definition or comment that stands alone."""
    kind: str  # function, callback, type, macro or note
    name: str  # "" for a note
    text: str  # as it stands in the header, without its comment and attributes
    doc: list  # lines of its comment, without the stars; [] if it has none
    start: int  # where it begins in the header's text, in characters
    doc_end: int = -1  # where its comment ends, before the closing `*/`; -1 if it has none
    parameters: list = dataclasses.field(default_factory=list)  # names; functions and callbacks
    returns: str = ""  # the type; functions and callbacks

    def described(self):
        """The names that a @param of the comment describes."""
        return set(re.findall(r"@param (\w+)", "\n".join(self.doc)))

    def says_result(self):
        return "@return" in "\n".join(self.doc)


@dataclasses.dataclass
class Section:
    title: str  # "" before the first section comment
    items: list


@dataclasses.dataclass
class Header:
    name: str
    text: str
    intro: list  # the lines of the head comment
    sections: list

    def items(self, *kinds):
        return [item for section in self.sections for item in section.items if item.kind in kinds]


STATUS_RESULT = "MAS_OK, or why the call failed."  # of a function that returns mas_status and says no more

TOKEN = re.compile(
    r"/\* -{4} (?P<section>.*?) -+ \*/"
    r"|/\*\*<(?P<behind>.*?)\*/"
    r"|/\*\*(?P<doc>.*?)\*/"
    r"|/\*(?P<note>.*?)\*/"
    r"|#(?P<directive>(?:[^\n]*\\\n)*[^\n]*)"
    r"|(?P<declaration>[A-Za-z_][^;{]*(?:\{.*?\n?\}[^;{]*)?;)", re.S)
CPLUSPLUS = re.compile(r'#ifdef __cplusplus\n(?:extern "C" \{|\})\n#endif\n')
FUNCTION = re.compile(r"^(?P<returns>.*?)\b(?P<name>mas_\w+)\((?P<parameters>.*)\);$", re.S)
CALLBACK = re.compile(r"^typedef (?P<returns>.*?)\(\*(?P<name>mas_\w+)\)\((?P<parameters>.*)\);$", re.S)


def lines_of(comment):
    """A comment's lines without their stars, and without empty lines at both ends."""
    lines = [re.sub(r"^ ?\* ?", "", line.strip() if not line.startswith(" *") else line).rstrip()
             for line in comment.split("\n")]
    lines[0] = lines[0].strip()
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _parameter_names(text):
    names = [re.sub(r"\[.*\]$", "", part.strip()) for part in text.split(",")]
    return [re.search(r"(\w+)$", name).group(1) for name in names if name != "void"]


def _declaration(text, doc, start, doc_end):
    text = re.sub(r"\b(MAS_EXPORT|MAS_CHECKED) ", "", text)
    for kind, form in (("callback", CALLBACK), ("function", FUNCTION)):
        if found := form.match(text):
            return Item(kind, found["name"], text, doc, start, doc_end, _parameter_names(found["parameters"]),
                        found["returns"].strip())
    name = re.search(r"(\w+);$", text)
    return Item("type", name.group(1) if name else "", text, doc, start, doc_end)


def read(path):
    """Reads a header. @return a Header; an undocumented macro is left out."""
    text = path.read_text(encoding="utf-8")
    source = CPLUSPLUS.sub(lambda found: " " * len(found[0]), text)
    header = Header(path.name, text, [], [Section("", [])])
    doc, doc_end = [], -1
    for token in TOKEN.finditer(source):
        items = header.sections[-1].items
        if token["section"] is not None:
            header.sections.append(Section(token["section"], []))
        elif token["behind"] is not None:
            last = items[-1]
            if last.doc:
                raise ValueError(f"{path}: {last.name} has two comments")
            last.doc, last.doc_end = lines_of(token["behind"]), token.end("behind")
        elif token["doc"] is not None:
            doc, doc_end = lines_of(token["doc"]), token.end("doc")
            continue
        elif token["note"] is not None:
            if not header.intro:
                header.intro = lines_of(token["note"])
            else:
                items.append(Item("note", "", "", lines_of(token["note"]), token.start()))
        elif token["directive"] is not None:
            macro = re.match(r"define (\w+)", token["directive"])
            behind = "/**<" in token["directive"]
            if macro and (doc or behind):
                value, _, comment = token["directive"].partition("/**<")
                items.append(Item("macro", macro[1], "#" + value.rstrip(),
                                  lines_of(comment.removesuffix("*/")) if behind else doc, token.start()))
        else:
            items.append(_declaration(token["declaration"], doc, token.start(), doc_end))
        doc, doc_end = [], -1
    return header


def parts(path):
    """The headers that a public header consists of besides itself, in their order."""
    return [path.parent / part for part in re.findall(r'^#include "(mas/\w+\.h)"', path.read_text(encoding="utf-8"), re.M)]


def paths(include):
    """The public C headers, each followed by its parts."""
    return [path for header in sorted(include.glob("*.h")) for path in (header, *parts(header))]


def whole(path):
    """Reads a header that programs include, with the sections of its parts."""
    header = read(path)
    for part in parts(path):
        header.sections += read(part).sections[1:]
    return header


def common_parameters(path):
    """What the head comments of mas.h and of this header say about parameters of all functions. @return {name: text}."""
    found = {}
    root = path.parent.parent if path.parent.name == "mas" else path.parent
    for header in dict.fromkeys((root / "mas.h", path)):
        lines = iter(read(header).intro)
        for line in lines:
            if line.startswith("Parameters, where a function does not describe them"):
                break
        for line in lines:
            if row := re.match(r"  (\w+) {2,}(\S.*)$", line):
                found[row[1]] = row[2]
    return found
