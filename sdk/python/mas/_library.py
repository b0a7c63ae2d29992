"""Finding and loading libmas.so, and refusing one that does not fit.

`lib` has the functions of mas.h as attributes. Importing this module loads the library, so a missing one is an
ImportError of `import mas`, with every place that was looked at.

The library is, in this order:
1. the file that the environment's MAS_LIBRARY names, and no other one;
2. `libmas.so.0` in this package's own directory (a wheel, or the build tree);
3. `libmas.so.0` as the system's loader finds it (LD_LIBRARY_PATH, ld.so.conf, /usr/lib).
"""

from __future__ import annotations

import ctypes
import os
import pathlib

from . import _prototypes

VERSION = (0, 1, 0)  #: the mas.h that the table of prototypes was written for
NAME = "libmas.so.0"


class LibraryError(ImportError):
    """libmas.so is missing, cannot be loaded, or has a version that this package cannot use."""


def load() -> tuple[ctypes.CDLL, str]:
    """@return the library and the path it was loaded from. @raise LibraryError."""
    asked = os.environ.get("MAS_LIBRARY")
    beside = pathlib.Path(__file__).resolve().parent / NAME
    if asked:
        library, path = _open(asked, "MAS_LIBRARY"), asked
    elif beside.exists():
        library, path = _open(str(beside), "the package's own directory"), str(beside)
    else:
        try:
            library = ctypes.CDLL(NAME)
        except OSError as error:
            raise LibraryError(
                f"{NAME} of MAS {_text(VERSION)} was not found: not beside this package ({beside}), and the system's "
                f"loader says: {error}. Install libmas, or set MAS_LIBRARY to its path.") from None
        path = _loaded_path() or NAME
    _declare(library, path)
    return library, path


def _open(path: str, where: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        why = f"{path} (from {where}) cannot be loaded: {error}. Expected libmas {_text(VERSION)}."
        raise LibraryError(why) from None


def _declare(library: ctypes.CDLL, path: str) -> None:
    try:
        library.mas_version.restype = ctypes.c_char_p
        found = library.mas_version().decode()
        fits = bool(library.mas_version_compatible(VERSION[0] * 1000000 + VERSION[1] * 1000 + VERSION[2]))
    except AttributeError:
        raise LibraryError(f"{path} is not libmas: it has no mas_version. Expected libmas {_text(VERSION)}.") from None
    if not fits:
        raise LibraryError(f"{path} is libmas {found}; this package expects {_text(VERSION)} or a later {VERSION[0]}."
                           f"{VERSION[1]}.x.")
    for name, (result, arguments) in _prototypes.FUNCTIONS.items():
        function = getattr(library, name, None)
        if function is None:
            raise LibraryError(f"{path} is libmas {found}, but has no {name}; this package expects {_text(VERSION)}.")
        function.restype = result
        function.argtypes = arguments


def _loaded_path() -> str | None:
    """Where the system's loader took the library from."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            return next((line.split(None, 5)[5].strip() for line in maps if "/libmas.so" in line), None)
    except (OSError, IndexError):
        return None


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


lib, PATH = load()
