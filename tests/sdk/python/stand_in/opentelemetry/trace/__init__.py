"""Tracers and spans. What has ended is in `finished`. Without `has_sdk` spans are those of the API alone."""

import contextlib
import enum
import itertools

from ..context import Context, current

SpanKind = enum.Enum("SpanKind", ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"])
StatusCode = enum.Enum("StatusCode", ["UNSET", "OK", "ERROR"])

has_sdk = True
finished = []
tracers = []
_numbers = itertools.count(1)


class Status:
    def __init__(self, status_code=StatusCode.UNSET, description=None):
        self.status_code, self.description = status_code, description


class SpanContext:
    def __init__(self, trace_id, span_id, trace_state=""):
        self.trace_id, self.span_id, self.trace_state = trace_id, span_id, trace_state


class Span:
    def __init__(self, name, parent, kind, attributes):
        self.name, self.parent, self.kind, self.attributes = name, parent, kind, dict(attributes or {})
        number = next(_numbers)
        self.context = SpanContext(parent.trace_id if parent else number << 64, number,
                                   parent.trace_state if parent else "")
        self.status = Status()

    def is_recording(self):
        return True

    def set_attribute(self, key, value):
        self.attributes[key] = value

    def set_status(self, status, description=None):
        self.status = status


class InvalidSpan:
    """Of a tracer without an SDK: it records nothing and is never the current one."""

    def is_recording(self):
        return False

    def set_attribute(self, key, value):
        pass

    def set_status(self, status, description=None):
        pass


class Tracer:
    def __init__(self, *arguments, **named):
        self.made_with = arguments, named
        tracers.append(self)

    @contextlib.contextmanager
    def start_as_current_span(self, name, context=None, kind=SpanKind.INTERNAL, attributes=None, links=None,
                              start_time=None, record_exception=True, set_status_on_exception=True, end_on_exit=True):
        assert not record_exception and not set_status_on_exception, "an exception's text may hold a payload"
        if not has_sdk:
            yield InvalidSpan()
            return
        parent = (current.get() if context is None else context).get("span")
        span = Span(name, parent, kind, attributes)
        token = current.set(Context(current.get() if context is None else context, span=span.context))
        try:
            yield span
        finally:
            current.reset(token)
            finished.append(span)


def get_tracer(instrumenting_module_name, instrumenting_library_version=None, tracer_provider=None, schema_url=None,
               attributes=None):
    return Tracer(instrumenting_module_name, instrumenting_library_version, schema_url=schema_url)
