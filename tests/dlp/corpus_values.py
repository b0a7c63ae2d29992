"""Made-up values of every type, with valid check digits, and harmless values that look alike.

Nothing here is a real secret: every body is random. Vendor prefixes are put together when the corpus is made, so that
no scanner of a forge takes this source for a leak.
"""
import base64
import binascii
import json
import string

ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
B64 = ALNUM + "+/"
URL64 = ALNUM + "-_"

FIRST = ("Ada Amara Beatriz Carlos Chloe Daniel Darnell Elena Emma Fatima Gareth Hiroshi Ingrid Jamal Jens Jorge Katarzyna Keiko "
         "Liam Lucia Marcus Maria Mei Nadia Noah Olivia Omar Priya Rachel Ravi Robert Samantha Sofia Tariq Thomas Uchenna "
         "Vikram Wanda Xavier Yusuf Zoe").split()
LAST = ("Alvarez Bauer Becker Brown Chen Cohen Dubois Eriksson Fernandez Fischer Garcia Gupta Haddad Hughes Ivanova Jackson "
        "Johnson Kim Kowalski Lindqvist Lopez Martin Meyer Nakamura Nguyen O'Brien Okafor Patel Petrov Reyes Rossi Sanders "
        "Schmidt Silva Smith Suzuki Thompson Walker Weber Wright Zhang").split()
STREET = ("Maple Oak Cedar Washington Lincoln Elm Sunset Highland Lakeview Park Church Mill River Jefferson Franklin Chestnut "
          "Birchwood Madison Prospect Spring Willow Dogwood Hickory Magnolia Kingston Bramble Foxglove").split()
SUFFIX = "Street St Avenue Ave Road Rd Drive Dr Lane Ln Boulevard Blvd Court Ct Way Place Pl Terrace Circle Parkway".split()
CITY = [("Springfield", "IL", "62704"), ("Austin", "TX", "78701"), ("Portland", "OR", "97205"), ("Denver", "CO", "80202"),
        ("Columbus", "OH", "43215"), ("Raleigh", "NC", "27601"), ("Tucson", "AZ", "85701"), ("Boise", "ID", "83702"),
        ("Savannah", "GA", "31401"), ("Madison", "WI", "53703")]
ICD_DOTTED = ("E11.9 J45.909 F32.1 M54.50 S72.001A Z79.4 K21.9 N18.31 C50.911 G43.909 R07.9 U07.1 T14.91XA I25.10 E78.5 F41.1 "
              "L40.0 H40.9 D50.9 M17.11 S52.501D B18.2 I48.91 F10.20 K50.90 Z51.11 O24.410 G47.33 E66.01 J44.1 Z23.X").split()[:-1]
ICD_SHORT = "I10 B20 J20 G20 O80 D62 R05 L03 I64 A09 Z23".split()
DOMAINS = ("example.com acme-health.org mail.example.net gmail.com outlook.com firma.de correo.es kunde.co.uk orange.fr "
           "univ-lab.edu startup.io yahoo.co.jp proton.me").split()


def luhn_digit(body):
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def group(digits, sizes, mark):
    out, at = [], 0
    for size in sizes:
        out.append(digits[at:at + size])
        at += size
    return mark.join(part for part in out + [digits[at:]] if part)


class Values:
    """One method per placeholder of a template; what follows a colon in a placeholder is its arguments."""

    def __init__(self, rng):
        self.rng = rng

    def of(self, alphabet, count):
        return "".join(self.rng.choice(alphabet) for _ in range(count))

    def mixed(self, alphabet, count):
        """Random, with a digit and both cases where the alphabet has them."""
        while True:
            text = self.of(alphabet, count)
            if all(any(c in kind for c in text) for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase)
                   if any(c in kind for c in alphabet)):
                return text

    def digits(self, count, first="123456789"):
        count = int(count)
        return self.rng.choice(first) + self.of(string.digits, count - 1)

    # People
    def first(self):
        return self.rng.choice(FIRST)

    def name(self):
        return f"{self.rng.choice(FIRST)} {self.rng.choice(LAST)}"

    def ssn(self, mark="-"):
        area = self.rng.choice([n for n in range(1, 900) if n != 666])
        return f"{area:03}{mark}{self.rng.randint(1, 99):02}{mark}{self.rng.randint(1, 9999):04}"

    def ssn9(self):
        return self.ssn("")

    def itin(self):
        return f"9{self.of(string.digits, 2)}-{self.rng.choice([50, 65, 70, 88, 90, 92, 94, 99])}-{self.digits(4)}"

    def email(self, style=""):
        first, last = self.rng.choice(FIRST).lower(), self.rng.choice(LAST).lower().replace("'", "")
        local = self.rng.choice([f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}{self.rng.randint(1, 99)}",
                                 f"{first}+{self.rng.choice(['news', 'billing', 'test'])}", last, f"{first}-{last}"])
        text = f"{local}@{self.rng.choice(DOMAINS)}"
        return text.upper() if style == "upper" else text

    def phone10(self):
        area = self.rng.choice("201 212 303 312 404 415 503 512 617 646 702 713 805 917 929".split())
        return area + self.rng.choice(["555" + "01" + self.of(string.digits, 2), self.digits(1, "2346789") + self.rng.choice("234567890") + self.digits(5)])

    def phone(self, style=None):
        d = self.phone10()
        style = style or self.rng.choice(["paren", "dash", "dot", "plus1", "one", "plus", "space", "tight"])
        a, b, c = d[:3], d[3:6], d[6:]
        return {"paren": f"({a}) {b}-{c}", "dash": f"{a}-{b}-{c}", "dot": f"{a}.{b}.{c}", "plus1": f"+1 {a}-{b}-{c}",
                "one": f"1-{a}-{b}-{c}", "plus": f"+1{d}", "space": f"{a} {b} {c}", "tight": f"({a}){b}-{c}",
                "ext": f"{a}-{b}-{c} ext. {self.digits(3)}"}[style]

    def phone_intl(self):
        n = lambda count: self.digits(count)
        return self.rng.choice([
            f"+44 20 7{n(3)} {n(4)}", f"+44 7{n(3)} {n(6)}", f"+49 30 {n(8)}", f"+49 151 {n(8)}", f"+33 6 " + group(n(8), [2, 2, 2, 2], " "),
            f"+34 6{n(2)} {n(3)} {n(3)}", f"+91 9{n(4)} {n(5)}", f"+81 90-{n(4)}-{n(4)}", f"+61 4{n(2)} {n(3)} {n(3)}",
            f"+55 11 9{n(4)}-{n(4)}", f"+4915{n(9)}", f"+447{n(9)}", f"+86 138 {n(4)} {n(4)}"])

    def street(self):
        number = self.rng.choice([str(self.rng.randint(2, 9999)), str(self.rng.randint(100, 999)), f"{self.rng.randint(2, 99)}B"])
        way = self.rng.choice(["", "", "N ", "West ", "SE "])
        unit = self.rng.choice(["", "", f", Apt {self.rng.randint(1, 40)}", f" Suite {self.rng.randint(100, 900)}", f" #{self.rng.randint(1, 99)}"])
        return f"{number} {way}{self.rng.choice(STREET)} {self.rng.choice(SUFFIX)}{unit}"

    def address(self):
        city, state, code = self.rng.choice(CITY)
        return f"{self.street()}, {city}, {state} {code}"

    def pobox(self):
        return self.rng.choice(["P.O. Box {}", "PO Box {}", "Post Office Box {}", "P.O. BOX {}", "po box {}"]).format(self.digits(4))

    def address_abroad(self):
        number = self.rng.randint(2, 199)
        return self.rng.choice([f"Hauptstraße {number}, 10115 Berlin", f"{number} rue de la République, 69002 Lyon",
                                f"Calle de Alcalá {number}, 28014 Madrid", f"Via Garibaldi {number}, 20121 Milano",
                                f"Lindenweg {number}, 80331 München"])

    def address_uk(self):
        return (f"{self.rng.randint(2, 199)} {self.rng.choice(['Baker', 'High', 'Station', 'Victoria', 'Church'])} "
                f"{self.rng.choice(['Street', 'Road', 'Lane', 'Close', 'Crescent'])}, "
                f"{self.rng.choice(['London NW1 6XE', 'Leeds LS1 4DY', 'Bristol BS1 5TR'])}")

    def dob(self):
        y, m, d = self.rng.randint(1935, 2010), self.rng.randint(1, 12), self.rng.randint(1, 28)
        return self.rng.choice([f"{y}-{m:02}-{d:02}", f"{m:02}/{d:02}/{y}", f"{m}/{d}/{y}"])

    def passport(self):
        return self.rng.choice([self.digits(9), self.of(string.ascii_uppercase, 1) + self.digits(8)])

    def license(self):
        return self.rng.choice([self.of(string.ascii_uppercase, 1) + self.digits(7), self.of(string.ascii_uppercase, 1) + self.digits(12)])

    # Health
    def mrn(self):
        return self.rng.choice([self.digits(7), self.digits(8), "MRN" + self.digits(7), self.digits(6), self.of(string.ascii_uppercase, 1) + self.digits(7),
                                f"{self.digits(3)}-{self.digits(4)}", "00" + self.digits(6)])

    def mrn_digits(self):
        return self.digits(self.rng.choice([6, 7, 8, 10]))

    def mbi(self, mark=""):
        letters, alnum = "ACDEFGHJKMNPQRTUVWXY", "ACDEFGHJKMNPQRTUVWXY0123456789"
        pick = lambda kind: self.rng.choice({"C": "123456789", "A": letters, "N": string.digits, "X": alnum}[kind])
        body = "".join(pick(kind) for kind in "CAXNAXNAANN")
        return f"{body[:4]}{mark}{body[4:7]}{mark}{body[7:]}"

    def member(self):
        return self.rng.choice([self.of(string.ascii_uppercase, 3) + self.digits(9), "W" + self.digits(9), self.of(string.ascii_uppercase, 1) + self.digits(8),
                                self.digits(10), f"{self.of(string.ascii_uppercase, 3)}-{self.digits(7)}-0{self.digits(1)}",
                                self.of(string.ascii_uppercase, 2) + self.digits(7)])

    def icd(self):
        return self.rng.choice(ICD_DOTTED)

    def icd_short(self):
        return self.rng.choice(ICD_SHORT)

    def icd_flat(self):
        return self.rng.choice(ICD_DOTTED).replace(".", "")

    def npi(self):
        body = self.rng.choice("12") + self.of(string.digits, 8)
        return body + luhn_digit("80840" + body)

    def dea(self):
        d = self.of(string.digits, 6)
        check = (int(d[0]) + int(d[2]) + int(d[4]) + 2 * (int(d[1]) + int(d[3]) + int(d[5]))) % 10
        return self.rng.choice("ABFM") + self.rng.choice(string.ascii_uppercase) + d + str(check)

    # Money
    def card_digits(self, brand=None):
        brand = brand or self.rng.choice("visa visa master master2 amex discover jcb diners unionpay maestro19".split()[:-1])
        start, length = {"visa": ("4", 16), "master": (f"5{self.rng.randint(1, 5)}", 16), "master2": (f"22{self.rng.randint(30, 99)}", 16),
                         "amex": (self.rng.choice(["34", "37"]), 15), "discover": (self.rng.choice(["6011", "65"]), 16),
                         "jcb": (f"35{self.rng.randint(28, 89)}", 16), "diners": (self.rng.choice(["36", "38"]), 14),
                         "unionpay": ("62", 16), "visa13": ("4", 13)}[brand]
        body = start + self.of(string.digits, length - len(start) - 1)
        return body + luhn_digit(body)

    def card(self, style=None, brand=None):
        d = self.card_digits(brand or None)
        style = style or self.rng.choice(["bare", "space", "dash", "space"])
        sizes = {15: [4, 6, 5], 14: [4, 6, 4]}.get(len(d), [4, 4, 4, 4])
        return {"bare": d, "space": group(d, sizes, " "), "dash": group(d, sizes, "-"), "dot": group(d, sizes, ".")}[style]

    def testcard(self):
        return self.rng.choice(["4111 1111 1111 1111", "4242424242424242", "5555-5555-5555-4444", "378282246310005", "4012888888881881"])

    def track(self):
        return f"%B{self.card_digits('visa')}^{self.rng.choice(LAST).upper()}/{self.rng.choice(FIRST).upper()}^2712101{self.digits(10)}?"

    def track2(self):
        return f";{self.card_digits('master')}=2712101{self.digits(10)}?"

    def notcard(self):
        """Sixteen digits of a brand whose check digit is wrong."""
        d = self.card_digits("visa")
        return d[:-1] + str((int(d[-1]) + self.rng.randint(1, 9)) % 10)

    def cvv(self):
        return self.of(string.digits, 3)

    def cvv4(self):
        return self.of(string.digits, 4)

    def iban(self):
        country, length = self.rng.choice([("DE", 22), ("FR", 27), ("GB", 22), ("ES", 24), ("NL", 18)])
        bban = self.of(string.digits, length - 4)
        if country in ("GB", "NL"):
            bban = self.of(string.ascii_uppercase, 4) + self.of(string.digits, length - 8)
        number = int("".join(str(int(c, 36)) for c in bban + country + "00"))
        return f"{country}{98 - number % 97:02}{bban}"

    def aba(self):
        while True:
            d = f"{self.rng.choice(['01', '02', '03', '06', '07', '11', '12', '21', '26', '31', '32'])}{self.of(string.digits, 7)}"
            if sum(int(c) * w for c, w in zip(d, (3, 7, 1) * 3)) % 10 == 0:
                return d

    def account(self):
        return self.digits(self.rng.choice([9, 10, 12]))

    # Secrets
    def aws(self):
        return self.rng.choice(["AK", "AK", "AS"]) + "IA" + self.mixed("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)

    def aws_secret(self):
        return self.mixed(B64, 40)

    def pem(self, kind="RSA PRIVATE KEY", form="lines"):
        lines = [self.of(B64, 64) for _ in range(self.rng.randint(3, 5))]
        lines[0] = {"OPENSSH PRIVATE KEY": "b3BlbnNzaC1rZXktdjEAAAAA", "CERTIFICATE": "MIIDdzCC"}.get(kind, "MIIEvQIBADAN") + lines[0]
        head, foot = f"-----{'BEGIN'} {kind}-----", f"-----END {kind}-----"
        if kind == "PGP PRIVATE KEY BLOCK":
            head += "\n"
        lines = [head] + lines + ([] if form == "cut" else [foot])
        return {"escaped": "\\n", "spaces": " "}.get(form, "\n").join(lines)

    def age(self):
        return "AGE-SECRET-" + "KEY-1" + self.of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)

    def jwt(self, form=""):
        part = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        text = lambda value: part(json.dumps(value, separators=(",", ":")).encode())
        alg, size = self.rng.choice([("HS256", 32), ("RS256", 256), ("ES256", 64)])
        head = {"alg": "none" if form == "none" else alg, "typ": "JWT"}
        if self.rng.random() < .3:
            head = {"typ": "JWT", "alg": head["alg"], "kid": self.of(HEX, 8)}
        body = {"sub": self.digits(8), "iat": 1700000000 + self.rng.randint(0, 9999999), "role": self.rng.choice(["admin", "user", "agent"])}
        sign = part(bytes(self.rng.randrange(256) for _ in range(size)))
        return f"{text(head)}.{text(body)}." + ("" if form in ("none", "unsigned") else sign)

    def github(self):
        """With the check digits that GitHub appends: CRC-32 of the body in base 62."""
        body = self.of(ALNUM, 30)
        crc, digits = binascii.crc32(body.encode()), ""
        for _ in range(6):
            crc, rest = divmod(crc, 62)
            digits = (string.digits + string.ascii_uppercase + string.ascii_lowercase)[rest] + digits
        return "gh" + "p_" + body + digits

    VENDOR = {
        "github_plain": ("gh" + "p_", ALNUM, 36), "github_oauth": ("gh" + "o_", ALNUM, 36), "github_app": ("gh" + "s_", ALNUM, 36),
        "gitlab": ("gl" + "pat-", URL64, 20), "npm": ("np" + "m_", ALNUM, 36), "stripe": ("sk_" + "live_", ALNUM, 24),
        "stripe_long": ("sk_" + "live_", ALNUM, 99), "stripe_restricted": ("rk_" + "live_", ALNUM, 24), "stripe_test": ("sk_" + "test_", ALNUM, 24),
        "google": ("AI" + "za", URL64, 35), "google_oauth": ("GOC" + "SPX-", URL64, 28), "google_access": ("ya" + "29.", URL64, 120),
        "huggingface": ("h" + "f_", string.ascii_letters, 34), "openai": ("s" + "k-", ALNUM, 48), "anthropic": ("sk-" + "ant-api03-", URL64, 93),
        "digitalocean": ("do" + "p_v1_", HEX, 64), "shopify": ("shp" + "at_", HEX, 32), "vault": ("hv" + "s.", URL64, 95),
        "mailgun": ("ke" + "y-", HEX, 32), "postman": ("PM" + "AK-", HEX, 24), "newrelic": ("NR" + "AK-", UPPER, 27),
        "grafana": ("gl" + "sa_", ALNUM, 32), "databricks": ("da" + "pi", HEX, 32), "linear": ("lin_" + "api_", ALNUM, 40),
        "notion": ("nt" + "n_", ALNUM, 46), "docker": ("dckr_" + "pat_", URL64, 27), "rubygems": ("ruby" + "gems_", HEX, 48),
        "figma": ("fi" + "gd_", URL64, 40), "doppler": ("dp." + "pt.", ALNUM, 43), "planetscale": ("pscale_" + "pw_", ALNUM, 43),
        "supabase": ("sb" + "p_", HEX, 40), "groq": ("gs" + "k_", ALNUM, 52), "replicate": ("r" + "8_", ALNUM, 37),
        "perplexity": ("ppl" + "x-", ALNUM, 48), "xai": ("xa" + "i-", ALNUM, 80), "atlassian": ("AT" + "ATT3xFfGF0", URL64, 180),
        "square": ("sq0" + "atp-", URL64, 22), "pulumi": ("pu" + "l-", HEX, 40), "sentry": ("snt" + "ryu_", HEX, 64),
    }

    def vendor(self, which=None):
        which = which or self.rng.choice(sorted(self.VENDOR) + ["slack", "sendgrid", "telegram", "github_pat", "pypi", "openai_project", "slack_app", "github"])
        if which in self.VENDOR:
            prefix, alphabet, length = self.VENDOR[which]
            text = prefix + self.mixed(alphabet, length)
            if which == "grafana":
                text += "_" + self.of(HEX, 8)
            if which == "postman":
                text += "-" + self.of(HEX, 34)
            return text
        return {
            "github": self.github,
            "slack": lambda: "xo" + f"xb-{self.digits(12)}-{self.digits(13)}-{self.mixed(ALNUM, 24)}",
            "slack_app": lambda: "xa" + f"pp-1-A{self.of(UPPER, 10)}-{self.digits(13)}-{self.of(HEX, 64)}",
            "slack_hook": lambda: "https://hooks.slack" + f".com/services/T{self.of(UPPER, 8)}/B{self.of(UPPER, 10)}/{self.mixed(ALNUM, 24)}",
            "sendgrid": lambda: "S" + f"G.{self.mixed(URL64, 22)}.{self.mixed(URL64, 43)}",
            "telegram": lambda: f"{self.digits(10)}:AA{self.mixed(URL64, 33)}",
            "github_pat": lambda: "github" + f"_pat_{self.mixed(ALNUM, 22)}_{self.mixed(ALNUM, 59)}",
            "pypi": lambda: "pypi-" + "AgEIcHlwaS5vcmc" + self.mixed(URL64, 150),
            "openai_project": lambda: "sk-" + f"proj-{self.mixed(URL64, 74)}T3Blbk" + f"FJ{self.mixed(URL64, 74)}",
        }[which]()

    def opaque(self):
        """A key of no vendor: only its name says what it is."""
        return self.rng.choice([self.of(HEX, 32), self.mixed(ALNUM, 32), self.mixed(ALNUM, 40), self.of(HEX, 40), self.mixed(URL64, 43), self.of(HEX, 64)])

    def password(self, style=None):
        word = self.rng.choice(["Winter", "tiger", "Falcon", "blue", "Monkey", "Sunshine", "dragon", "Pa55w0rd", "Zebra", "hunter"])
        style = style or self.rng.choice(["word", "random", "leet", "random", "phrase"])
        return {"word": f"{word}{self.rng.randint(10, 2030)}{self.rng.choice('!@#$')}", "random": self.mixed(ALNUM + "!#$%^*", 12),
                "leet": f"{word[:3]}{self.of('0123456789', 2)}{self.rng.choice('!$#')}{self.mixed(ALNUM, 5)}",
                "phrase": "-".join(self.rng.choice("correct horse battery staple orbit lantern velvet copper".split()) for _ in range(4)),
                "plain": self.rng.choice(["hunter2", "letmein99", "qwerty123", "iloveyou7"])}[style]

    def hexn_key(self, length):
        return self.of(HEX, int(length))

    def discord(self):
        return f"M{self.mixed(ALNUM, 25)}.G{self.mixed(ALNUM, 5)}.{self.mixed(URL64, 38)}"

    def azure(self):
        return self.mixed(B64, 86) + "=="

    def conn(self):
        return self.mixed(ALNUM, 14)

    def basic(self):
        return self.mixed(ALNUM, 12)

    def basic64(self):
        return base64.b64encode(f"{self.rng.choice(FIRST).lower()}:{self.mixed(ALNUM, 12)}".encode()).decode()

    def generic(self):
        return self.rng.choice([self.mixed(ALNUM, 40), self.of(HEX, 48)])

    # Harmless
    def pem_public(self):
        return self.pem("PUBLIC KEY")

    def certificate(self):
        return self.pem("CERTIFICATE")

    def pgp_public(self):
        return self.pem("PGP PUBLIC KEY BLOCK")

    def cardish(self):
        """Passes for a card number by chance, as one id in ten does."""
        return self.card_digits("visa")

    def mask(self, length):
        return "X" * int(length)

    def aws_example(self):
        return "AK" + "IAIOSFODNN7EXAMPLE"

    def alnum(self, length):
        return self.mixed(ALNUM, int(length))

    def upper(self, length):
        return self.of(UPPER, int(length))

    def uuid(self):
        h = self.of(HEX, 32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def sha(self, length="40"):
        return self.of(HEX, int(length))

    def epoch(self):
        return str(1_690_000_000 + self.rng.randint(0, 60_000_000))

    def epoch_ms(self):
        return self.epoch() + self.of(string.digits, 3)

    def day(self):
        return f"20{self.rng.randint(18, 26)}-{self.rng.randint(1, 12):02}-{self.rng.randint(1, 28):02}"

    def stamp(self):
        return f"{self.day()}T{self.rng.randint(0, 23):02}:{self.rng.randint(0, 59):02}:{self.rng.randint(0, 59):02}.{self.of(string.digits, 3)}Z"

    def version(self):
        return f"{self.rng.randint(0, 20)}.{self.rng.randint(0, 30)}.{self.rng.randint(0, 99)}"

    def int(self, low="1", high="999"):
        return str(self.rng.randint(int(low), int(high)))

    def ip(self):
        return f"10.{self.rng.randint(0, 255)}.{self.rng.randint(0, 255)}.{self.rng.randint(1, 254)}"

    def ean(self):
        d = "978" + self.of(string.digits, 9)
        return d + str(-sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(d)) % 10)

    def price(self):
        return f"{self.rng.randint(1, 4999)}.{self.rng.randint(0, 99):02}"

    def b64(self, length="64"):
        return self.of(B64, int(length))

    def hexn(self, length="32"):
        return self.of(HEX, int(length))


# Placeholder → the type it is of. Those that are not here are harmless.
TYPE = {
    "ssn": "ssn", "ssn9": "ssn", "itin": "itin", "email": "email", "phone": "phone", "phone10": "phone", "phone_intl": "phone",
    "street": "address", "address": "address", "pobox": "address", "address_abroad": "address", "address_uk": "address",
    "dob": "date_of_birth", "passport": "passport", "license": "drivers_license", "mrn": "mrn", "mrn_digits": "mrn",
    "mbi": "health_insurance", "member": "health_insurance", "icd": "icd10", "icd_short": "icd10", "icd_flat": "icd10",
    "npi": "npi", "dea": "dea", "card": "credit_card", "testcard": "credit_card", "track": "credit_card", "track2": "credit_card",
    "cvv": "cvv", "cvv4": "cvv", "iban": "iban", "aba": "bank_routing", "account": "bank_account",
    "aws": "aws_key", "aws_secret": "aws_key", "pem": "private_key", "age": "private_key", "jwt": "jwt",
    "vendor": "api_key", "github": "api_key", "opaque": "api_key", "hexn_key": "api_key",
    "discord": "api_key", "azure": "api_key", "conn": "connection_string", "basic": "basic_auth", "basic64": "basic_auth",
    "generic": "generic_secret", "password": "password",
}
