"""Where Redis is: what was asked for, else what the environment says, else this machine."""

from __future__ import annotations

import os
import re


def redis_url(asked: str | None) -> str:
    """@param asked None or "": not stated."""
    return asked or os.environ.get("MAS_REDIS_URL") or "redis://localhost:6379"


def without_secrets(url: str) -> str:
    """The same URL for people to read: without user and password, and without the password of the sentinels."""
    return re.sub(r"(?<=sentinel_password=).*", "***", re.sub(r"^([^:/?]+://)[^/?]*@", r"\1", url))
