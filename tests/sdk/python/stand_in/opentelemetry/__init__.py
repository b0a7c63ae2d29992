"""A stand-in for the part of OpenTelemetry's API that the package uses: Debian 12 has no package of it. Spans are kept
in `trace.finished`; everything else is as the API documents it."""
