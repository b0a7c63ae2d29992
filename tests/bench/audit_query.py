#!/usr/bin/env python3
"""How long masctl audit takes over a million records: tests/bench/audit_query.py BUILD_DIR [RECORDS]. Run by hand."""
import pathlib
import subprocess
import sys
import tempfile
import time


def timed(what, *command):
    start = time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    print(f"{what}: {time.monotonic() - start:.2f} s, {len(done.stdout.splitlines())} lines")


def main():
    build = pathlib.Path(sys.argv[1]).resolve() / "bin"
    records = sys.argv[2] if len(sys.argv) > 2 else "1000000"
    with tempfile.TemporaryDirectory(prefix="mas-bench.") as directory:
        socket = f"{directory}/redis.sock"
        server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--dir", directory, "--save",
                                   "", "--appendonly", "no"], stdout=subprocess.DEVNULL)
        try:
            while subprocess.run(["redis-cli", "-s", socket, "ping"], capture_output=True).stdout != b"PONG\n":
                time.sleep(0.05)
            fill = subprocess.Popen([build / "bench_audit", "resp", records], stdout=subprocess.PIPE)
            subprocess.run(["redis-cli", "-s", socket, "--pipe"], stdin=fill.stdout, check=True, capture_output=True)
            ctl = [str(build / "masctl"), "--redis", f"unix://{socket}", "audit"]
            timed("query --sender needle", *ctl, "query", "--sender", "needle", "--limit", "1000")
            timed("query --id (none such)", *ctl, "query", "--id", "none")
            timed("query, the newest 100", *ctl, "query")
            timed("verify", *ctl, "verify")
            timed("export --format jsonl", *ctl, "export")
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
