#!/usr/bin/env python3
"""Checks who includes whom: lower layers never see higher ones, and each third-party library stays where it belongs."""
import re
import subprocess
import sys

# The gateway's engines, which decide and do no more.
ENGINES = [f"daemons/gatewayd/{name}"
           for name in ("approval", "archive", "audit", "authz", "breaker", "dlp", "guard", "limits", "policy")]

# Folder → the folders of this tree that it may include from. The longest matching folder decides.
LAYERS = {
    "proto/base": ["proto/base"],
    "proto/wire": ["proto/base", "proto/wire"],
    "proto/users": ["proto/base", "proto/wire", "proto/users"],
    "proto/pki": ["proto/base", "proto/pki"],
    "proto/redis": ["proto/base", "proto/redis"],
    "sdk/include": ["sdk/include"],
    # The two modes, peer and gateway, and what an agent is beside its mode stand side by side on the core.
    "sdk/src/loop": ["proto", "sdk/src/loop"],
    "sdk/src/core": ["proto", "sdk/include", "sdk/src/loop", "sdk/src/core"],
    "sdk/src/peer": ["proto", "sdk/include", "sdk/src/loop", "sdk/src/core", "sdk/src/peer"],
    "sdk/src/gateway": ["proto", "sdk/include", "sdk/src/loop", "sdk/src/core", "sdk/src/gateway"],
    "sdk/src/typed": ["proto", "sdk/include", "sdk/src/typed"],
    "sdk/src/agent": ["proto", "sdk/include", "sdk/src/loop", "sdk/src/core", "sdk/src/typed", "sdk/src/agent"],
    "sdk/src/api": ["proto", "sdk/include", "sdk/src"],
    "sdk/examples": ["sdk/examples", "sdk/include"],
    "sdk/masctl": ["proto", "sdk/include", "sdk/masctl", *ENGINES],
    # What Redis holds, then the command line, then the commands on both.
    "sdk/masctl/redis": ["proto", "sdk/masctl/redis", *ENGINES],
    "sdk/masctl/cli": ["proto", "sdk/masctl/redis", "sdk/masctl/cli"],
    "sdk/bench": ["proto", "sdk/include", "sdk/bench", "sdk/masctl", *ENGINES],
    # Reads a gateway's configuration as the gateway does, and hands it on as values.
    "sdk/masctl/policy": ["proto", "sdk/masctl", "daemons/common", "daemons/gatewayd"],
    "daemons/common": ["proto", "daemons/common"],
    "daemons/registryd": ["proto", "daemons/common", "daemons/registryd"],
    "daemons/gatewayd/approval": ["proto/base", "daemons/gatewayd/approval"],
    "daemons/gatewayd/archive": ["proto/base", "proto/wire", "daemons/gatewayd/archive"],
    "daemons/gatewayd/audit": ["proto/base", "proto/wire", "daemons/gatewayd/audit"],
    "daemons/gatewayd/auth": ["proto/base", "proto/wire", "daemons/gatewayd/auth"],
    "daemons/gatewayd": ["proto", "daemons/common", "daemons/gatewayd"],
    "daemons/gatewayd/breaker": ["proto/base", "daemons/gatewayd/breaker"],
    "daemons/gatewayd/authz": ["proto/base", "proto/wire", "daemons/gatewayd/authz"],
    "daemons/gatewayd/dlp": ["proto/base", "proto/wire", "daemons/gatewayd/dlp"],
    "daemons/gatewayd/guard": ["proto/base", "proto/wire", "daemons/gatewayd/guard"],
    "daemons/gatewayd/limits": ["proto/base", "proto/wire", "daemons/gatewayd/limits"],
    "daemons/gatewayd/policy": ["proto/base", "proto/wire", "daemons/gatewayd/approval", "daemons/gatewayd/auth",
                                "daemons/gatewayd/authz", "daemons/gatewayd/breaker", "daemons/gatewayd/guard", "daemons/gatewayd/policy"],
    "daemons/healthd": ["proto", "daemons/common", "daemons/healthd"],
}

# Third-party header → the files that may include it, as regular expressions of whole paths.
LIBRARIES = {
    r"hiredis/.*": [r"proto/redis/.*\.cc"],
    r"openssl/.*": [r"proto/redis/.*", r"proto/pki/.*", r"proto/wire/.*\.cc", r"proto/base/.*\.cc"],
    r"simdjson\.h": [r"proto/base/utf8\.cc"],
    r"hs/.*": [r"daemons/gatewayd/dlp/.*\.cc"],
    r"uv\.h": [r"proto/redis/.*", r"sdk/src/.*", r"sdk/(masctl|bench|examples/embedding)/.*",
               r"daemons/(?!gatewayd/(approval|archive|audit|authz|breaker|dlp|guard|limits|policy)/).*"],
    r"fmt/.*": [r"daemons/.*", r"sdk/masctl/.*"],
    r"toml\+\+/.*|toml\.hpp": [r"daemons/common/.*\.cc", r"proto/wire/credentials\.cc",
                                      r"sdk/masctl/users/bulk_file\.cc",
                                      r"daemons/gatewayd/dlp/config_table\.h"],
    # It takes a compiler seconds: masctl's commands use cli/command.h.
    r"CLI/.*": [r"daemons/common/main\.cc", r"sdk/masctl/cli/.*\.cc", r"sdk/masctl/reference/command_doc\.cc"],
    r"microhttpd\.h": [r"daemons/common/.*\.cc"],
    r"systemd/.*": [r"daemons/common/.*\.cc"],
    r"curl/.*": [r"sdk/examples/.*\.cc?"],
}

# Words that only some files may say: regular expression → folder that is searched, files that may.
WORDS = {
    # An agent's mode is chosen where it is made, and nothing else asks which it is: see sdk/src/core/mode.h.
    r"MAS_MODE_|\bconfig\.mode\b": ("sdk/src/", [r"sdk/src/api/.*", r"sdk/src/core/config\.h"]),
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
PUBLIC = ("mas.h", "mas.hpp", "mas_schema.h", "mas_version.h")
ROOTS = ("proto/", "sdk/", "daemons/", "tests/")


def layer_of(path):
    return max((layer for layer in LAYERS if path.startswith(layer + "/")), key=len, default=None)


def problem(path, quote, target):
    """What is wrong with `path` including `target`, or None."""
    if quote == '"':
        layer = layer_of(path)
        if layer and target.startswith(ROOTS) and not any(target.startswith(d + "/") for d in LAYERS[layer]):
            return f"{layer} may not include {target}"
        # An example is read and copied on its own, and a public header installed: neither knows this tree.
        alone = path.startswith(("sdk/examples/", "sdk/include/"))
        if layer and not alone and "/" not in target and target not in PUBLIC:
            return f'"{target}" must be given from the root of the repository'
    for library, places in LIBRARIES.items():
        if re.fullmatch(library, target) and not path.startswith("tests/"):
            if not any(re.fullmatch(place, path) for place in places):
                return f"<{target}> belongs to {', '.join(places)}"
    return None


def word_problem(path, line):
    """What is wrong with `path` saying `line`, or None."""
    for word, (folder, places) in WORDS.items():
        if path.startswith(folder) and re.search(word, line) and not any(re.fullmatch(p, path) for p in places):
            return f"{word} belongs to {', '.join(places)}"
    return None


def main():
    listed = subprocess.run(["git", "ls-files", "*.h", "*.hpp", "*.c", "*.cc"], check=True, stdout=subprocess.PIPE)
    bad = 0
    for path in listed.stdout.decode().split():
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                match = INCLUDE.match(line)
                message = problem(path, match[1], match[2]) if match else word_problem(path, line)
                if message:
                    print(f"{path}:{number}: {message}")
                    bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
