"""Waiting: a bounded poll on a condition, so that no test sleeps for a guess."""

import time


class PollTimeout(AssertionError):
    """The condition did not become true in time."""


def poll_until(condition, timeout=10.0, what=None, interval=0.02):
    """Calls `condition` until it returns something true, and returns that.

    @param timeout seconds. @param what said in the failure: what was expected, a text or a function that makes one.
    An exception of `condition` ends the wait.
    """
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            text = what() if callable(what) else what or getattr(condition, "__name__", "condition")
            raise PollTimeout(f"not within {timeout:g} s: {text}")
        time.sleep(interval)


def holds_for(condition, seconds, what=None, interval=0.02):
    """Fails as soon as `condition` is false during `seconds`: for "this must not happen"."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            raise AssertionError(f"did not hold for {seconds:g} s: {what or condition}")
        time.sleep(interval)
