"""Contexts: immutable mappings, one current in each task."""

import contextvars


class Context(dict):
    """Keys and values."""


current = contextvars.ContextVar("current_context", default=Context())
