// The C functions of tracing: the calling thread's context, and observers.
#include "sdk/src/agent/agent.h"
#include "sdk/src/core/cause.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/tracer.h"

using mas::sdk::fail;
using mas::sdk::guarded;
using mas::sdk::report;
using mas::sdk::Tracer;

extern "C" {

mas_status mas_trace_set(const char* traceparent, const char* tracestate) {
  return guarded([&] {
    const mas::TraceContext context{traceparent == nullptr ? "" : traceparent, tracestate == nullptr ? "" : tracestate};
    if (context.traceparent.empty() && !context.tracestate.empty())
      return fail(MAS_INVALID_ARGUMENT, "a tracestate stands alone; expected a traceparent with it");
    if (!context.traceparent.empty() && !mas::is_traceparent(context.traceparent))
      return fail(MAS_INVALID_ARGUMENT,
                  "invalid traceparent; expected version, trace id, parent id and flags as in W3C Trace Context");
    if (!context.tracestate.empty() && !mas::is_tracestate(context.tracestate))
      return fail(MAS_INVALID_ARGUMENT,
                  "invalid tracestate; expected at most 32 members key=value, separated by commas, in 512 bytes");
    mas::sdk::OwnContext* own = Tracer::inside() ? Tracer::observed_context() : &mas::sdk::thread_context();
    if (own == nullptr) return fail(MAS_INVALID_STATE, "what the observer is told of was sent already, or has ended");
    own->assign(context);
    return MAS_OK;
  });
}

mas_status mas_agent_on_trace(mas_agent* agent, unsigned flags, mas_trace_fn fn, void* user) {
  return guarded({{agent, "agent"}}, [&] {
    if ((flags & ~unsigned{MAS_TRACE_PAYLOAD}) != 0)
      return fail(MAS_INVALID_ARGUMENT, "unknown flags; expected MAS_TRACE_PAYLOAD or 0");
    return report(agent->set_tracer(flags, {fn, user}));
  });
}

}  // extern "C"
