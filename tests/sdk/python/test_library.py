"""Loading libmas.so: the table of prototypes is what mas.h declares, and what does not fit is refused with a
sentence."""

import ctypes
import os
import re
import unittest

from case import PACKAGE_DIR, SOURCE_DIR, ProgramCase, main, mas
from mas import _errors, _library, _prototypes

HEADER = "".join(path.read_text(encoding="utf-8") for path in sorted((SOURCE_DIR / "sdk/include/mas").glob("*.h")))
CODE = re.sub(r"/\*.*?\*/", " ", HEADER, flags=re.S)

SCALARS = {"void": None, "bool": ctypes.c_bool, "int": ctypes.c_int, "unsigned": ctypes.c_uint,
           "double": ctypes.c_double, "size_t": ctypes.c_size_t, "int64_t": ctypes.c_int64,
           "uint32_t": ctypes.c_uint32, "uint64_t": ctypes.c_uint64, "mas_status": ctypes.c_int,
           "mas_mode": ctypes.c_int, "mas_receipts": ctypes.c_int, "mas_connection": ctypes.c_int,
           "mas_priority": ctypes.c_int, "mas_trace_kind": ctypes.c_int, "mas_trace_phase": ctypes.c_int}
# Texts of a known size, and memory that the caller frees: read by address.
BY_ADDRESS = {("mas_message_data", "return"), ("mas_message_envelope", "return"), ("mas_message_decrypt", "ret_json"),
              ("mas_state_get", "ret_value"), ("mas_state_fn", "value")}


def type_of(declared, function="", name=""):
    """The ctypes type of a C type, such as `const char *`."""
    words = declared.replace("const ", "").replace("const*", "*").replace(" ", "")
    stars, base = words.count("*"), words.replace("*", "")
    if base in _prototypes.CALLBACKS:
        return _prototypes.CALLBACKS[base]
    if stars == 0:
        return SCALARS[base]
    if base == "char" and (function, name) not in BY_ADDRESS:
        kind = ctypes.c_char_p
    elif base in SCALARS and base != "void":
        kind = SCALARS[base]
        return ctypes.POINTER(kind) if stars == 1 and base != "char" else kind
    elif base in _prototypes.STRUCTURES:
        return ctypes.POINTER(_prototypes.STRUCTURES[base])
    else:
        kind = ctypes.c_void_p  # an opaque handle, or void *
    return kind if stars == 1 else ctypes.POINTER(kind)


def parameters(text, function):
    """The types of a parameter list."""
    found = []
    for parameter in filter(None, (part.strip() for part in " ".join(text.split()).split(","))):
        if parameter == "void":
            continue
        array = re.search(r"(\w+)\[\w*\]$", parameter)
        declared, name = (parameter[:array.start()] + "*", array[1]) if array else re.match(
            r"(.*?[\s*])(\w+)$", parameter).groups()
        found.append(type_of(declared.strip(), function, name))
    return found


class PrototypesTest(unittest.TestCase):
    def test_every_function_has_its_types(self):
        declared = re.findall(r"MAS_EXPORT\s+(?:MAS_CHECKED\s+)?([\w ]+?[\s*]+)(mas_\w+)\s*\(([^;]*)\)\s*;", CODE)
        self.assertGreater(len(declared), 60)
        self.assertEqual({name for _, name, _ in declared}, set(_prototypes.FUNCTIONS), "the same functions")
        for result, name, arguments in declared:
            with self.subTest(name):
                wanted = type_of(result.strip(), name, "return"), parameters(arguments, name)
                self.assertEqual(wanted, _prototypes.FUNCTIONS[name])

    def test_every_callback_has_its_types(self):
        declared = re.findall(r"typedef\s+(\w+)\s*\(\*(mas_\w+_fn)\)\(([^;]*)\)\s*;", CODE)
        self.assertEqual({name for _, name, _ in declared}, set(_prototypes.CALLBACKS))
        for result, name, arguments in declared:
            with self.subTest(name):
                kind = _prototypes.CALLBACKS[name]
                self.assertEqual((type_of(result), parameters(arguments, name)),
                                 (kind._restype_, list(kind._argtypes_)))

    def test_every_structure_has_its_members(self):
        for name, structure in _prototypes.STRUCTURES.items():
            with self.subTest(name):
                body = re.search(r"typedef struct " + name + r"\s*\{(.*?)\}", CODE, re.S)[1]
                members = [re.match(r"(.*?[\s*])(\w+)$", " ".join(part.split())).groups()
                           for part in body.split(";") if part.strip()]
                self.assertEqual([(member, type_of(kind.strip())) for kind, member in members], structure._fields_)

    def test_status_names(self):
        declared = re.findall(r"^\s+MAS_(\w+) = (\d+)", re.search(r"enum mas_status \{(.*?)\}", CODE, re.S)[1], re.M)
        self.assertEqual([name for name, _ in declared], list(_errors.NAMES))
        self.assertEqual([int(value) for _, value in declared], list(range(len(declared))))

    def test_version(self):
        declared = re.findall(r"#define MAS_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", HEADER)
        self.assertEqual(tuple(map(int, declared)), _library.VERSION)
        self.assertEqual(".".join(declared), mas.__version__)


FAKE = """
const char *mas_version(void) { return "0.0.9"; }
_Bool mas_version_compatible(int version) { return version < 1; }
"""


class LoadingTest(ProgramCase):
    def check_refused(self, library, *texts):
        done = self.python("-c", "import mas", env={"MAS_LIBRARY": str(library)})
        self.assertEqual(done.returncode, 1)
        for text in ("LibraryError", str(library), "0.1.0", *texts):
            self.assertIn(text, done.stderr)

    def compile(self, source):
        path = self.write("fake.c", source)
        library = self.dir / "libfake.so"
        self.assertEqual(os.spawnlp(os.P_WAIT, "cc", "cc", "-shared", "-fPIC", "-o", str(library), str(path)), 0)
        return library

    def test_a_missing_library(self):
        self.check_refused(self.dir / "nowhere.so", "MAS_LIBRARY", "No such file")

    def test_a_file_that_is_no_library(self):
        self.check_refused(self.write("text.so", "not a library"), "cannot be loaded")

    def test_another_library(self):
        self.check_refused(self.compile("int x;"), "is not libmas")

    def test_an_older_library(self):
        self.check_refused(self.compile(FAKE), "0.0.9", "expects 0.1.0")

    def test_a_library_that_lacks_a_function(self):
        self.check_refused(self.compile(FAKE.replace("version < 1", "version > 1")), "has no mas_")

    def test_the_named_library_is_the_one_that_is_used(self):
        library = PACKAGE_DIR / "mas" / _library.NAME
        done = self.python("-c", "import mas._library; print(mas._library.PATH)", env={"MAS_LIBRARY": str(library)})
        self.assertEqual(done.stdout.strip(), str(library), done.stderr)

    def test_nothing_beside_and_nothing_installed(self):
        copy = self.dir / "mas"
        copy.mkdir()
        for source in (PACKAGE_DIR / "mas").glob("*.py"):
            (copy / source.name).write_bytes(source.read_bytes())
        done = self.python("-c", "import mas", env={"PYTHONPATH": str(self.dir)})
        if done.returncode == 0:
            self.skipTest("libmas is installed on this machine")
        self.assertIn("libmas.so.0 of MAS 0.1.0 was not found", done.stderr)
        self.assertIn(str(copy), done.stderr)


if __name__ == "__main__":
    main()
