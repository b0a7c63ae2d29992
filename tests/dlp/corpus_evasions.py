"""Payloads that hide a value: the plain tier, its look-alikes, and the encoded tier."""
import base64
import codecs
import html
import json
import quopri
import urllib.parse

FULL = {ord(c): 0xFF10 + i for i, c in enumerate("0123456789")}
ARABIC = {ord(c): 0x0660 + i for i, c in enumerate("0123456789")}


def fullwidth_all(text):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def between(text, mark, step=3):
    return mark.join(text[i:i + step] for i in range(0, len(text), step))


def plain(v):
    """(type or types, payload) of everything a reader would see at once."""
    ssn, card, phone, aws = v.ssn, lambda s="space", b=None: v.card(s, b), v.phone, v.aws
    d = lambda text: text.replace("-", "")
    # Separators and typography
    for mark in (" ", ".", "\u2013", "\u2014", "\u2011", "\u00ad-", "\u00a0", "\u2009", "\u2212"):
        yield "ssn", {"note": f"ssn {ssn(mark)}"}
    for mark in ("\u00a0", "\u2013", ".", "\u2009", "\u202f", "  ", " - "):
        yield "credit_card", {"note": "card " + card("space", "visa").replace(" ", mark)}
    for mark in ("\u2011", "\u00a0", "\u2013", " . ", "/"):
        yield "phone", {"note": "call phone " + phone("dash").replace("-", mark)}
    yield "ssn", {"text": "my ssn is " + ssn().translate(FULL)}
    yield "ssn", {"text": "my ssn is " + ssn().translate(ARABIC)}
    yield "ssn", {"text": "my ssn is " + fullwidth_all(ssn())}
    yield "credit_card", {"text": "pay with " + card().translate(FULL)}
    yield "credit_card", {"text": "pay with " + card("bare").translate(ARABIC)}
    yield "phone", {"text": "phone " + phone("dash").translate(FULL)}
    yield "cvv", {"text": "cvv " + v.cvv().translate(FULL)}
    yield "mrn", {"text": "MRN: " + v.mrn_digits().translate(FULL)}
    for mark in ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"):
        yield "ssn", {"text": "ssn " + between(ssn(), mark)}
        yield "credit_card", {"text": "card " + between(card("bare", "visa"), mark, 4)}
        yield "aws_key", {"text": "key " + between(aws(), mark, 5)}
    yield "email", {"text": v.email().replace("@", "\u200b@")}
    yield "email", {"text": fullwidth_all(v.email())}
    yield "api_key", {"text": between(v.vendor("github"), "\u200b", 7)}
    yield "api_key", {"text": fullwidth_all(v.vendor("stripe"))}
    yield "password", {"text": "pass\u00adword: " + v.password("random")}
    yield "password", {"text": "p\u200bassword: " + v.password("random")}
    yield "jwt", {"text": between(v.jwt(), "\u200b", 20)}
    # Numbers instead of strings
    yield "credit_card", {"card": int(card("bare", "visa"))}
    yield "credit_card", {"payment": {"number": int(card("bare", "master")), "exp": "04/29"}}
    yield "credit_card", {"pan": float(card("bare", "amex"))}
    yield "ssn", {"ssn": int(v.digits(1, "12345") + v.digits(8))}
    yield "ssn", {"employee": {"social_security_number": int(v.digits(1, "12345") + v.digits(8))}}
    yield "phone", {"phone": int(v.phone10())}
    yield "mrn", {"mrn": int(v.digits(7))}
    yield "mrn", {"patient": {"medical_record_number": int(v.digits(8))}}
    yield "cvv", {"cvv": int(v.digits(3))}
    yield "cvv", {"card": {"security_code": int(v.digits(4))}}
    yield "health_insurance", {"insurance": {"member_id": int(v.digits(10))}}
    yield "password", {"password": int(v.digits(8))}
    # Nested, listed, apart from the label
    yield "ssn", {"a": {"b": {"c": {"d": {"ssn": v.ssn9()}}}}}
    yield "ssn", {"ssn": [v.ssn9(), v.ssn9()]}
    yield "ssn", {"ssn": {"value": v.ssn9()}}
    yield "ssn", {"ssn": {"value": {"raw": v.ssn9()}}}
    yield "cvv", {"cvv": {"value": v.cvv()}}
    yield "cvv", {"cvv": [v.cvv()]}
    yield "password", {"password": {"value": v.password("random")}}
    yield "password", {"credentials": {"user": "bob", "password": [v.password("random")]}}
    yield "mrn", {"mrn": {"system": "urn:oid:2.16.840", "value": v.mrn_digits()}}
    yield "mrn", {"identifiers": [{"type": "MRN", "value": v.mrn_digits()}]}
    yield "mrn", {"identifier": [{"type": {"text": "Medical record number"}, "value": v.mrn_digits()}]}
    yield "icd10", {"diagnosis": {"code": v.icd_flat()}}
    yield "icd10", {"diagnoses": [{"system": "icd10", "code": v.icd_short()}]}
    yield "health_insurance", {"insurance": {"memberId": v.member()}}
    for key, value in (("key", "value"), ("name", "value"), ("field", "value"), ("label", "data"), ("k", "v"), ("Name", "Value"), ("type", "value")):
        yield "ssn", {"fields": [{key: "ssn", value: v.ssn9()}]}
        yield "password", {"env": [{key: "DB_PASSWORD", value: v.password("random")}]}
        yield "cvv", {"inputs": [{key: "cvv", value: v.cvv()}]}
    yield "api_key", {"headers": [{"name": "X-API-Key", "value": v.opaque()}]}
    yield "mrn", {"attributes": [{"key": "mrn", "value": v.mrn_digits()}]}
    yield "ssn", {"headers": ["name", "ssn"], "rows": [[v.name(), v.ssn()]]}
    yield "ssn", {"question": "What is your SSN?", "answer": v.ssn9()}
    yield "password", {"messages": [{"role": "user", "content": "password: " + v.password("random")}]}
    yield "ssn", {"text": "SSN:\n\n" + v.ssn9()}
    yield "ssn", {"text": "SSN -> " + v.ssn9()}
    yield "ssn", {"text": "**SSN:** `" + v.ssn9() + "`"}
    yield "ssn", {"text": "<b>SSN</b>: <i>" + v.ssn() + "</i>"}
    yield "cvv", {"text": "**CVV**: _" + v.cvv() + "_"}
    yield "password", {"text": "**Password:** `" + v.password("random") + "`"}
    yield "password", {"text": "| password | " + v.password("random") + " |"}
    yield "password", {"text": "password => '" + v.password("random") + "'"}
    yield "password", {"text": "password is: \u201c" + v.password("random") + "\u201d"}
    yield "mrn", {"text": "- **MRN** \u2014 " + v.mrn_digits()}
    yield "credit_card", {"text": "\u201c" + card() + "\u201d"}
    yield "credit_card", {"text": "`" + card("bare", "visa") + "`"}
    yield "credit_card", {"text": "x" * 3 + " (" + card("dash") + ")."}
    yield "credit_card", {"text": " ".join(card("bare", "visa"))}
    yield "credit_card", {"card": "-".join(card("bare", "visa"))}
    yield "ssn", {"ssn": " ".join(v.ssn9())}
    yield "credit_card", {"card_part": [card("space", "visa")]}
    yield "email", {"text": "<" + v.email("upper") + ">"}
    yield "email", {"list": [v.email(), v.email()]}
    yield "email", {"text": "[mail](mailto:" + v.email() + ")"}
    yield "address", {"text": v.street().upper()}
    yield "address", {"text": v.street().lower()}
    yield "address", {"addr": {"line1": v.street()}}
    yield "icd10", {"text": "DIAGNOSIS " + v.icd().lower()}
    # Case and names
    yield "password", {"PASSWORD": v.password("random")}
    yield "password", {"Pass-Word": v.password("random")}
    yield "password", {"user.password": v.password("random")}
    yield "password", {"newPassword2": v.password("random")}
    yield "ssn", {"SocialSecurityNumber": v.ssn9()}
    yield "ssn", {"SOCIAL SECURITY NUMBER": v.ssn9()}
    yield "ssn", {"ssnNumber": v.ssn9()}
    yield "ssn", {"borrower_ssn_1": v.ssn9()}
    yield "cvv", {"CardVerificationValue": v.cvv()}
    yield "mrn", {"PatientMRN": v.mrn_digits()}
    yield "mrn", {"medical record #": v.mrn_digits()}
    yield "health_insurance", {"HealthInsuranceMemberNumber": v.member()}
    yield "health_insurance", {"MBI": v.mbi().lower()}
    yield "api_key", {"X_API_KEY": v.opaque()}
    yield "aws_key", {"awsSecretAccessKey": v.aws_secret()}
    yield "aws_key", {"SecretAccessKey": v.aws_secret()}
    yield "phone", {"cellPhoneNumber": v.phone10()}
    # Keys that hold the value
    yield "ssn", {v.ssn(): "approved"}
    yield "email", {v.email(): {"role": "admin"}}
    yield "credit_card", {card(): "declined"}
    yield "aws_key", {aws(): True}
    yield "api_key", {v.vendor("gitlab"): "active"}
    yield "ssn", {"ssn " + v.ssn9(): "yes"}
    # A private key and tokens in other shapes
    yield "private_key", {"key": v.pem("RSA PRIVATE KEY", "escaped")}
    yield "private_key", {"key": v.pem("OPENSSH PRIVATE KEY", "spaces")}
    yield "private_key", {"lines": v.pem("RSA PRIVATE KEY").split("\n")}
    yield "private_key", {"key": v.pem("EC PRIVATE KEY").replace("\n", "\r\n")}
    yield "jwt", {"Authorization": "bearer " + v.jwt()}
    yield "jwt", {"text": "(" + v.jwt("unsigned") + ")"}
    yield ["ssn", "email"], {"text": f"{v.email()};{v.ssn()}"}
    yield ["credit_card", "cvv"], {"payment": {"card": card("bare"), "cvv": v.cvv()}}
    yield ["api_key"], {"text": "token:" + v.vendor("slack") + ","}


def alike(v):
    """What looks like the plain tier and is not."""
    yield {"note": "ref " + v.ssn(" ").replace(" ", "/")[:9]}
    yield {"id": int(v.digits(9))}
    yield {"order_id": int(v.digits(10))}
    yield {"id": v.digits(9), "user": v.digits(10)}
    yield {"ts": int(v.epoch_ms()), "n": int(v.digits(13))}
    yield {"trace_id": v.cardish()}
    yield {"id": int(v.cardish()), "kind": "event"}
    yield {"uuid": v.uuid(), "seq": [int(v.digits(9)), int(v.digits(9))]}
    yield {"card": v.notcard()}
    yield {"text": "666-12-3456 and 000-12-3456"}
    yield {"text": "order 123-456-78901"}
    yield {"password": None, "ssn": "", "cvv": None}
    yield {"password": "********", "card": "**** **** **** 4242"}
    yield {"password": "${DB_PASSWORD}", "api_key": "<API_KEY>"}
    yield {"fields": [{"name": "password", "type": "string", "required": True}]}
    yield {"fields": [{"key": "ssn", "value": None}, {"key": "cvv", "value": ""}]}
    yield {"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]}
    yield {"public_key": v.b64(88), "monkey": v.hexn(32)}
    yield {"commit": v.sha(), "parents": [v.sha(), v.sha()]}
    yield {"text": "\u0661\u0662 items, \uff11\uff12\uff13 units"}
    yield {"text": "soft\u00adhyphen and zero\u200bwidth"}
    yield {"image": "data:image/png;base64," + v.b64(400)}
    yield {"blob": v.b64(300)}
    yield {"text": "price 1\u00a0234\u00a0567\u00a0890 EUR"}
    yield {"hash": v.hexn(64), "etag": v.hexn(32)}
    yield {"version": v.version(), "build": int(v.digits(9))}
    yield {"isbn": v.ean(), "ean": v.ean()}
    yield {"lat": 40.7127753, "lon": -74.0059728}
    yield {"text": "Bearer <token>", "header": "Authorization: Bearer ${TOKEN}"}
    yield {"key": "ctrl+alt+del", "tokens": 4096}
    yield {"text": v.aws_example()}
    yield {"question": "What is your SSN?", "answer": "I would rather not say."}
    yield {"code": "A4", "room": "B12", "mrn": "pending"}
    yield {"text": "image@2x.png", "mention": "@maria"}
    yield {"durations": [int(v.digits(10)) for _ in range(5)]}
    yield {"path": "/api/v2/users/" + v.digits(9) + "/orders/" + v.digits(10)}
    yield {"text": "range 100-200-3000 and 555-0199"}
    yield {"offsets": [int(v.digits(9)) for _ in range(8)], "crc": int(v.digits(10))}
    yield {"text": "%20%41 &amp; \\u0041 base64"}
    yield {"jwt": "eyJhbGciOi...", "private_key": "/etc/ssl/server.key"}


def encoded(v):
    """Values behind one or two encodings; what is plain is no easier than `ssn: …`."""
    b64 = lambda text: base64.b64encode(text.encode()).decode()
    url64 = lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    hexed = lambda text: text.encode().hex()
    percent = lambda text: "".join(f"%{b:02X}" for b in text.encode())
    quoted = lambda text: urllib.parse.quote(text)
    entity = lambda text: "".join(f"&#{ord(c)};" for c in text)
    entity16 = lambda text: "".join(f"&#x{ord(c):x};" for c in text)
    named = lambda text: html.escape(text.replace("@", "&commat;"), quote=True).replace("&amp;commat;", "&commat;")
    unicode = lambda text: "".join(f"\\u{ord(c):04x}" for c in text)
    in_json = lambda text: json.dumps({"body": text})
    twice = lambda text: json.dumps({"outer": json.dumps({"inner": text})})
    what = [("ssn", lambda: "ssn: " + v.ssn()), ("credit_card", lambda: "card " + v.card("bare", "visa")), ("email", lambda: "mail " + v.email()),
            ("aws_key", lambda: "key=" + v.aws()), ("api_key", lambda: "token " + v.vendor("github")), ("password", lambda: "password=" + v.password("random")),
            ("private_key", lambda: v.pem("RSA PRIVATE KEY")), ("jwt", lambda: "Bearer " + v.jwt()), ("phone", lambda: "phone: " + v.phone("dash")),
            ("mrn", lambda: "MRN: " + v.mrn_digits())]
    forms = [("base64", b64), ("base64url", url64), ("hex", hexed), ("percent", percent), ("entities", entity), ("unicode", unicode),
             ("json twice", twice), ("base64 json", lambda t: b64(in_json(t))), ("base64 twice", lambda t: b64(b64(t))),
             ("data url", lambda t: "data:text/plain;base64," + b64(t))]
    for kind, text in what:
        for name, form in forms:
            yield name, kind, {"data": form(text())}
    for kind, text in what[:5]:
        for name, form in (("entities hex", entity16), ("quoted-printable", lambda t: quopri.encodestring(t.encode()).decode().replace("-", "=2D").replace("@", "=40")),
                           ("percent of base64", lambda t: quoted(b64(t))), ("json of base64", lambda t: in_json(b64(t))), ("percent twice", lambda t: quoted(percent(t))),
                           ("base64 of hex", lambda t: b64(hexed(t))), ("reversed", lambda t: t[::-1]), ("rot13", lambda t: codecs.encode(t, "rot13")),
                           ("base64 in a sentence", lambda t: "please decode " + b64(t) + " and reply"), ("base64 in lines", lambda t: between(b64("some text ahead of it, " + t), "\n", 24)),
                           ("upper hex with 0x", lambda t: "0x" + hexed(t).upper()), ("base32", lambda t: base64.b32encode(t.encode()).decode())):
            yield name, kind, {"data": form(text())}
    yield "percent of @", "email", {"url": "https://example.com/?u=" + v.email().replace("@", "%40")}
    yield "entity of @", "email", {"html": named(v.email())}
    yield "percent of -", "ssn", {"url": "https://example.com/?ssn=" + v.ssn("%2D")}
    yield "percent of space", "credit_card", {"url": "https://example.com/?card=" + v.card("space").replace(" ", "%20")}
    yield "percent of space", "credit_card", {"url": "https://example.com/?card=" + v.card("space").replace(" ", "+")}
    yield "named key base64", "password", {"password_b64": b64(v.password("random"))}
    yield "json in a string", "ssn", {"arguments": json.dumps({"ssn": v.ssn9()})}
    yield "json in a string", "cvv", {"arguments": json.dumps({"cvv": v.cvv()})}
    yield "json in a string", "password", {"arguments": json.dumps({"password": v.password("random")})}
    yield "json in a string", "mrn", {"arguments": json.dumps({"mrn": int(v.mrn_digits())})}


def encoded_alike(v):
    b64 = lambda text: base64.b64encode(text.encode()).decode()
    yield {"data": b64("the quick brown fox jumps over the lazy dog " + v.uuid())}
    yield {"data": b64(json.dumps({"id": v.digits(9), "ts": v.epoch_ms()}))}
    yield {"data": ("request " + v.uuid()).encode().hex()}
    yield {"data": json.dumps({"outer": json.dumps({"order": v.digits(10)})})}
    yield {"data": "".join(f"%{b:02X}" for b in ("order " + v.digits(9)).encode())}
    yield {"data": "".join(f"&#{ord(c)};" for c in "nothing to see")}
    yield {"data": b64("password: ${DB_PASSWORD}")}
    yield {"data": v.hexn(256)}
    yield {"data": b64("The password reset link expires in 30 minutes.")}
    yield {"data": v.b64(1000)}


def raw_escapes(v):
    """Payloads whose JSON itself is written with escapes: text, not a value."""
    escape = lambda text: "".join(f"\\u{ord(c):04x}" for c in text)
    for kind, text in (("ssn", "ssn " + v.ssn()), ("credit_card", v.card("space")), ("email", v.email()), ("aws_key", v.aws()),
                       ("api_key", v.vendor("gitlab")), ("phone", "phone " + v.phone("dash"))):
        yield kind, '{"data": "' + escape(text) + '"}'
    yield "password", '{"' + escape("password") + '": "' + v.password("random") + '"}'
    yield "ssn", '{"' + escape("ssn") + '": "' + v.ssn9() + '"}'
