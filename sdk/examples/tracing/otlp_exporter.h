/* Exports the messages of agents as OpenTelemetry spans, by OTLP over HTTP with JSON. Two files to copy into a program:
 * this one and otlp_exporter.c. They need libcurl and threads.
 *
 * Happy path: otlp_exporter_new, otlp_exporter_observe for each agent before it starts, … mas_agent_free, and
 * otlp_exporter_end. A span has the context of the message as its parent, and what follows has the span as its parent.
 * Failure modes:
 *   the collector does not answer, or refuses     tried again a few times; then the batch is lost, and counted
 *   spans come faster than they are taken         beyond 2,048 that wait, new ones are lost, and counted
 * Threading: one thread of its own sends; the observer only queues. Ownership: free the agents first.
 *
 * Environment, as OpenTelemetry has it: OTEL_EXPORTER_OTLP_ENDPOINT (default http://localhost:4318),
 * OTEL_EXPORTER_OTLP_HEADERS (never printed), OTEL_EXPORTER_OTLP_TIMEOUT (milliseconds; default 10000, also for what
 * is not a positive number), OTEL_SERVICE_NAME.
 *
 * Names of attributes: OpenTelemetry semantic conventions 1.41.0, messaging and GenAI agents.
 */
#ifndef MAS_EXAMPLE_OTLP_EXPORTER_H
#define MAS_EXAMPLE_OTLP_EXPORTER_H

#include <mas.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct otlp_exporter otlp_exporter;

/** @param service name of the program, unless OTEL_SERVICE_NAME is set. @return NULL without memory or thread. */
otlp_exporter *otlp_exporter_new(const char *service);
/** Observes an agent; before mas_agent_start. @return as mas_agent_on_trace. */
mas_status otlp_exporter_observe(otlp_exporter *exporter, mas_agent *agent);
/** Sends what is queued and frees the exporter. @param exporter NULL is ignored.
 *  @param timeout_ms how long that may take; a post that is under way may take a second longer.
 *  @return the number of spans that were lost since the beginning. */
unsigned long otlp_exporter_end(otlp_exporter *exporter, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* MAS_EXAMPLE_OTLP_EXPORTER_H */
