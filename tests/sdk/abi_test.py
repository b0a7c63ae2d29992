#!/usr/bin/env python3
"""The comparison of interfaces (sdk/reference/abi.py) finds what breaks programs: made by changing copies of the headers."""
import contextlib
import io
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "sdk/reference"))

import abi  # noqa: E402

RELEASED = ("--no-added-syms", "--suppressions", abi.ALLOWED)  # as abi.py compares with a release


class AbiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.work.cleanup)
        cls.folder = pathlib.Path(cls.work.name)
        cls.kept = cls.folder / "kept.abi"
        abi.describe(cls.kept)

    def difference(self, old, new, *options):
        """What the comparison prints when `old`, which is there once, is replaced by `new`; "" when it finds nothing."""
        include = self.folder / "include"
        (include / "mas").mkdir(parents=True, exist_ok=True)
        copies = {include / path.relative_to(abi.INCLUDE): path for path in abi.c_header.paths(abi.INCLUDE)}
        copies[include / abi.MAP.name] = abi.MAP
        texts = {copy: path.read_text(encoding="utf-8") for copy, path in copies.items()}
        if old:
            self.assertEqual(sum(text.count(old) for text in texts.values()), 1, old)
        for copy, text in texts.items():
            copy.write_text(text.replace(old, new) if old else text, encoding="utf-8")
        abi.describe(self.folder / "present.abi", include, include / abi.MAP.name)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            found = abi.differs(self.kept, self.folder / "present.abi", *options)
        self.assertEqual(found, bool(printed.getvalue()))
        return printed.getvalue()

    def test_the_same_headers_do_not_differ(self):
        self.assertEqual(self.difference("", "", "--harmless"), "")
        self.assertEqual(self.difference("", "", *RELEASED), "")

    def test_a_removed_function_is_found(self):
        self.assertIn("mas_agent_quit", self.difference("MAS_EXPORT void mas_agent_quit(mas_agent *agent);", "", *RELEASED))

    def test_a_changed_parameter_is_found(self):
        self.assertIn("mas_agent_fd", self.difference("mas_agent_fd(const mas_agent *agent)",
                                                      "mas_agent_fd(const mas_agent *agent, int which)", *RELEASED))

    def test_a_changed_callback_is_found(self):
        self.assertIn("mas_hook_fn", self.difference("(*mas_hook_fn)(mas_agent *agent, void *user)",
                                                     "(*mas_hook_fn)(void *user, mas_agent *agent)", *RELEASED))

    def test_a_changed_struct_is_found(self):
        self.assertIn("mas_state_field", self.difference("  const char *value; /**< at", "  char value[8]; /**< at", *RELEASED))
        self.assertIn("mas_array", self.difference("  const void *items;", "  int items;", *RELEASED))

    def test_a_changed_size_of_a_buffer_is_found(self):
        self.assertIn("message_id_size", self.difference("MAS_MESSAGE_ID_SIZE 37", "MAS_MESSAGE_ID_SIZE 64", *RELEASED))

    def test_a_member_at_the_end_is_allowed_only_where_the_caller_passes_the_size(self):
        self.assertEqual(self.difference("} mas_stats;", "uint64_t more;\n} mas_stats;", *RELEASED), "")
        self.assertIn("more", self.difference("} mas_stats;", "uint64_t more;\n} mas_stats;", "--harmless"))
        self.assertIn("more", self.difference("} mas_state_field;", "int more;\n} mas_state_field;", *RELEASED))
        self.assertIn("more", self.difference("typedef struct mas_stats {", "typedef struct mas_stats {\nuint64_t more;",
                                              *RELEASED))

    def test_a_changed_value_is_found(self):
        self.assertIn("MAS_TIMEOUT", self.difference("MAS_TIMEOUT = 6", "MAS_TIMEOUT = 66", *RELEASED))
        self.assertIn("MAS_DISCOVER_INACTIVE", self.difference("MAS_DISCOVER_INACTIVE = 1 << 1",
                                                               "MAS_DISCOVER_INACTIVE = 1 << 2", *RELEASED))

    def test_an_addition_is_told_apart(self):
        self.assertEqual(self.difference("MAS_OK = 0,", "MAS_OK = 0, MAS_MORE = 99,", *RELEASED), "")
        self.assertIn("MAS_MORE", self.difference("MAS_OK = 0,", "MAS_OK = 0, MAS_MORE = 99,", "--harmless"))

    def test_an_added_function_is_told_apart(self):
        smaller = self.folder / "smaller.map"
        smaller.write_text(abi.MAP.read_text(encoding="utf-8").replace("    mas_agent_fd;\n", ""), encoding="utf-8")
        self.kept = self.folder / "smaller.abi"
        abi.describe(self.kept, version_script=smaller)
        self.assertEqual(self.difference("", "", *RELEASED), "")
        self.assertIn("mas_agent_fd", self.difference("", "", "--harmless"))

    def test_a_function_of_another_version_is_found(self):
        self.assertIn("mas_agent_fd", self.difference("MAS_0.1 {", "MAS_0.2 {", *RELEASED))


if __name__ == "__main__":
    if not shutil.which("abidiff"):
        print("abidiff (package abigail-tools) is not installed: not tested")
        sys.exit(77)
    unittest.main()
