"""W3C Trace Context."""

import re

from .. import SpanContext
from ...context import Context, current


class TraceContextTextMapPropagator:
    def extract(self, carrier, context=None, getter=None):
        found = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]", carrier.get("traceparent", ""))
        context = current.get() if context is None else context
        if found is None:
            return context
        span = SpanContext(int(found[1], 16), int(found[2], 16), carrier.get("tracestate", ""))
        return Context(context, span=span)

    def inject(self, carrier, context=None, setter=None):
        span = (current.get() if context is None else context).get("span")
        if span is None:
            return
        carrier["traceparent"] = f"00-{span.trace_id:032x}-{span.span_id:016x}-01"
        if span.trace_state:
            carrier["tracestate"] = span.trace_state
