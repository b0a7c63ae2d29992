"""A strict reader of the Prometheus text format (exposition format 0.0.4): anything out of order is an error."""

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_HELP = re.compile(rf"# HELP ({_NAME}) (.+)")
_TYPE = re.compile(rf"# TYPE ({_NAME}) (counter|gauge|histogram|summary|untyped)")
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


class Malformed(AssertionError):
    """The text is not what Prometheus takes."""


def parse(text):
    """{sample as written up to the value: float}. Each family: HELP, TYPE, then its samples, together and once."""
    if not text.endswith("\n"):
        raise Malformed("the last line has no end")
    samples, family, seen, helped = {}, None, set(), None
    for number, line in enumerate(text.splitlines(), 1):
        where = f"line {number}: {line!r}"
        if match := _HELP.fullmatch(line):
            helped = match.group(1)
        elif match := _TYPE.fullmatch(line):
            family = (match.group(1), match.group(2))
            if helped != family[0]:
                raise Malformed(f"TYPE without its HELP before, {where}")
            if family[0] in seen:
                raise Malformed(f"family twice, {where}")
            seen.add(family[0])
        elif match := _SAMPLE.fullmatch(line):
            _check_sample(family, match, where)
            key = line.rsplit(" ", 1)[0]
            if key in samples:
                raise Malformed(f"sample twice, {where}")
            samples[key] = float(match.group(3))
        else:
            raise Malformed(where)
    _check_histograms(samples)
    return samples


def families(text):
    """{name: type}."""
    return {m.group(1): m.group(2) for m in map(_TYPE.fullmatch, text.splitlines()) if m}


def _check_sample(family, match, where):
    name, labels, value = match.groups()
    if family is None or name not in [family[0] + s for s in _SUFFIXES.get(family[1], ("",))]:
        raise Malformed(f"sample outside its family, {where}")
    if labels is not None and "".join(m.group(0) for m in _LABEL.finditer(labels)) != labels:
        raise Malformed(f"labels, {where}")
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|Inf)|NaN", value):
        raise Malformed(f"value, {where}")
    if family[1] == "counter" and (float(value) < 0 or not name.endswith("_total")):
        raise Malformed(f"a counter counts up and ends in _total, {where}")


def _check_histograms(samples):
    """Buckets grow, end in +Inf, and the last one is the count."""
    last = {}
    for key, value in samples.items():
        match = re.fullmatch(r'(.*)_bucket\{(.*?),?le="([^"]+)"\}', key)
        if not match:
            continue
        series = (match.group(1), match.group(2))
        bound = float(match.group(3).replace("+Inf", "inf"))
        if series in last and (bound <= last[series][0] or value < last[series][1]):
            raise Malformed(f"bucket out of order: {key}")
        last[series] = (bound, value)
    for (name, labels), (bound, value) in last.items():
        count = f"{name}_count" + (f"{{{labels}}}" if labels else "")
        if bound != float("inf") or samples.get(count) != value:
            raise Malformed(f"histogram {name}: no +Inf bucket, or it is not the count")
