"""Made-up secrets and personal data for the corpus of secrets, with valid check digits, and spelled as agents come across them.

Nothing here is a real secret: every body is random, and put together only when the corpus is made.
"""
import base64
import hashlib
import json
import os
import re
import string

from corpus_values import ALNUM, B64, FIRST, HEX, LAST, URL64
from message_national import National
from message_values import Facts

HERE = os.path.dirname(os.path.abspath(__file__))
SYMBOLS = "!%^*_-+="
TOKEN_PART = re.compile(r"<(\d+)(?:-(\d+))? ([a-z0-9]+)>")
TOKEN_ALPHABETS = {"base62": ALNUM, "url64": URL64, "base64": B64, "hex": HEX, "hexu": HEX.upper(), "lower": string.ascii_lowercase + string.digits,
                   "upper": string.ascii_uppercase + string.digits, "letters": string.ascii_letters, "digits": string.digits,
                   "base32": string.ascii_uppercase + "234567"}


def token_patterns():
    """@return vendor → pattern, of the lines `name  pattern  source` of vendor_tokens.txt."""
    found = {}
    with open(os.path.join(HERE, "vendor_tokens.txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                name, pattern, _ = re.split(r" {2,}", line.strip(), maxsplit=2)
                found[name] = pattern
    return found


PATTERNS = token_patterns()
# Parts of the English list of BIP-39, from the place of the first word on: enough for phrases whose checksum holds.
SEED_WORDS = {first + place: word for first, words in {
    0: "abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve acid acoustic acquire across act",
    1019: "legal legend leisure lemon lend length lens leopard lesson letter level liar liberty library license life lift light like limb limit link lion",
    1533: "sausage save say scale scan scare scatter scene scheme school science scissors scorpion scout scrap screen script scrub sea search season seat",
    1790: "thank that theme then theory there they thing this thought three thrive throw thumb thunder ticket tide tiger tilt timber time tiny tip tired",
    2015: "winner winter wire wisdom wise wish witness wolf woman wonder wood wool word work world worry worth wrap wreck wrestle wrist write wrong yard year",
}.items() for place, word in enumerate(words.split())}


class Secrets(Facts, National):
    """One method per placeholder, as in Values."""

    # Passwords
    def pw(self):
        """What a password manager or a person chooses."""
        if self.rng.random() < .7:
            return self.of(ALNUM, 1) + self.mixed(ALNUM + SYMBOLS, self.rng.randint(11, 17)) + self.of(ALNUM, 1)
        return self.rng.choice("Winter Tiger Falcon Sunshine Dragon Zebra Monkey Berlin".split()) + self.rng.choice("!-_*") + self.digits(4) + self.rng.choice("!*%")

    def pwalnum(self):
        return self.mixed(ALNUM, self.rng.randint(12, 18))

    def pwurl(self):
        """With characters that a URL should have encoded."""
        return self.mixed(ALNUM, 6) + self.rng.choice("/?#") + self.mixed(ALNUM, 6) + self.rng.choice("!*")

    def pwand(self):
        return self.mixed(ALNUM, 6) + "&" + self.mixed(ALNUM, 6)

    def placeholderlike(self):
        """Begins with, ends with or holds what placeholders do."""
        body = self.mixed(ALNUM + "!%*", 11)
        return self.rng.choice([f"<{body}", f"{{{body}", f"my_{body}", f"{body[:5]}todo{body[5:]}", f"here{body}", f"your{body}", f"xxx{body}",
                                f"test{body}", f"example{body}", f"{body}none", f"change{body}me", f"${self.digits(1)}{body}"])

    def opaque32(self):
        return self.mixed(ALNUM, 32)

    def opaque40(self):
        return self.mixed(ALNUM, 40)

    def secret64(self):
        """Base64 of random bytes."""
        return base64.b64encode(self.rng.randbytes(32)).decode()

    def basic_pair(self):
        return base64.b64encode(f"{self.login()}:{self.mixed(ALNUM, 14)}".encode()).decode()

    def basic_plain(self):
        """The argument of AUTH PLAIN (RFC 4616)."""
        return base64.b64encode(f"\0{self.login()}\0{self.mixed(ALNUM, 14)}".encode()).decode()

    def docker_auth(self):
        return base64.b64encode(f"{self.login()}:{self.mixed(ALNUM, 20)}".encode()).decode()

    def dotenv64(self):
        """A file of environment variables in base64, as a Kubernetes Secret holds it."""
        return base64.b64encode(f"DB_HOST={self.fqdn()}\nDB_PASSWORD={self.mixed(ALNUM, 16)}\nDEBUG=false\n".encode()).decode()

    def pw64(self):
        """A password in base64, as a Kubernetes Secret holds it."""
        return base64.b64encode((self.mixed(ALNUM, 15) + "!").encode()).decode()

    # Tokens
    def token(self, vendor):
        def part(found):
            low, high, alphabet = found.groups()
            return self.mixed(TOKEN_ALPHABETS[alphabet], int(low) if high is None else self.rng.randint(int(low), int(high)))

        return TOKEN_PART.sub(part, PATTERNS[vendor])

    # Keys
    def pem_rows(self, kind, before, after):
        """A private key, each line between the two texts: quoted in source, in a mail, with line numbers (`#`)."""
        rows = self.pem(kind).split("\n")
        return "\n".join(before.replace("#", f"{number:4}") + row + after for number, row in enumerate(rows, self.rng.randint(1, 40)))

    def pem_source(self):
        return self.pem_rows("RSA PRIVATE KEY", '    "', '\\n"')

    def pem_plus(self):
        return self.pem_rows("PRIVATE KEY", '  "', '\\n" +')

    def pem_mail(self):
        return self.pem_rows("OPENSSH PRIVATE KEY", "> ", "")

    def pem_comment(self):
        return self.pem_rows("EC PRIVATE KEY", self.rng.choice(["# ", "// ", " * "]), "")

    def pem_numbered(self):
        return self.pem_rows("RSA PRIVATE KEY", "#\t", "")

    def pem_diff(self):
        return self.pem_rows("PRIVATE KEY", "+", "")

    def pem_indented(self):
        return self.pem_rows("PRIVATE KEY", "      ", "")

    def pem_escaped(self):
        return self.pem("PRIVATE KEY", "escaped")

    def pem64(self):
        """A whole PEM file in base64, as kubeconfig holds it."""
        return base64.b64encode(self.pem("RSA PRIVATE KEY").encode()).decode()

    def curve_number(self, size="43"):
        """32 bytes in base64url, as a JWK writes its private number."""
        return base64.urlsafe_b64encode(self.rng.randbytes(32)).rstrip(b"=").decode()

    def wireguard(self):
        return base64.b64encode(self.rng.randbytes(32)).decode()

    def ethereum(self):
        return "0x" + self.of(HEX, 64)

    def seed_phrase(self, count="12"):
        """BIP-39: eleven bits a word, entropy and then the first bits of its SHA-256. Drawn until the checksum holds."""
        count = int(count)
        check = count // 3
        while True:
            places = [self.rng.choice(sorted(SEED_WORDS)) for _ in range(count)]
            bits = "".join(f"{place:011b}" for place in places)
            entropy = int(bits[:-check], 2).to_bytes(len(bits[:-check]) // 8, "big")
            if f"{hashlib.sha256(entropy).digest()[0]:08b}"[:check] == bits[-check:]:
                return " ".join(SEED_WORDS[place] for place in places)

    # People
    def email_idn(self):
        return f"{self.login()}@{self.rng.choice(['münchen', 'café', 'bücher', 'größe', 'пример', '例子', 'señal'])}{self.rng.choice(['.de', '.fr', '.com', '.eu'])}"

    def email_punycode(self):
        return f"{self.rng.choice(FIRST).lower()}@xn--{self.base36('5')}-{self.base36('4')}.{self.rng.choice(['de', 'com', 'xn--p1ai'])}"

    def email_local(self):
        return f"{self.rng.choice(['jörg', 'françois', 'łukasz', 'søren', 'zoë', 'иван', 'josé'])}.{self.rng.choice(LAST).lower()}@{self.org()}.{self.rng.choice(['com', 'org', 'eu'])}"

    def email_country(self):
        return f"{self.rng.choice(FIRST).lower()}.{self.rng.choice(['lopez', 'meyer', 'rossi', 'kim'])}@{self.org()}.{self.rng.choice(['py', 'md', 'rs', 'sh', 'pl', 'ps', 'so', 'mk'])}"

    def email_any(self):
        return f"{self.rng.choice(FIRST).lower()}.{self.rng.choice(['lopez', 'meyer', 'rossi', 'kim'])}{self.digits(2)}@{self.org()}.{self.rng.choice(['com', 'net', 'co.uk', 'io'])}"

    def us_spaced(self):
        d = self.phone10()
        return self.rng.choice([f"( {d[:3]} ) {d[3:6]}-{d[6:]}", f"({d[:3]})  {d[3:6]} - {d[6:]}"])

    def us_extension(self):
        d = self.phone10()
        return f"{d[:3]}-{d[3:6]}-{d[6:]}{self.rng.choice([' ext. ', ' x', ' ext ', ', extension '])}{self.digits(3)}"

    def lower_address(self):
        return self.address().lower()

    def bare_address(self):
        """Without a street word."""
        return f"{self.rng.randint(100, 4999)} {self.rng.choice(['Broadway', 'Embarcadero', 'Bowery', 'Broadmoor', 'Paseo Verde', 'Rio Grande'])}"

    def dob_words(self):
        day, year = self.rng.randint(1, 28), self.rng.randint(1940, 2008)
        months = "January February March April May June July August September October November December".split()
        month = self.rng.choice(months)
        return self.rng.choice([f"{month} {day}, {year}", f"{day} {month} {year}", f"{day}th of {month} {year}" if day > 3 else f"{month} {day}, {year}"])

    def dob_german(self):
        return f"{self.rng.randint(1, 28)}. {self.rng.choice('Januar Februar März April Mai Juni Juli August'.split())} {self.rng.randint(1940, 2008)}"

    def separated(self, kind, mark):
        """A card, an NPI or a routing number in groups."""
        digits = {"card": lambda: self.card_digits("visa"), "npi": self.npi, "aba": self.aba}[kind]()
        sizes = {"card": (4, 4, 4, 4), "npi": (4, 3, 3), "aba": (4, 4, 1)}[kind]
        parts, at = [], 0
        for size in sizes:
            parts.append(digits[at:at + size])
            at += size
        return {"dot": ".", "under": "_", "dash": "-", "space": " "}[mark].join(parts)

    def quoted(self, text):
        return json.dumps(text)
