#!/usr/bin/env python3
"""The demo of MAS: a private Redis, the three daemons and eight agents in processes of their own, narrated.

usage: sdk/examples/demo.py BUILD_DIR     (`./dev demo` builds first)

The demo checks each step that it narrates; its exit code is 0 only when all of them happened. It touches nothing
outside a temporary directory and leaves nothing running.
"""
import json
import re
import sys
import time

from stage import Failed, chapter, get, note, perform, until

BEAT_MS = 500  # an agent without a heartbeat for twice this long counts as dead


def bring_up(stage):
    chapter("1. A private Redis on a unix socket, and the three daemons")
    stage.start_redis()
    note(f"redis-server    unix://{stage.socket}")
    stage.masctl("key", "generate", stage.file("master.key"))
    stage.audit_key = stage.masctl("key", "generate", "--kind", "audit", stage.file("audit.pem")).split()[0]
    daemons = {program: stage.start_daemon(program) for program in ("mas-registryd", "mas-gatewayd", "mas-healthd")}
    for program, daemon in daemons.items():
        until(lambda url=daemon.url: get(url + "/readyz")[0] == 200, 10, f"{program} is ready")
        said = get(daemon.url + "/readyz")[1]
        telling = {key: said[key] for key in ("status", "role", "index", "partitions", "pipeline") if key in said}
        note(f"{program:<15} {daemon.url}/readyz  200 {json.dumps(telling)}")


def introduce(stage):
    chapter("2. Agents register and find each other by capability")
    agents = {name: stage.start(name, f"example_{program}", name)
              for name, program in (("adder-1", "calculator"), ("adder-2", "calculator"), ("echo", "echo"),
                                    ("notekeeper", "notekeeper"))}
    for agent in agents.values():
        agent.says(" ready")
    agents["monitor"] = stage.start("monitor", "example_monitor", "monitor")
    agents["planner"] = stage.start("planner", "example_planner", "planner")
    agents["planner"].says(" found adder-")
    wanted = sorted(agents)
    until(lambda: stage.ids("list") == wanted, 10, f"masctl lists {wanted}")
    stage.show("agents", "list")
    return agents


def converse(stage, agents):
    chapter("3. Messages, requests and replies")
    agents["planner"].says("that 1 to 4 make 10")
    agents["notekeeper"].says("note 2 from monitor")
    note("masctl takes part as an agent too:")
    data = '{"greeting": "grüß dich", "big": 123456789012345678901234567890}'
    answer = stage.show("request", "--as", "visitor", "echo", "hello", data)
    if json.loads(answer) != json.loads(data):
        raise Failed(f"the echo of {data} was {answer}")


def remember(stage, agents):
    chapter("4. State outlives the process: the notekeeper is stopped and started again")
    keeper = agents["notekeeper"]
    keeper.stop_cleanly()
    kept = int(stage.masctl("state", "get", "notekeeper", "count"))
    note(f"in Redis meanwhile: count = {kept}")
    agents["notekeeper"] = keeper = stage.start("notekeeper", "example_notekeeper", "notekeeper")
    keeper.says(f"ready, with {kept} notes from before")
    keeper.says(f"note {kept + 1} from monitor")


def crash(stage, agents):
    used = re.search(r"found (adder-\d)", agents["planner"].says(" found adder-"))[1]
    other = "adder-2" if used == "adder-1" else "adder-1"
    chapter(f"5. {used}, which the planner uses, is killed (-9)")
    heard = len(agents["planner"].lines)
    listeners = stage.listeners("mas.system")
    events = stage.start("events", "masctl", "events")
    until(lambda: stage.listeners("mas.system") > listeners, 10, "masctl follows the events")
    agents[used].kill()
    killed = time.monotonic()
    events.says(f"AGENT_INACTIVE  {used}")
    after = time.monotonic() - killed
    note(f"mas-healthd saw {after:.1f} s after the kill that its heartbeat ({2 * BEAT_MS} ms) ran out")
    until(lambda: stage.ids("list", "--capability", "math.add") == [other], 10, f"{used} has left discovery")
    stage.show("agents", "list", "--inactive", "--capability", "math.add")
    agents["planner"].says(f"found {other}", after=heard)
    agents["planner"].says(f"{other} says that", after=heard)
    note("The planner went on with the other one. The dead agent is started again and is back:")
    agents[used] = stage.start(used, "example_calculator", used)
    agents[used].says(" ready")
    until(lambda: stage.ids("list", "--capability", "math.add") == ["adder-1", "adder-2"], 10, f"{used} is back")
    stage.show("agents", "list", "--capability", "math.add")
    events.stop()


def go_through_the_gateway(stage, agents):
    chapter("6. Gateway mode: the gateway decides about every message, and the sender learns the decision")
    note("The same programs with MAS_MODE=gateway; the courier has an identity and signs what it sends.")
    credentials = stage.file("courier.toml")
    stage.show("identity", "create", "courier", "--master-key", stage.file("master.key"), "--out", credentials)
    agents["clerk"] = clerk = stage.start("clerk", "example_echo", "clerk", MAS_MODE="gateway")
    clerk.says(" ready")
    agents["courier"] = courier = stage.start("courier", "example_courier", "courier", "clerk", MAS_MODE="gateway",
                                              MAS_CREDENTIALS=credentials)
    courier.says("parcel 2: ALLOWED")
    clerk.says('parcel from courier: {"parcel":2}')

    stage.show("acl", "block", "courier", "clerk")
    denied = courier.says("blocked_targets: clerk")
    number = int(re.search(r"parcel (\d+)", denied)[1])
    if any(f'{{"parcel":{number}}}' in line for line in clerk.lines):
        raise Failed(f"parcel {number} was denied and delivered")
    stage.show("acl", "revoke", "courier", "clerk")
    heard = len(courier.lines)
    courier.says("ALLOWED", after=heard)
    stage.show("limit", "set", "courier", "--per-minute", "4")
    courier.says("RATE_LIMITED, again in")

    note("The audit has every decision, chained and signed. It also records who changed the rules:")
    stage.show("audit", "query", "--sender", "courier", "--decision", "AUTHZ_DENIED", "--limit", "1")
    stage.show("audit", "operators")
    stage.await_signed_head(stage.audit_key)
    stage.show("audit", "verify", "--key", stage.audit_key)
    stage.show("top", "--once")


def close(stage, agents):
    chapter("7. All agents and daemons stop")
    for agent in agents.values():
        agent.stop_cleanly()
    until(lambda: stage.ids("list") == [], 10, "nobody is ACTIVE")
    stage.stop_daemons()
    note("The agents have deregistered and the daemons have drained. Redis and its directory are removed now.")


def play(stage):
    stage.use_gateway_keys()
    bring_up(stage)
    agents = introduce(stage)
    converse(stage, agents)
    remember(stage, agents)
    crash(stage, agents)
    go_through_the_gateway(stage, agents)
    close(stage, agents)


if __name__ == "__main__":
    sys.exit(perform(__doc__, play, MAS_EXAMPLE_BEAT_MS=str(BEAT_MS)))
