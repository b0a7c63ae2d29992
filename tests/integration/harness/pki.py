"""Certificates made in the test: authorities, and what they sign for servers and clients."""

import pathlib
import subprocess


class Authority:
    """A certificate authority in a directory: `ca` is its PEM file. Keys are P-256, valid for a day."""

    def __init__(self, directory, name="ca"):
        self._directory = pathlib.Path(directory)
        self._name = name
        self.ca = self._directory / f"{name}.crt"
        self._key = self._directory / f"{name}.key"
        _openssl("req", "-x509", *_NEW_KEY, "-keyout", self._key, "-out", self.ca, "-days", "1",
                 "-subj", f"/CN={name}")

    def issue(self, name, *names):
        """A certificate for `names` ("DNS:redis.test", "IP:127.0.0.1"). @return {"ca", "cert", "key"}: PEM files."""
        cert, key, request = (self._directory / f"{name}.{end}" for end in ("crt", "key", "csr"))
        _openssl("req", "-new", *_NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions = self._directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={','.join(names)}\n" if names else "basicConstraints=CA:FALSE\n")
        _openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-days", "1",
                 "-out", cert, "-extfile", extensions)
        return {"ca": self.ca, "cert": cert, "key": key}


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
