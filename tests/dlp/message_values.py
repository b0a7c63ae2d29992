"""Made-up values for messages of agents: names of services, files, ids, durations; and spellings of secrets that corpus_values has not.

Nothing here is a real secret: every body is random.
"""
import string

from corpus_values import B64, LOWER, UPPER, Values

NOUNS = ("account adapter agenda batch billing branch bucket cache catalog channel checkout client cluster config courier cursor delivery driver "
         "event export feature feed filter gateway graph handler import index ingest inventory invoice job ledger lexer loader matcher merge metric "
         "model node order parser partition payment pipeline planner plugin policy pool profile query queue quota reader report resolver retry route "
         "runner scheduler schema search sensor session shipment signal snapshot source storage stream summary table task tenant ticket timer "
         "tracker upload user vendor webhook widget worker writer").split()
ADJECTIVES = ("active atomic bounded broken cold daily dirty eager empty fast fresh global heavy idle initial inner lazy legacy light local lower "
              "main minor modern monthly nested new old outer partial pending primary public quick rapid raw remote safe shared slow smart stable "
              "stale strict upper valid weekly").split()
VERBS = ("add allow apply archive balance build cache cancel check clean collect compute connect copy create decode defer delete deploy drain "
         "encode expire fetch filter flush format handle ignore index join limit list load lock map merge migrate move open parse pause publish "
         "read rebuild reject release remove rename render replace reset resolve restore resume retry return rotate route save scale schedule send "
         "skip sort split start stop store stream sync test trim update validate wait warm write").split()
HOSTS = "alpha atlas birch cedar delta ember falcon harbor indigo juniper kestrel lagoon maple nimbus osprey pine quartz raven saffron tundra".split()
ORGS = "acme northwind initech globex contoso umbra hooli vandelay wayne soylent tyrell stark".split()
ROOTS = "/home/ci/work /home/node/app /home/runner/work /srv/app /opt/build /workspace /usr/src/app /Users/sam/dev /home/dev/src /builds/team".split()
EXTENSIONS = "py go rs ts js java rb c cc h kt tsx md yaml json sql sh".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE32 = string.ascii_uppercase + "234567"


class Facts(Values):
    """One method per placeholder, as in Values."""

    def one(self, *parts):
        return self.rng.choice(":".join(parts).split("|"))

    def table(self, name):
        """The head of a TOML table, which looks like a placeholder."""
        return f"[[{name}]]"

    # Words
    def noun(self):
        return self.rng.choice(NOUNS)

    def adj(self):
        return self.rng.choice(ADJECTIVES)

    def verb(self):
        return self.rng.choice(VERBS)

    def snake(self):
        return f"{self.verb()}_{self.adj()}_{self.noun()}"

    def kebab(self):
        return f"{self.adj()}-{self.noun()}"

    def camel(self):
        return self.verb() + self.adj().title() + self.noun().title()

    def pascal(self):
        return self.adj().title() + self.noun().title()

    def phrase(self):
        return f"{self.verb()} the {self.adj()} {self.noun()}"

    def title(self):
        return f"{self.rng.choice(['fix', 'feat', 'chore', 'refactor', 'test', 'docs', 'perf'])}({self.noun()}): {self.phrase()}"

    def branch(self):
        return f"{self.rng.choice(['feature', 'fix', 'chore', 'release'])}/{self.verb()}-{self.kebab()}"

    # Places
    def host(self):
        return f"{self.rng.choice(HOSTS)}-{self.rng.randint(1, 40):02}"

    def fqdn(self):
        return f"{self.kebab()}.{self.rng.choice(['internal', 'svc.cluster.local', 'example.com', 'corp.example.net'])}"

    def org(self):
        return self.rng.choice(ORGS)

    def envname(self):
        """The first part of an environment variable's name."""
        return self.org().upper()

    def login(self):
        return f"{self.first().lower()}{self.rng.choice(['', '-dev', '42', str(self.rng.randint(1, 99))])}"

    def dir(self):
        return f"{self.rng.choice(ROOTS)}/{self.kebab()}"

    def file(self):
        return f"{self.rng.choice(['src', 'lib', 'internal', 'pkg', 'app', 'tests', 'core'])}/{self.noun()}/{self.adj()}_{self.noun()}.{self.rng.choice(EXTENSIONS)}"

    def path(self):
        return f"{self.dir()}/{self.file()}"

    def route(self):
        return f"/api/v{self.rng.randint(1, 3)}/{self.noun()}s/{self.rng.choice([self.digits(self.rng.randint(3, 10)), self.uuid(), self.noun(), ''])}"

    def image(self):
        registry = self.rng.choice(["", "docker.io/library/", "ghcr.io/", "registry.gitlab.com/", "gcr.io/", "quay.io/"])
        return f"{registry}{self.org()}/{self.kebab()}"

    # Ids
    def base36(self, length="11"):
        return self.of(LOWER, int(length))

    def ulid(self):
        return "01" + self.of(CROCKFORD, 24)

    def snowflake(self):
        return self.digits(self.rng.choice([17, 18, 19]))

    def pod(self):
        return f"{self.kebab()}-{self.of('bcdfghjklmnpqrstvwxz2456789', 10)}-{self.of('bcdfghjklmnpqrstvwxz2456789', 5)}"

    def hexu(self, length="40"):
        return self.of("0123456789ABCDEF", int(length))

    def wireguard_public(self):
        return self.of(B64, 42) + self.rng.choice("AEIMQUYcgkosw048") + "="

    def nanoid(self):
        return self.of(string.ascii_letters + string.digits + "_-", 21)

    def etag(self):
        return self.of("0123456789abcdef", 32)

    # Quantities and times
    def float(self, low="0", high="100", places="2"):
        return f"{self.rng.uniform(float(low), float(high)):.{int(places)}f}"

    def time(self):
        return f"{self.rng.randint(0, 23):02}:{self.rng.randint(0, 59):02}:{self.rng.randint(0, 59):02}"

    def month(self):
        return self.rng.choice(MONTHS)

    def year(self):
        return str(self.rng.randint(2019, 2026))

    def lat(self):
        return f"{self.rng.uniform(-80, 80):.6f}"

    def lon(self):
        return f"{self.rng.uniform(-179, 179):.6f}"

    def num(self, length="3"):
        """Digits of that many places, zeros in front included."""
        return self.of(string.digits, int(length))

    def words(self, count="8"):
        return " ".join(self.rng.choice(NOUNS + ADJECTIVES + VERBS) for _ in range(int(count)))

    def block36(self, length="25"):
        return self.of(UPPER, int(length))

    def base32(self, length="32"):
        return self.of(BASE32, int(length))
