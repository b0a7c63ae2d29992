"""Texts in which nothing is to be found, full of what looks as if it were."""

# `[[kind:arguments]]` stands for a harmless value. Between `++` and `--` stands an entry of more than one line.
CLEAN = """
request_id=[[uuid]] trace_id=[[hexn:32]] span_id=[[hexn:16]]
[[stamp]] INFO gateway accepted message id=[[uuid]] in [[int]] ms
{"id": [[digits:9]], "type": "order", "total": [[price]]}
{"user_id": [[digits:10]], "action": "click", "ts": [[epoch_ms]]}
{"ts": [[epoch_ms]], "seq": [[digits:9]], "value": [[price]]}
{"created_at": [[epoch]], "updated_at": [[epoch]], "id": [[digits:10]]}
++
commit [[sha]]
Merge: [[sha:7]] [[sha:7]]
Date:   Mon May 6 11:22:33 2024 +0200
--
git checkout [[sha]] && git bisect bad
Your order [[digits:10]] has shipped. Tracking number 1Z[[upper:16]].
Tracking: 9400 1000 0000 [[digits:4]] [[digits:4]] [[digits:2]]
Invoice INV-[[digits:8]] for $[[price]] is due on [[day]].
ISBN [[ean]] is out of print
EAN/barcode: [[ean]]
version [[version]] -> [[version]] (build [[digits:9]])
Upgraded openssl from [[version]] to [[version]]
Listening on [[ip]]:8080
ping [[ip]] 64 bytes icmp_seq=1 ttl=64 time=0.042 ms
lat=37.774929, lon=-122.419418
coordinates: 52.520008, 13.404954
Total: $[[price]], tax $[[price]], tip $5.00
Price dropped from 1,299.00 to 999.99 EUR
The meeting is on [[day]] at 10:30 in room 4-212.
Deadline 2024.05.06-12:30, backup file db-2024-05-06.tar.gz
10.5281/zenodo.[[digits:7]]
sha256:[[hexn:64]]
md5sum [[hexn:32]]  image.iso
"integrity": "sha512-[[b64:86]]=="
ETag: "[[hexn:32]]"
If-None-Match: W/"[[hexn:40]]"
docker pull nginx@sha256:[[hexn:64]]
k8s pod web-[[hexn:10]]-x7k2p restarted [[int]] times
ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ[[b64:200]] user
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[[b64:43]]
[[pem_public]]
[[certificate]]
[[pgp_public]]
The public_key is [[hexn:64]].
primary_key: id
foreign_key: user_id
"keybinding": "ctrl+shift+p"
{"key": "ctrl+k ctrl+s", "command": "workbench.action.openGlobalKeybindings"}
{"key": "cmd+shift+alt+7", "when": "editorTextFocus"}
monkey: banana
cache_key = "user:[[digits:9]]:profile"
sort_key: created_at
The turkey recipe needs a keyboard and a monkey wrench.
keyword: performance
idempotency_key: [[uuid]]
partition_key: [[digits:9]]
"cursor": "[[digits:10]]", "has_more": true
max_tokens: 4096, temperature: 0.7
{"usage": {"prompt_tokens": 1532, "completion_tokens": 412, "total_tokens": 1944}}
Tokens used: [[digits:5]] of 200000
Forgot your password? Click here to reset it.
The password reset link expires in 30 minutes.
Your password must be at least 12 characters long and contain a number.
Password changed successfully for your account.
Please never share your password with anyone.
We rotate every password quarterly; see the policy page.
password: ${DB_PASSWORD}
password: <your-password-here>
password: ********
"password": null
password = os.environ["DB_PASSWORD"]
password = getpass.getpass()
DB_PASSWORD=$DB_PASSWORD docker compose up
<input type="password" name="password" placeholder="Password">
{"password": {"type": "string", "minLength": 8, "description": "User password"}}
{"properties": {"ssn": {"type": "string", "pattern": "^[0-9]{3}-[0-9]{2}-[0-9]{4}$"}, "phone": {"type": "string"}}}
{"login": {"password": "Passwort", "username": "Benutzername", "submit": "Anmelden"}}
{"password.label": "Mot de passe", "password.forgot": "Mot de passe oublié ?"}
{"auth.password": "Contraseña", "auth.token": "Token de acceso"}
PASSWORD_MIN_LENGTH=12
password_policy: strict
passwordless: true
++
passwordSecretRef:
  name: db-credentials
  key: password
--
++
env:
  - name: DB_PASSWORD
    valueFrom:
      secretKeyRef:
        name: db
        key: password
--
password: {{ .Values.db.password }}
password: !vault secret/data/db#password
password=%s
password: "{{ vault_db_password }}"
--password-file /run/secrets/db
def check_password(user, password): return bcrypt.checkpw(password, user.hash)
if (password.length < 8) throw new Error("password too short");
password := r.FormValue("password")
const { password } = req.body;
user.password = hash(password)
Password:
Enter password:
password: [REDACTED]
password: xxxxxxxx
api_key: <YOUR_API_KEY>
api_key: YOUR_API_KEY_HERE
API_KEY=${API_KEY}
"api_key": "***"
api_key = os.getenv("API_KEY")
apiKey: process.env.API_KEY
api_key: string
X-API-Key: {{api_key}}
Authorization: Bearer <token>
Authorization: Bearer $TOKEN
Authorization: Basic <credentials>
token: ${{ secrets.GITHUB_TOKEN }}
Generate an API key in the settings page, then pass it as the api_key parameter.
The access token expires after one hour; refresh it with the refresh token.
secret: my-app-secret-name
secretName: tls-cert
aws_access_key_id = [[aws_example]]
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
AWS_ACCESS_KEY_ID=<access-key>
arn:aws:iam::[[digits:12]]:role/lambda-exec
arn:aws:s3:::my-bucket/[[uuid]]
i-0[[hexn:16]] is running in us-east-1a
postgres://localhost:5432/app
postgres://${DB_USER}:${DB_PASS}@db/app
redis://cache.internal:6379/0
mongodb://<user>:<password>@host/db
https://example.com/path?utm_source=news&ref=[[digits:9]]
image@2x.png and logo@3x.png are in assets
npm install @types/node@20.11.5
import { Injectable } from '@angular/core';
@Override public String toString()
git@github.com:acme/app.git
ssh ubuntu@[[ip]]
thanks @maria and @jens!
user@localhost
cvv: ***
The cvv field is required.
"cvv": {"type": "string", "maxLength": 4}
CVV is the three digit code on the back of your card.
Enter the security code we sent you.
Security code of conduct, section 123
error code 404, exit code 137
cvc: required|digits_between:3,4
card ending in 4242
Visa **** **** **** [[digits:4]]
Card: [[mask:4]]-[[mask:4]]-[[mask:4]]-[[digits:4]]
SSN: [[mask:3]]-[[mask:2]]-[[digits:4]]
SSN: ***-**-****
ssn: null
Please enter your SSN in the form below.
last four of SSN required
part number 000-12-3456
serial 666-45-1234
order 123-45-67890
ref 12-345-6789
Ticket #[[digits:9]] closed
employee id [[digits:9]]
account balance: 123456789
Zip+4: 94107-1234
phone: null
"phone": ""
phone: N/A
Phone support is available in 12 languages.
Dial 911 in an emergency.
call 1-800-FLOWERS
range 555-1234 to 555-9999
Model 800-100-2000X
SKU 12-3456-7890
fax machines are obsolete
2024-05-06 12:30:45.123456789
timestamps 1715000000 1715003600 1715007200
[[epoch_ms]] [[epoch_ms]] [[epoch_ms]]
uptime 1234567890 ns
Content-Length: [[digits:10]]
bytes_sent=[[digits:10]] bytes_recv=[[digits:9]]
inode [[digits:8]] size [[digits:10]]
pid 12345, tid [[digits:10]]
PID|segment has 30 fields in HL7 2.5
phash [[hexn:16]] dhash [[hexn:16]]
MAC 00:1a:2b:3c:4d:5e on eth0
0x[[hexn:24]]
Transaction [[hexn:64]] confirmed
[[uuid]],[[uuid]],[[uuid]]
{"id":"[[uuid]]","parent":"[[uuid]]"}
00000000-0000-0000-0000-000000000000
4111111111111112 is not valid
[[notcard]]
ids: [[notcard]], [[notcard]]
{"message_id": "[[notcard]]"}
{"trace": "[[hexn:32]]", "duration_us": [[digits:7]]}
snowflake id 1[[digits:17]]
{"tweet_id": "1[[digits:18]]"}
{"event_id": "[[cardish]]", "hash": "[[hexn:32]]"}
{"timestamp": [[epoch_ms]]000, "trace_id": "[[cardish]]"}
fn main() { let x: u64 = 0x[[hexn:16]]; }
0.[[digits:16]]
3.14159265358979323846
[1.2345678901234567, 0.000012345678901]
const PRIME = 2147483647, BIG = 18446744073709551615;
SELECT count(*) FROM orders WHERE id BETWEEN 100000000 AND 999999999;
The patient was discharged in good condition with follow-up in two weeks.
Patient reports chest pain and shortness of breath; ECG normal.
History of type 2 diabetes and hypertension, well controlled on metformin.
Diagnosis pending; labs drawn this morning.
BP 120/80, HR 72, RR 16, SpO2 98%, T 36.8
Vitamin B12 level 450 pg/mL, vitamin D3 low
Metformin 500 mg BID, lisinopril 10 mg daily
Hb A1c 6.8, LDL 101
Insurance will cover most of the visit.
Our health plan options are described on page 12.
Member since 2015, gold tier
Medicare enrollment opens in October.
The medical record must be kept for seven years.
The MRN is printed on the wristband.
MRN: pending
mrn: 0000000
"mrn": null
member_id: null
diagnosis_code: null
Flight BA2490 departs gate B12 at 10:45
Paper size A4, envelope C5
Bosch part B12-345-678
bolt M10x1.5 grade 8.8
Resistor R10 4.7k, capacitor C22 100n
Section 10.2 and appendix F.11
Spreadsheet cell C12 and range A10:B20
Room E11, building J4
chess: 1. e4 e5 2. Nf3 Nc6 3. Bb5 a6
USB-C 3.2 Gen 2x2, HDMI 2.1
The G20 summit and the B52 bomber
Intel i7-12700K, Ryzen 7 5800X3D
Highway I10 is closed near exit 45
F1 2024, race 5: Q3 1:27.241
T1 line, E1 trunk, RS-232
Main Street is a metaphor for small business.
Wall Street closed higher on Friday.
Road work ahead on the highway
12 Angry Men is a classic film.
I ran 5 miles and 3 laps
24 hour way of working
We need 3 drive bays and 2 court dates
The Street View API returned 200 OK
100 Best Places to Work
Chapter 7 Drive Theory
version 2 Place holder
send a box of 24 pens
inbox 12 unread, outbox 3
Let's meet at the corner cafe at 5.
++
TypeError: Cannot read properties of undefined (reading 'map')
    at Object.<anonymous> (/app/src/index.js:12:34)
    at Module._compile (node:internal/modules/cjs/loader:1234:14)
--
++
Traceback (most recent call last):
  File "/srv/app/main.py", line 482, in handle
    raise ValueError("bad checksum 123456789")
--
++
panic: runtime error: index out of range [5] with length 3
goroutine 1 [running]: main.main() /tmp/x.go:8 +0x1d
--
++
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  uid: [[uuid]]
spec:
  replicas: 3
--
data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ[[b64:120]]
<img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7">
{"thumbnail": "/9j/4AAQSkZJRgABAQ[[b64:200]]"}
++
diff --git a/src/a.c b/src/a.c
index [[sha:7]]..[[sha:7]] 100644
--- a/src/a.c
+++ b/src/a.c
@@ -12,7 +12,7 @@ int main(void)
--
{"tool": "search", "arguments": {"query": "how to reset a password in postgres"}}
{"tool": "get_weather", "arguments": {"lat": 40.7127753, "lon": -74.0059728}}
{"role": "assistant", "content": "I cannot share passwords or API keys."}
{"name": "create_user", "parameters": {"email": {"type": "string", "format": "email"}, "password": {"type": "string"}}}
{"model": "gpt-4", "stream": true, "id": "chatcmpl-[[alnum:29]]"}
{"tool_call_id": "call_[[alnum:24]]", "content": "ok"}
{"run_id": "run_[[alnum:24]]", "thread_id": "thread_[[alnum:24]]"}
{"customer": "cus_[[alnum:14]]", "invoice": "in_[[alnum:24]]", "payment_intent": "pi_[[alnum:24]]"}
{"slack": {"channel": "C[[upper:10]]", "user": "U[[upper:10]]", "ts": "1715000000.[[digits:6]]"}}
file_id: 1[[alnum:32]]
bucket: assets-[[hexn:8]]-prod
region us-west-2, ami-0[[hexn:16]]
VITE_APP_TITLE=Dashboard
SECRET_NAME=projects/acme/secrets/db
LOG_LEVEL=debug
MAX_RETRIES=5
The sk-learn package was renamed; hf_hub_download still works.
skip-link-to-main-content-anchor-for-screen-readers
AIzawa is a surname.
xoxo, see you tomorrow
the jwt library raises ExpiredSignatureError
eyJust wanted to say hi
npm_config_registry=https://registry.npmjs.org
pypi-mirror.example.com
Bearer of bad news arrived
a key decision, a secret garden, a token gesture
private_key_path: /etc/ssl/private/server.key
"BEGIN RSA PRIVATE KEY" is the header to look for
# private key goes here
-----BEGIN CERTIFICATE REQUEST-----
IBAN is required for SEPA transfers
GB00 0000 0000 0000
routing: round-robin
account: premium
DOB field is mandatory
birthday party on Saturday
passport.js authenticates requests
license: MIT
driver: overlay2
SPDX-License-Identifier: Apache-2.0
Regex: \\b\\d{3}-\\d{2}-\\d{4}\\b
Format your phone as ([[mask:3]]) [[mask:3]]-[[mask:4]]
e.g. name at example dot com
mean=123.456 std=0.123 n=1000000
score 98.6, p < 0.001, CI [1.2, 3.4]
Temperature 37.5 C, humidity 45%
2024/05/06 12:00:00 [error] 1234#0: *567 upstream timed out
127.0.0.1 - - [06/May/2024:12:00:00 +0000] "GET /health HTTP/1.1" 200 1234 "-" "curl/8.5.0"
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.91 Safari/537.36
cron: 0 3 * * 1-5
chmod 755 script.sh; umask 022
CPU 12.5% MEM 1234567890 B
VIN 1HGCM82633A004352
container MSKU1234565 on vessel 9321483
IMEI 356938035643809
UPC 036000291452
PO 4500012345 line 10
Case 2:24-cv-01234 filed
Patent US 10,123,456 B2
RFC 7519 section 4.1.7, page 12
Bus 42 leaves at 17:05, bus 7 at 17:20
Lottery numbers: 4 8 15 16 23 42
scores: 555-120, 312-99
checksum=[[hexn:8]] crc32=[[hexn:8]]
x-request-id: [[uuid]]
traceparent: 00-[[hexn:32]]-[[hexn:16]]-01
x-amzn-trace-id: Root=1-[[hexn:8]]-[[hexn:24]]
Set-Cookie: lang=en; Max-Age=31536000
nonce: [[digits:10]]
page_token_size: 50
row [[digits:9]] of [[digits:10]]
batch [[digits:9]]-[[digits:4]]
CREATE TABLE users (id BIGINT, email VARCHAR(255), password VARCHAR(255) NOT NULL, ssn CHAR(11), cvv CHAR(4));
| password | string | required, at least 8 characters |
| field | type | note |
id,name,password_hint,created
| user | password | role |
ALTER TABLE users ADD COLUMN password_hash VARCHAR(255);
auth: Password (min. 8), Username, Remember me
PASSWORD_RESET_TIMEOUT=259200
password_reset_url=/accounts/reset?step=2
self.password = password or self.load_password()
let token = lexer.next_token();
tokens: 1523, cached_tokens: 1024
"access_token_ttl": 3600, "refresh_token_ttl": 86400
part 4539-1488-0343-6467-A1
"""
