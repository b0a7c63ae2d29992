"""The functions of mas.h as ctypes sees them: one table, which a test compares with the header.

`FUNCTIONS` has a row for each declared function: name, result, arguments. `CALLBACKS` are the types of functions that
the library calls. Texts that the library returns are `c_char_p` (copied into bytes at once); JSON of a known size is a
`c_void_p` that `ctypes.string_at` reads.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_bool, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint, c_uint32, c_uint64, c_void_p

# Handles are opaque: a c_void_p each. The names say which one is meant.
Options = Agent = Message = Request = AgentList = DataKey = c_void_p
Status = c_int


class StateField(ctypes.Structure):
    """mas_state_field."""

    _fields_ = [("name", c_char_p), ("value", c_char_p), ("size", c_size_t)]


class SendOptions(ctypes.Structure):
    """mas_send_options."""

    _fields_ = [("priority", c_int), ("deadline_ms", c_int), ("wait_ms", c_int)]


class Stats(ctypes.Structure):
    """mas_stats."""

    _fields_ = [(name, c_uint64) for name in (
        "sent", "undelivered", "send_failed", "received", "malformed", "dropped", "unhandled", "handler_failed",
        "late_replies", "reconnects", "refused", "duplicates", "stray_receipts", "restarts", "losses",
        "reports_refused", "foreign_replies", "error_replies", "in_doubt")]


class TraceEvent(ctypes.Structure):
    """mas_trace_event."""

    _fields_ = [
        ("size", c_size_t), ("kind", c_int), ("phase", c_int), ("number", c_uint64), ("started_us", c_int64),
        ("ended_us", c_int64), ("peer", c_char_p), ("type", c_char_p), ("message_id", c_char_p),
        ("correlation_id", c_char_p), ("conversation_id", c_char_p), ("attempt", c_uint32), ("outcome", Status),
        ("body_size", c_size_t), ("body", c_char_p), ("traceparent", c_char_p), ("tracestate", c_char_p),
        ("span", c_void_p)]


class Doubt(ctypes.Structure):
    """mas_doubt."""

    _fields_ = [("message_ids", POINTER(c_char_p)), ("count", c_size_t), ("forgotten", c_uint64), ("reason", c_char_p)]


DebugFn = ctypes.CFUNCTYPE(None, c_char_p, c_void_p)
HookFn = ctypes.CFUNCTYPE(Status, Agent, c_void_p)
MessageFn = ctypes.CFUNCTYPE(Status, Agent, Message, c_void_p)
ReceiptFn = ctypes.CFUNCTYPE(None, Agent, c_char_p, c_char_p, Status, c_void_p)
ReplyFn = ctypes.CFUNCTYPE(None, Agent, Status, Message, c_void_p)
ConnectionFn = ctypes.CFUNCTYPE(None, Agent, c_int, c_char_p, c_void_p)
OverflowFn = ctypes.CFUNCTYPE(None, Agent, c_uint64, c_void_p)
DoubtFn = ctypes.CFUNCTYPE(None, Agent, POINTER(Doubt), c_void_p)
StateFn = ctypes.CFUNCTYPE(None, c_char_p, c_void_p, c_size_t, c_void_p)
TraceFn = ctypes.CFUNCTYPE(None, Agent, POINTER(TraceEvent), c_void_p)

CALLBACKS = {
    "mas_debug_fn": DebugFn,
    "mas_hook_fn": HookFn,
    "mas_message_fn": MessageFn,
    "mas_receipt_fn": ReceiptFn,
    "mas_reply_fn": ReplyFn,
    "mas_connection_fn": ConnectionFn,
    "mas_overflow_fn": OverflowFn,
    "mas_doubt_fn": DoubtFn,
    "mas_state_fn": StateFn,
    "mas_trace_fn": TraceFn,
}

STRUCTURES = {
    "mas_state_field": StateField, "mas_send_options": SendOptions, "mas_stats": Stats, "mas_trace_event": TraceEvent,
    "mas_doubt": Doubt}

_SEND = [Agent, c_char_p, c_char_p, c_char_p, c_size_t]  # agent, target, type, json, size

FUNCTIONS = {
    "mas_version": (c_char_p, []),
    "mas_version_compatible": (c_bool, [c_int]),
    "mas_status_text": (c_char_p, [Status]),
    "mas_status_retriable": (c_bool, [Status]),
    "mas_error_detail": (c_char_p, []),
    "mas_receipt_decision": (c_char_p, []),
    "mas_receipt_detail": (c_char_p, []),
    "mas_receipt_retry_after": (c_int64, []),
    "mas_error_reply_code": (c_char_p, []),
    "mas_error_reply_text": (c_char_p, []),
    "mas_free": (None, [c_void_p]),
    # Options
    "mas_options_new": (Options, []),
    "mas_options_free": (None, [Options]),
    "mas_options_set_redis_url": (Status, [Options, c_char_p]),
    "mas_options_set_namespace": (Status, [Options, c_char_p]),
    "mas_options_set_mode": (Status, [Options, c_int]),
    "mas_options_set_credentials": (Status, [Options, c_char_p]),
    "mas_options_set_handler_timeout": (Status, [Options, c_int]),
    "mas_options_set_dedupe_window": (Status, [Options, c_size_t]),
    "mas_options_set_doubt_window": (Status, [Options, c_size_t, c_int]),
    "mas_options_add_capability": (Status, [Options, c_char_p]),
    "mas_options_set_metadata": (Status, [Options, c_char_p, c_size_t]),
    "mas_options_set_heartbeat": (Status, [Options, c_int, c_int]),
    "mas_options_set_max_message": (Status, [Options, c_size_t]),
    "mas_options_set_inbound_queue": (Status, [Options, c_size_t, c_size_t]),
    "mas_options_set_outbound_queue": (Status, [Options, c_size_t, c_size_t]),
    "mas_options_set_debug": (None, [Options, DebugFn, c_void_p]),
    # Life
    "mas_agent_new": (Status, [c_char_p, Options, POINTER(Agent)]),
    "mas_agent_free": (None, [Agent]),
    "mas_agent_id": (c_char_p, [Agent]),
    "mas_agent_instance": (c_char_p, [Agent]),
    "mas_agent_start": (Status, [Agent, c_int]),
    "mas_agent_stop": (Status, [Agent, c_int]),
    "mas_agent_on_start": (None, [Agent, HookFn, c_void_p]),
    "mas_agent_on_stop": (None, [Agent, HookFn, c_void_p]),
    "mas_agent_poll": (Status, [Agent, c_int, POINTER(c_size_t)]),
    "mas_agent_run": (Status, [Agent]),
    "mas_agent_quit": (None, [Agent]),
    "mas_agent_fd": (c_int, [Agent]),
    # Messages
    "mas_agent_on_message": (Status, [Agent, c_char_p, MessageFn, c_void_p]),
    "mas_message_sender": (c_char_p, [Message]),
    "mas_message_type": (c_char_p, [Message]),
    "mas_message_id": (c_char_p, [Message]),
    "mas_message_correlation_id": (c_char_p, [Message]),
    "mas_message_data": (c_void_p, [Message, POINTER(c_size_t)]),
    "mas_message_envelope": (c_void_p, [Message, POINTER(c_size_t)]),
    "mas_message_timestamp": (c_double, [Message]),
    "mas_message_attempt": (c_uint32, [Message]),
    "mas_message_expects_reply": (c_bool, [Message]),
    "mas_data_key_read": (Status, [c_char_p, c_char_p, POINTER(DataKey)]),
    "mas_data_key_free": (None, [DataKey]),
    "mas_message_decrypt": (Status, [Message, DataKey, POINTER(c_void_p), POINTER(c_size_t)]),
    "mas_message_ref": (Message, [Message]),
    "mas_message_unref": (None, [Message]),
    "mas_message_reply": (Status, [Message, c_char_p, c_char_p, c_size_t]),
    "mas_message_fail": (Status, [Message, Status, c_char_p]),
    "mas_message_defer": (Status, [Message]),
    "mas_message_settle": (Status, [Message, Status]),
    "mas_message_reply_error": (Status, [Message, Status, c_char_p]),
    "mas_agent_send": (Status, [*_SEND, c_char_p]),
    "mas_agent_send_wait": (Status, [*_SEND, c_int, c_char_p]),
    "mas_agent_send_with": (Status, [*_SEND, POINTER(SendOptions), c_size_t, c_char_p]),
    "mas_agent_send_again": (Status, [Agent, c_char_p, c_char_p, c_char_p, c_char_p, c_size_t]),
    "mas_agent_flush": (Status, [Agent, c_int]),
    "mas_agent_on_receipt": (None, [Agent, c_int, ReceiptFn, c_void_p]),
    # Requests
    "mas_agent_request": (Status, [*_SEND, c_int, POINTER(Message)]),
    "mas_agent_request_async": (Status, [*_SEND, c_int, ReplyFn, c_void_p, POINTER(Request)]),
    "mas_agent_request_direct": (Status, [*_SEND, c_int, ReplyFn, c_void_p, POINTER(Request)]),
    "mas_request_cancel": (Status, [Request]),
    "mas_request_free": (None, [Request]),
    # Connection and overload
    "mas_agent_on_connection": (None, [Agent, ConnectionFn, c_void_p]),
    "mas_agent_on_overflow": (None, [Agent, OverflowFn, c_void_p]),
    "mas_agent_on_doubt": (None, [Agent, DoubtFn, c_void_p]),
    "mas_agent_stats": (None, [Agent, POINTER(Stats), c_size_t]),
    # Discovery
    "mas_agent_discover": (
        Status, [Agent, POINTER(c_char_p), c_size_t, c_uint, c_size_t, c_int, POINTER(AgentList)]),
    "mas_agent_list_size": (c_size_t, [AgentList]),
    "mas_agent_list_id": (c_char_p, [AgentList, c_size_t]),
    "mas_agent_list_metadata": (c_char_p, [AgentList, c_size_t]),
    "mas_agent_list_active": (c_bool, [AgentList, c_size_t]),
    "mas_agent_list_registered_at": (c_double, [AgentList, c_size_t]),
    "mas_agent_list_capability_count": (c_size_t, [AgentList, c_size_t]),
    "mas_agent_list_capability": (c_char_p, [AgentList, c_size_t, c_size_t]),
    "mas_agent_list_free": (None, [AgentList]),
    # State
    "mas_state_get": (Status, [Agent, c_char_p, POINTER(c_void_p), POINTER(c_size_t)]),
    "mas_state_update": (Status, [Agent, POINTER(StateField), c_size_t, c_int]),
    "mas_state_reset": (Status, [Agent, c_int]),
    "mas_state_refresh": (Status, [Agent, c_int]),
    "mas_state_each": (None, [Agent, StateFn, c_void_p]),
    # Tracing
    "mas_message_traceparent": (c_char_p, [Message]),
    "mas_message_tracestate": (c_char_p, [Message]),
    "mas_trace_set": (Status, [c_char_p, c_char_p]),
    "mas_agent_on_trace": (Status, [Agent, c_uint, TraceFn, c_void_p]),
}
