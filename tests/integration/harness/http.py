"""HTTP to a daemon: a GET, and a raw exchange for what no client library would send."""

import dataclasses
import http.client
import socket


@dataclasses.dataclass
class Response:
    status: int
    headers: dict
    body: str


def http_get(port, path, method="GET", headers=None, body=None, timeout=10.0):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Response(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode())
    finally:
        connection.close()


def raw_exchange(port, data, timeout=10.0):
    """Sends bytes and returns everything that comes until the server closes or `timeout` passes without a byte."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout) as sock:
        try:
            sock.sendall(data)
            while chunk := sock.recv(1 << 16):
                received += chunk
        except (TimeoutError, ConnectionError):
            pass
    return received
