#!/usr/bin/env python3
"""Doxygen's view of a public header: each comment with the parameters and results that are described once for all functions.

usage: doxygen_filter.py HEADER    (as INPUT_FILTER of the Doxyfile)

Lines stay where they are, so that Doxygen's warnings name the right ones.
"""
import pathlib
import re
import sys

import c_header


def additions(item, common):
    """What a function's comment does not say because it is the same for all."""
    text = "".join(f" @param {name} {common[name]}" for name in item.parameters
                   if name in common and name not in item.described())
    if item.returns == "mas_status" and not item.says_result():
        text += f" @return {c_header.STATUS_RESULT}"
    return text


def filtered(path):
    header = c_header.read(path)
    common = c_header.common_parameters(path)
    text = header.text
    for item in reversed(header.items("function", "callback")):
        if item.doc_end >= 0:
            text = text[:item.doc_end].rstrip() + additions(item, common) + " " + text[item.doc_end:]
    # The head comment describes the file; without such a comment Doxygen leaves out the file's functions.
    head = re.match(r"/\* (?P<brief>.*?)(?:\n \*\n(?P<more>.*?))?\s*\*/\n", text, re.S)
    more = "" if head["more"] is None else f"\n * @verbatim\n{head['more']}\n * @endverbatim"
    return f"/** @file {path.name} @brief {head['brief']}{more} */\n{text[head.end():]}"


if __name__ == "__main__":
    sys.stdout.write(filtered(pathlib.Path(sys.argv[1])))
