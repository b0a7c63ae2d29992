"""Asks a language model over the OpenAI-compatible HTTP API, without blocking the event loop.

    model = Model.from_environment()
    text = await model.ask("You are a chemist.", "What is an acid?")

The address, the model and the key come from the environment: README.md beside this file lists the variables. Whatever
goes wrong is a ModelError with one sentence, which never contains the key nor what the server wrote.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

MAX_BODY = 1 << 20  #: bytes of an HTTP answer
MAX_TEXT = 32 << 10  #: bytes of the model's text in it

_BECAUSE = {
    401: "refused the key; is OPENAI_API_KEY right?",
    403: "refused the key; is OPENAI_API_KEY right, and may it use this model?",
    404: "knows no such model or address; are OPENAI_MODEL and OPENAI_BASE_URL right?",
    429: "gets too many requests, or the account's quota is used up; try again later",
}


class ModelError(Exception):
    """The model gave no usable answer; the text says why."""


class NotConfigured(ModelError):
    """The environment does not say which model to ask, or how."""


class Model:
    """One model at one address."""

    def __init__(self, base_url: str, name: str, key: str, timeout: float = 60.0) -> None:
        """@param timeout seconds for one answer. @raise NotConfigured an argument is unusable."""
        host = host_of(base_url)
        if not host:
            raise NotConfigured("OPENAI_BASE_URL must be an address such as https://api.openai.com/v1, without a user "
                                "and password.")
        if not key:
            raise NotConfigured("No key for a language model: set OPENAI_API_KEY, and for another server than OpenAI's "
                                "OPENAI_BASE_URL and OPENAI_MODEL.")
        if not _is_printable(key):
            raise NotConfigured("OPENAI_API_KEY must be printable ASCII without spaces and line breaks.")
        self._url = base_url.rstrip("/") + "/chat/completions"
        self.host = host
        self.name = name
        self._key = key
        self._timeout = timeout

    @classmethod
    def from_environment(cls) -> Model:
        """@raise NotConfigured says what to set."""
        try:
            timeout = float(os.environ.get("OPENAI_TIMEOUT_SECONDS") or "60")
        except ValueError:
            timeout = 0.0
        if not 0 < timeout <= 3600:
            raise NotConfigured("OPENAI_TIMEOUT_SECONDS must be a number of seconds, at most 3600.")
        return cls(os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1",
                   os.environ.get("OPENAI_MODEL") or "gpt-4o-mini", os.environ.get("OPENAI_API_KEY", ""), timeout)

    async def ask(self, instructions: str, text: str) -> str:
        """The model's answer to `text`. @param instructions how it should answer. @raise ModelError."""
        # urllib blocks, so it runs in a thread. Its own time-outs end that, whether or not the caller still waits; they
        # are for each part of the exchange, such as resolving the name and connecting.
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._ask, instructions, text), self._timeout)
        except TimeoutError:
            raise self._late() from None

    # ---- inside

    def _ask(self, instructions: str, text: str) -> str:
        body = json.dumps({"model": self.name, "messages": [{"role": "system", "content": instructions},
                                                             {"role": "user", "content": text}]})
        return self._text_of(self._post(body.encode()))

    def _post(self, body: bytes) -> bytes:
        request = urllib.request.Request(self._url, body, {
            "Content-Type": "application/json", "Accept": "application/json", "Authorization": f"Bearer {self._key}"})
        try:
            with _OPENER.open(request, timeout=self._timeout) as answer:
                return self._read(answer)
        except urllib.error.HTTPError as error:
            error.close()
            because = "failed; try again later" if error.code >= 500 else "refused the request"
            raise self._error(f"{_BECAUSE.get(error.code, because)} (HTTP {error.code})") from None
        except TimeoutError:
            raise self._late() from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self._late() from None
            raise self._error(f"cannot be reached: {error.reason}") from None
        except (OSError, http.client.HTTPException):
            raise self._error("broke the connection, or does not speak HTTP") from None

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        body = bytearray()
        while part := answer.read1(1 << 16):
            body += part
            if len(body) > MAX_BODY:
                raise self._error(f"sent an answer of more than {MAX_BODY} bytes")
        return bytes(body)

    def _text_of(self, body: bytes) -> str:
        try:
            text = json.loads(body)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise self._error("sent an answer that is not a chat completion") from None
        if not isinstance(text, str) or not text.strip():
            raise self._error("sent an answer without text")
        if len(text.encode(errors="replace")) > MAX_TEXT:
            raise self._error(f"sent a text of more than {MAX_TEXT} bytes")
        return text.strip()

    def _late(self) -> ModelError:
        return self._error(f"did not answer within {self._timeout:g} seconds")

    def _error(self, what: str) -> ModelError:
        return ModelError(f"The language model at {self.host} {what}.")


def host_of(url: str) -> str:
    """The host of an http or https URL without user and password; "" of anything else."""
    try:
        address = urllib.parse.urlsplit(url)
        usable = address.scheme in ("http", "https") and "@" not in address.netloc and address.port != 0
    except ValueError:  # such as a port that is not a number
        return ""
    return (address.hostname or "") if usable and _is_printable(url) else ""


def _is_printable(text: str) -> bool:
    """Whether a text can be part of an HTTP header, or of a URL as it is sent."""
    return text.isascii() and text.isprintable() and " " not in text


def model_or_exit() -> Model:
    """The model of the environment. Where it is not set up, ends the program with a sentence and code 2."""
    try:
        return Model.from_environment()
    except NotConfigured as error:
        print(error, file=sys.stderr)
        sys.exit(2)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: urllib would send the key along, to whatever host."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


class _Until(io.RawIOBase):
    """What a socket receives until a time. A socket's own time-out begins anew with every byte."""

    def __init__(self, source: socket.socket, seconds: float) -> None:
        self._socket = source
        self._bytes = source.makefile("rb", buffering=0)
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that ends within the connection's time-out, headers and all."""

    def __init__(self, source: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(source, *arguments, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_Until(source, source.gettimeout() or 0))


class _HTTPConnection(http.client.HTTPConnection):
    response_class = _Answer


class _HTTPSConnection(http.client.HTTPSConnection):
    response_class = _Answer


class _HTTP(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPConnection, request)


class _HTTPS(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPSConnection, request)


_OPENER = urllib.request.build_opener(_NoRedirect, _HTTP, _HTTPS)
