"""masctl acl, role, limit and explain against a real Redis: what they write, what they record, what they refuse."""

import concurrent.futures
import getpass
import json
import random

from harness import for_each, main, poll_until
from harness.gateway_peer import GatewayPeer
from harness.masctl_case import FAILED, OK, USAGE, CommandTest


class RulesTest(CommandTest):
    """What the classes below share."""

    def does(self, *args, changed=None):
        """A command that must work; with `changed`, one that says how many members came or went."""
        done = self.ctl(*args, "--json")
        self.assertEqual(done.returncode, OK, done.stderr)
        document = json.loads(done.stdout)
        if changed is not None:
            self.assertEqual(document, {"changed": changed})
        return document

    def members(self, key):
        return sorted(self.redis.cmd("SMEMBERS", key))

    def records(self):
        """The operators' changes, oldest first, as dictionaries."""
        entries = self.redis.cmd("XRANGE", "mas.audit.operators", "-", "+")
        return [dict(zip(fields[::2], fields[1::2])) for _, fields in entries]

    def last_record(self):
        record = self.records()[-1]
        return record["action"], record["object"], record["detail"]


class AclTest(RulesTest):
    def test_allow_block_and_revoke_write_the_sets_and_may_be_repeated(self):
        for changed in (2, 0):
            self.does("acl", "allow", "alice", "bob", "team-*", changed=changed)
        self.assertEqual(self.members("agent:alice:allowed_targets"), ["bob", "team-*"])
        for changed in (1, 0):
            self.does("acl", "block", "alice", "eve", changed=changed)
        self.assertEqual(self.members("agent:alice:blocked_targets"), ["eve"])
        self.does("acl", "block", "alice", "bob", changed=1)
        self.does("acl", "revoke", "alice", "bob", "--block", changed=1)
        self.assertEqual(self.members("agent:alice:allowed_targets"), ["bob", "team-*"])
        self.does("acl", "block", "alice", "bob", changed=1)
        self.does("acl", "revoke", "alice", "bob", changed=2)
        self.does("acl", "revoke", "alice", "team-*", "eve", "--allow", changed=1)
        self.assertEqual(self.members("agent:alice:blocked_targets"), ["eve"])
        self.assertEqual(self.members("agent:alice:allowed_targets"), [])
        self.fails(USAGE, "acl", "revoke", "alice", "bob", "--allow", "--block")

    def test_allowing_what_is_blocked_says_that_the_block_list_wins(self):
        self.does("acl", "block", "alice", "b*")
        done = self.ctl("acl", "allow", "alice", "bob", "carol")
        self.assertEqual(done.returncode, OK)
        self.assertIn("'bob' is still blocked for 'alice' by 'b*'", done.stderr)
        self.assertNotIn("carol", done.stderr)

    def test_conveniences(self):
        self.does("acl", "allow-bidirectional", "a", "b", changed=2)
        self.assertEqual((self.members("agent:a:allowed_targets"), self.members("agent:b:allowed_targets")),
                         (["b"], ["a"]))
        self.does("acl", "allow-network", "k", "l", "m", changed=6)
        self.assertEqual(self.members("agent:l:allowed_targets"), ["k", "m"])
        self.does("acl", "allow-network", "x", "y", "z", "--chain", changed=2)
        self.assertEqual([self.members(f"agent:{i}:allowed_targets") for i in "xyz"], [["y"], ["z"], []])
        self.does("acl", "allow-broadcast", "boss", "w1", "w2", changed=2)
        self.assertEqual(self.members("agent:boss:allowed_targets"), ["w1", "w2"])
        self.assertEqual(self.members("agent:w1:allowed_targets"), [])
        self.does("acl", "allow-wildcard", "root", changed=1)
        self.assertEqual(self.members("agent:root:allowed_targets"), ["*"])
        self.fails(USAGE, "acl", "allow-network", "alone")

    def test_show_tells_the_lists_and_what_the_gateway_makes_of_them(self):
        self.redis.cmd("SADD", "agent:alice:allowed_targets", "bob", "a*b")
        self.does("acl", "block", "alice", "eve")
        self.redis.cmd("SADD", "agent:alice:roles", "nurse")
        self.assertEqual(self.does("acl", "show", "alice"), {
            "agent": "alice", "allowed_targets": ["a*b", "bob"], "blocked_targets": ["eve"], "roles": ["nurse"],
            "ignored": ["allowed_targets: a*b"], "problem": None})
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "*bad")
        self.assertIn("'*bad'", self.does("acl", "show", "alice")["problem"])
        done = self.ctl("acl", "show", "alice")
        self.assertIn("blocked\teve\n", done.stdout)
        self.assertIn("every message is denied to 'alice'", done.stderr)
        self.does("acl", "revoke", "alice", "*bad", "a*b", changed=2)  # what cannot be read can be taken out
        self.assertIsNone(self.does("acl", "show", "alice")["problem"])

    @for_each("a*b", "", ".bob", "mün", "a" * 129, "**")
    def test_targets_that_are_none_are_refused_and_nothing_is_written(self, target):
        self.assertIn("expected an agent's id", self.fails(USAGE, "acl", "allow", "alice", "ok", target))
        self.assertEqual(self.redis.cmd("DBSIZE"), 0)

    def test_agents_that_are_none_are_refused(self):
        for command in (("acl", "allow", "no id", "bob"), ("acl", "show", "a:b"), ("acl", "allow-network", "a", "b*"),
                        ("acl", "revoke", "*", "bob"), ("role", "assign", "a b", "r"), ("limit", "clear", "a b"),
                        ("explain", "a", "b*")):
            self.fails(USAGE, *command)
        self.assertEqual(self.redis.cmd("DBSIZE"), 0)

    def test_a_list_is_not_made_longer_than_gateways_read(self):
        self.redis.cmd("SADD", "agent:alice:blocked_targets", *[f"a{i}" for i in range(10000)])
        self.assertIn("10000", self.fails(FAILED, "acl", "block", "alice", "one-more"))
        self.does("acl", "block", "alice", "a7", changed=0)
        self.assertEqual(self.redis.cmd("SCARD", "agent:alice:blocked_targets"), 10000)

    def test_a_key_of_another_type_is_told(self):
        self.redis.cmd("SET", "agent:alice:allowed_targets", "text")
        self.assertIn("WRONGTYPE", self.fails(FAILED, "acl", "allow", "alice", "bob"))
        self.assertIn("WRONGTYPE", self.does("acl", "show", "alice")["problem"])
        self.assertEqual(self.redis.cmd("EXISTS", "mas.audit.operators"), 0)  # nothing was changed


class RoleTest(RulesTest):
    def test_create_grant_revoke(self):
        for changed in (2, 0):
            self.does("role", "create", "nurse", "send:patient*", "send:pharmacy", changed=changed)
        self.assertIn("exists with other permissions", self.fails(FAILED, "role", "create", "nurse", "send:x"))
        self.does("role", "grant", "nurse", "send:x", "manage:roles", changed=2)
        self.does("role", "grant", "nurse", "send:x", changed=0)
        self.assertIn("there is no role 'nobody'", self.fails(FAILED, "role", "grant", "nobody", "send:x"))
        self.does("role", "revoke", "nurse", "send:x", changed=1)
        self.assertEqual(self.members("role:nurse:permissions"), ["manage:roles", "send:patient*", "send:pharmacy"])
        done = self.ctl("role", "revoke", "nurse", "manage:roles", "send:patient*", "send:pharmacy")
        self.assertIn("no permission left", done.stderr)
        self.assertEqual(self.redis.cmd("EXISTS", "role:nurse:permissions"), 0)

    def test_assign_and_unassign(self):
        self.does("role", "create", "nurse", "send:*")
        self.assertIn("there is no role 'nurs'", self.fails(FAILED, "role", "assign", "alice", "nurse", "nurs"))
        self.assertEqual(self.members("agent:alice:roles"), [])
        for changed in (1, 0):
            self.does("role", "assign", "alice", "nurse", changed=changed)
        self.assertEqual(self.members("agent:alice:roles"), ["nurse"])
        for changed in (1, 0):
            self.does("role", "unassign", "alice", "nurse", "other", changed=changed)

    def test_list_and_show(self):
        self.does("role", "create", "nurse", "send:patient*")
        self.does("role", "create", "admin", "*")
        self.redis.cmd("SADD", "role:nurse:permissions", "read:x")
        self.redis.cmd("HSET", "role:nurse", "name", "nurse")  # as the Python framework keeps a description
        for agent in ("alice", "bob"):
            self.does("role", "assign", agent, "nurse")
        self.does("role", "assign", "carol", "admin")
        roles = self.does("role", "list")["roles"]
        self.assertEqual([(role["role"], role["permissions"]) for role in roles],
                         [("admin", ["*"]), ("nurse", ["read:x", "send:patient*"])])
        shown = self.does("role", "show", "nurse", "--agents")
        self.assertEqual((shown["agents"], shown["ignored"], shown["problem"]), (["alice", "bob"], ["read:x"], None))
        self.assertEqual(self.ctl("role", "list").stdout, "admin\t*\nnurse\tread:x send:patient*\n")
        self.assertIn("permits nothing", self.ctl("role", "show", "nurse").stderr)
        self.fails(FAILED, "role", "show", "nobody")

    @for_each("read:x", "send:", "send:a*b", "send", "**", "send:ü", "manage:")
    def test_permissions_that_are_none_are_refused(self, permission):
        self.assertIn("expected", self.fails(USAGE, "role", "create", "r", permission))
        self.assertEqual(self.redis.cmd("DBSIZE"), 0)

    def test_of_several_that_create_a_role_at_once_one_does(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            runs = list(pool.map(lambda n: self.ctl("role", "create", "r", f"send:a{n}"), range(8)))
        self.assertEqual(sorted(run.returncode for run in runs), [OK] + [FAILED] * 7)
        self.assertEqual(len(self.members("role:r:permissions")), 1)
        self.assertEqual(len(self.records()), 1)


class LimitTest(RulesTest):
    def test_set_show_clear(self):
        self.does("limit", "set", "alice", "--per-minute", "10", "--burst", "5")
        self.does("limit", "set", "alice", "--per-hour", "100", "--bytes-per-minute", "100000000000")
        self.assertEqual(self.redis.cmd("HMGET", "ratelimit:alice:limits", "per_minute", "per_hour", "burst"),
                         ["10", "100", "5"])
        self.assertEqual(self.does("limit", "show", "alice"),
                         {"agent": "alice", "per_minute": 10, "per_hour": 100, "burst": 5,
                          "bytes_per_minute": 100_000_000_000, "burst_bytes": None, "attempts": None, "problem": None})
        self.assertEqual(self.does("limit", "clear", "alice"), {"existed": True})
        self.assertEqual(self.does("limit", "clear", "alice"), {"existed": False})
        self.assertEqual(self.does("limit", "show", "alice")["per_minute"], None)

    @for_each("ten", "-1", "1.5", "1000000001", " 1")
    def test_values_that_are_none_are_refused(self, value):
        self.fails(USAGE, "limit", "set", "alice", f"--per-minute={value}")
        self.assertEqual(self.redis.cmd("DBSIZE"), 0)

    def test_nothing_to_set_is_refused_and_what_cannot_be_read_is_told(self):
        self.fails(USAGE, "limit", "set", "alice")
        self.redis.cmd("HSET", "ratelimit:alice:limits", "per_hour", "many")
        shown = self.does("limit", "show", "alice")
        self.assertEqual(shown["per_hour"], "many")
        self.assertIn("per_hour is 'many'", shown["problem"])
        self.assertIn("is refused", self.ctl("limit", "show", "alice").stderr)


class AuditTest(RulesTest):
    def test_every_change_is_recorded_with_who_made_it(self):
        changes = [
            (("acl", "allow", "alice", "bob", "carol"), ("acl.allow", "alice", "bob carol")),
            (("acl", "block", "alice", "eve"), ("acl.block", "alice", "eve")),
            (("acl", "revoke", "alice", "bob"), ("acl.revoke", "alice", "bob")),
            (("acl", "revoke", "alice", "eve", "--block"), ("acl.revoke.block", "alice", "eve")),
            (("acl", "allow-wildcard", "root"), ("acl.allow", "root", "*")),
            (("role", "create", "r", "send:b", "send:a"), ("role.create", "r", "send:a send:b")),
            (("role", "grant", "r", "*"), ("role.grant", "r", "*")),
            (("role", "assign", "alice", "r"), ("role.assign", "alice", "r")),
            (("role", "unassign", "alice", "r"), ("role.unassign", "alice", "r")),
            (("role", "revoke", "r", "*"), ("role.revoke", "r", "*")),
            (("limit", "set", "alice", "--burst", "3"), ("limit.set", "alice", "burst=3")),
            (("limit", "clear", "alice"), ("limit.clear", "alice", "")),
        ]
        for n, (command, record) in enumerate(changes, 1):
            self.does(*command)
            self.assertEqual(len(self.records()), n)
            self.assertEqual(self.last_record(), record)
        now = int(self.redis.cmd("TIME")[0])
        for record in self.records():
            self.assertEqual(list(record), ["time", "who", "action", "object", "detail"])
            self.assertTrue(record["who"].startswith(getpass.getuser() + "@"), record)
            self.assertLess(abs(int(record["time"]) / 1e6 - now), 60)

    def test_a_network_is_a_record_per_sender_and_by_names_the_operator(self):
        self.does("acl", "allow-network", "a", "b", "c", "--by", "on-call\nnurse")
        self.assertEqual([(r["object"], r["detail"]) for r in self.records()], [("a", "b c"), ("b", "a c"), ("c", "a b")])
        self.assertEqual({r["who"] for r in self.records()}, {"on-call?nurse"})

    def test_what_only_looks_and_what_is_refused_is_not_recorded(self):
        self.does("acl", "show", "alice")
        self.does("role", "list")
        self.does("limit", "show", "alice")
        self.fails(USAGE, "acl", "allow", "alice", "a*b")
        self.fails(FAILED, "role", "grant", "nobody", "*")
        self.assertEqual(self.redis.cmd("EXISTS", "mas.audit.operators"), 0)

    def test_the_namespace_is_in_front_of_everything(self):
        self.does("acl", "allow", "alice", "bob", "--namespace", "prod")
        self.does("role", "create", "r", "*", "--namespace", "prod")
        self.does("role", "assign", "alice", "r", "--namespace", "prod")
        self.assertEqual(sorted(self.redis.cmd("KEYS", "*")), [
            "prod/agent:alice:allowed_targets", "prod/agent:alice:roles", "prod/mas.audit.operators",
            "prod/role:r:permissions"])
        shown = self.does("role", "show", "r", "--agents", "--namespace", "prod")
        self.assertEqual(shown["agents"], ["alice"])


class ExplainTest(RulesTest):
    def setUp(self):
        super().setUp()
        for agent in ("alice", "bob"):
            self.redis.cmd("HSET", f"agent:{agent}", "id", agent, "status", "ACTIVE", "mode", "gateway", "token", "t")

    def explained(self, *args):
        """(decision, what decided, rule); the exit code says whether it is accepted."""
        done = self.ctl("explain", *args, "--json")
        document = json.loads(done.stdout)
        self.assertEqual(done.returncode, OK if document["accepted"] else FAILED, done.stderr)
        return document["decision"], document["decided_by"], document["rule"]

    def profile(self):
        document = json.loads(self.ctl("explain", "alice", "bob", "--json").stdout)
        return document["profile"], document["profile_from"]

    def test_the_rules_in_their_order(self):
        self.assertEqual(self.explained("alice", "bob"), ("ALLOWED", "authorisation", "default: allow"))
        self.does("acl", "allow", "alice", "carol")
        self.assertEqual(self.explained("alice", "bob"), ("AUTHZ_DENIED", "authorisation", "default: deny"))
        self.does("role", "create", "nurse", "send:b*")
        self.does("role", "assign", "alice", "nurse")
        self.assertEqual(self.explained("alice", "bob", "chat"), ("ALLOWED", "authorisation", "role nurse: send:b*"))
        self.does("acl", "allow", "alice", "bob")
        self.assertEqual(self.explained("alice", "bob"), ("ALLOWED", "authorisation", "allowed_targets: bob"))
        self.does("acl", "block", "alice", "*")
        self.assertEqual(self.explained("alice", "bob"), ("AUTHZ_DENIED", "authorisation", "blocked_targets: *"))

    def test_the_target_and_the_limits(self):
        self.assertEqual(self.explained("alice", "nobody")[0], "TARGET_NOT_FOUND")
        self.redis.cmd("HSET", "agent:bob", "status", "INACTIVE")
        self.assertEqual(self.explained("alice", "bob")[:2], ("QUEUED_OFFLINE", "target"))
        self.redis.cmd("HDEL", "agent:bob", "mode")
        self.assertEqual(self.explained("alice", "bob")[:2], ("TARGET_NOT_FOUND", "target"))
        self.redis.cmd("HSET", "agent:bob", "mode", "gateway")
        self.redis.cmd("HSET", "ratelimit:alice:limits", "burst", "x")
        self.assertEqual(self.explained("alice", "bob")[:2], ("RATE_LIMITED", "limits"))

    def test_identities(self):
        self.assertEqual(self.explained("stranger", "bob")[:2], ("AUTH_FAILED", "identity"))
        self.assertEqual(self.explained("alice", "bob", "--profile", "production")[:2], ("AUTH_FAILED", "identity"))
        self.redis.cmd("HSET", "mas.identity:alice", "state", "nonsense")
        self.assertEqual(self.explained("alice", "bob")[:2], ("UNAVAILABLE", "identity"))

    def test_the_profile_is_the_living_gateways_unless_told(self):
        self.assertEqual(self.profile(), ("development", "assumed: no gateway is running"))
        self.redis.cmd("SADD", "mas.daemons", "gatewayd:g1", "gatewayd:dead", "registryd:r")
        self.redis.cmd("SET", "mas.daemon:gatewayd:g1", '{"name":"gatewayd"}')
        self.assertEqual(self.profile(), ("development", "assumed: the gateways do not report it"))
        self.redis.cmd("SET", "mas.daemon:gatewayd:g1", '{"name":"gatewayd","profile":"production"}')
        self.assertEqual(self.profile(), ("production", "reported by the gateways"))
        self.redis.cmd("SADD", "mas.daemons", "gatewayd:g2")
        self.redis.cmd("SET", "mas.daemon:gatewayd:g2", '{"profile":"development"}')
        self.assertEqual(self.profile(), ("production", "the gateways differ"))
        self.fails(USAGE, "explain", "alice", "bob", "--profile", "other")

    def test_on_a_terminal_or_piped_a_line_per_check(self):
        lines = self.ctl("explain", "alice", "bob").stdout.splitlines()
        self.assertEqual([line.split("\t")[0] for line in lines],
                         ["decision", "identity", "authorisation", "target", "limits", "circuit", "profile"])
        self.assertEqual(lines[0], "decision\tALLOWED\tauthorisation: default: allow")


class AgreementTest(RulesTest):
    """explain and a living gateway decide alike, whatever the rules are."""

    TARGETS = ("bob", "bill", "carol", "nobody")

    def random_rules(self, rng):
        members = lambda *choices: rng.sample(choices, rng.choice((0, 0, 1, 2)))
        return {
            "agent:alice:blocked_targets": members("bob", "b*", "c*", "*", "odd*one"),
            "agent:alice:allowed_targets": members("bob", "bi*", "carol", "*", "odd*one"),
            "agent:alice:roles": members("nurse", "clerk", "missing", "no name"),
            "role:nurse:permissions": members("send:b*", "send:nobody", "manage:*", "read:x"),
            "role:clerk:permissions": members("*", "send:carol", "send:"),
        }

    def write_rules(self, rules):
        for key, members in rules.items():
            self.redis.cmd("DEL", key)
            if members:
                self.redis.cmd("SADD", key, *members)

    def test_explain_tells_what_the_gateway_does(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        rng = random.Random(seed)
        gateway = self.start_daemon("mas-gatewayd", self.redis, {"lease": {"ttl": "1s"}})
        poll_until(lambda: gateway.ready()[1].get("deciding"), 10, "the gateway has fenced partitions")
        alice, *others = [GatewayPeer(self.redis, name) for name in ("alice", "bob", "bill")]
        for peer in (alice, *others):
            self.addCleanup(peer.close)
        self.redis.cmd("HSET", "agent:carol", "id", "carol", "status", "ACTIVE")  # not in gateway mode
        seen = set()
        for _ in range(15):
            rules = self.random_rules(rng)
            self.write_rules(rules)
            told = [json.loads(self.ctl("explain", "alice", target, "--json").stdout) for target in self.TARGETS]
            expected = [document["decision"] for document in told]
            decide = lambda: alice.send(*[alice.envelope(target) for target in self.TARGETS])
            poll_until(lambda: decide().decisions() == expected, 5, lambda: f"the gateway decides {expected} by {rules}")
            outcomes = decide().outcomes
            for i, document in enumerate(told):
                if document["decision"] == "AUTHZ_DENIED":
                    self.assertEqual(outcomes[i][2], document["rule"], rules)
            seen.update(expected)
        self.assertIn("AUTHZ_DENIED", seen)


if __name__ == "__main__":
    main()
