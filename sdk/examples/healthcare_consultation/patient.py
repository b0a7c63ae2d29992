"""patient: asks for advice about a complaint and prints it. The complaint holds a social security number, which the
gateway masks on the way.

usage: patient.py [AGENT]        whom to ask; default: the doctor. The gateway lets a patient ask nobody else
exit code: 0 advice came; 1 none came, with a sentence
"""

import asyncio
import sys

from mas import Agent, GatewayRefusedError, MASError

COMPLAINT = "I am Jane Example, SSN 219-09-9998. Climbing stairs, I feel a pressure in my chest since Tuesday."
ADVICE_SECONDS = 240  # three answers of models


async def main() -> int:
    target = sys.argv[1] if len(sys.argv) > 1 else "doctor"
    try:
        async with Agent("patient", use_gateway=True) as patient:
            print(f"patient: writes: {COMPLAINT}", flush=True)
            reply = await patient.request(target, "consultation", {"complaint": COMPLAINT}, timeout=ADVICE_SECONDS)
    except GatewayRefusedError as error:
        again = f", again in {error.retry_after:.0f} s" if error.retry_after else ""
        print(f"patient: the gateway refused: {error.decision or error.status}{again}", file=sys.stderr)
        return 1
    except MASError as error:
        print(f"patient: no advice: {error}", file=sys.stderr)
        return 1
    if reply.message_type != "advice":
        print(f"patient: no advice: {reply.data.get('reason')}", file=sys.stderr)
        return 1
    text, note = reply.data.get("text"), reply.data.get("note")
    if text is None or note is None:
        print("patient: no advice: the answer has no text or no note", file=sys.stderr)
        return 1
    print(f"patient: advice: {text}\npatient: note: {note}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
