"""client: asks the server to convert some temperatures, all at once, and prints what came of each request.

usage: client.py CELSIUS…
exit code: 0 all were converted; 1 some were not, with a sentence for each
"""

import asyncio
import sys

from mas import Agent, MASError, MASTimeoutError, NoReceiverError, RequestFailedError


async def convert(client: Agent, celsius: float) -> bool:
    try:
        reply = await client.request("converter", "convert", {"celsius": celsius}, timeout=2)
    except NoReceiverError:  # at once: nobody listens
        print(f"{celsius:g} °C: the server does not run", file=sys.stderr)
    except RequestFailedError as error:  # a MASTimeoutError too, so it is caught before that one
        print(f"{celsius:g} °C: {error}", file=sys.stderr)
    except MASTimeoutError:  # it may have done the work all the same
        print(f"{celsius:g} °C: no answer within 2 seconds", file=sys.stderr)
    except MASError as error:
        print(f"{celsius:g} °C: {error}", file=sys.stderr)
    else:
        fahrenheit = reply.data.get("fahrenheit")
        if isinstance(fahrenheit, (int, float)):
            print(f"{celsius:g} °C are {fahrenheit:g} °F")
            return True
        print(f"{celsius:g} °C: the answer has no number named fahrenheit", file=sys.stderr)
    return False


async def main() -> int:
    async with Agent("client") as client:
        done = await asyncio.gather(*(convert(client, float(text)) for text in sys.argv[1:]))
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
