#!/usr/bin/env python3
"""Each function that libmas.so exports has a man page that describes it, and the pages are clean under mandoc's lint.

usage: man_pages_test.py MAN_DIR MAP    (MAP is the version script that lists the functions)
"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

MAN = pathlib.Path(sys.argv[1])
MAP = pathlib.Path(sys.argv[2])


def page_of(function):
    """The text of the page that `man FUNCTION` shows."""
    text = (MAN / f"man3/{function}.3").read_text(encoding="utf-8")
    if link := re.fullmatch(r"\.so (\S+)\n", text):
        text = (MAN / link[1]).read_text(encoding="utf-8")
    return text


class ManPagesTest(unittest.TestCase):
    def test_each_function_is_described(self):
        functions = re.findall(r"^ +(mas_[a-z0-9_]+);$", MAP.read_text(encoding="utf-8"), re.M)
        self.assertGreater(len(functions), 50)
        for function in functions:
            with self.subTest(function=function):
                page = page_of(function)
                name, synopsis, description = re.split(r"^\.SH (?:SYNOPSIS|DESCRIPTION)$", page, flags=re.M)[:3]
                self.assertRegex(name, rf"(?m)^{function}(,| \\-)")
                self.assertRegex(synopsis, rf"[ *]{function}\(")
                self.assertRegex(description, rf"(?m)^\.SS {function}\n.")

    def test_the_overview_lists_every_page(self):
        overview = (MAN / "man3/mas.3").read_text(encoding="utf-8")
        for page in MAN.glob("man3/*.3"):
            if page.name != "mas.3" and not page.read_text(encoding="utf-8").startswith(".so "):
                self.assertIn(rf"\fB{page.stem}\fR(3)", overview)

    def test_every_function_and_callback_is_linked_to_its_page(self):
        self.assertIn(".SH NAME", page_of("mas_message_fn"))
        self.assertIn(".SS mas_message_fn\n", page_of("mas_message_fn"))

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_has_no_warning(self):
        pages = [page for page in sorted(MAN.glob("man3/*.3")) if not page.read_text(encoding="utf-8").startswith(".so ")]
        found = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], stdout=subprocess.PIPE, text=True)
        self.assertEqual(found.stdout, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
