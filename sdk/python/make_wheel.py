#!/usr/bin/env python3
"""Packs the package and the library into a wheel, with nothing but the standard library.

    make_wheel.py --version 0.1.0 --library build/release/lib/libmas.so --out DIRECTORY

The wheel is for the Linux and processor that it is made on (tag py3-none-linux_…). The library in it is stripped; what
it links to (libuv, hiredis, simdjson, OpenSSL) comes from the system.
"""

import argparse
import base64
import hashlib
import pathlib
import shutil
import subprocess
import sysconfig
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
_WHEN = (2020, 1, 1, 0, 0, 0)  # the same sources make the same bytes


def stripped(library):
    """The library's bytes without debug symbols, where strip is installed."""
    if shutil.which("strip") is None:
        return library.read_bytes()
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory) / library.name
        subprocess.run(["strip", "--strip-unneeded", "-o", copy, library], check=True)
        return copy.read_bytes()


def metadata(version, tag):
    """The files of the .dist-info directory but RECORD."""
    return {
        "METADATA": "Metadata-Version: 2.1\nName: mas\n"
                    f"Version: {version}\n"
                    "Summary: Agents that find each other, exchange messages and keep state over Redis\n"
                    "Requires-Python: >=3.11\nProvides-Extra: models\n"
                    "Requires-Dist: pydantic>=1.10; extra == 'models'\n",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: make_wheel.py\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }


def record(files):
    """RECORD: path, hash and size of each file."""
    lines = []
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        lines.append(f"{path},sha256={digest},{len(data)}")
    return lines


def make(version, library, out):
    """@return the wheel's path."""
    tag = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
    info = f"mas-{version}.dist-info"
    package = HERE / "mas"
    files = {f"mas/{path.relative_to(package)}": path.read_bytes()
             for path in sorted(package.rglob("*")) if path.suffix == ".py" or path.name == "py.typed"}
    files[f"mas/libmas.so.{version.split('.')[0]}"] = stripped(library)
    files.update({f"{info}/{name}": text.encode() for name, text in metadata(version, tag).items()})
    files[f"{info}/RECORD"] = "\n".join([*record(files), f"{info}/RECORD,,", ""]).encode()
    out.mkdir(parents=True, exist_ok=True)
    wheel = out / f"mas-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, _WHEN)
            entry.external_attr = (0o755 if ".so" in path else 0o644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return wheel


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", required=True)
    parser.add_argument("--library", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path, help="directory of the wheel")
    options = parser.parse_args()
    print(make(options.version, options.library.resolve(), options.out))


if __name__ == "__main__":
    main()
