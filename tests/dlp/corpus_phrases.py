"""Sentences, notes, logs and code with a value in them: `[[kind:arguments]]` stands for a value, and says the type.
Between `++` and `--` stands an entry of more than one line, otherwise each line is one.
"""

PHRASES = {
    "ssn": """
My social security number is [[ssn]], please don't share it.
SSN: [[ssn]]
Employee [[name]] (SSN [[ssn]]) was onboarded on [[day]].
Can you verify the last filing for soc sec no. [[ssn9]]?
Applicant's Social Security #: [[ssn: ]]
the customer gave me [[ssn]] over chat, is that ok to store?
W-2 box a: employee's social security number [[ssn]]
[[stamp]] INFO payroll employee=[[int]] ssn=[[ssn]] status=ok
Patient [[name]], SS# [[ssn]], presents with mild cough.
tax form 1040 - taxpayer [[name]] - [[ssn]] - single
INSERT INTO employees (name, ssn) VALUES ('[[name]]', '[[ssn]]');
Her SSN's [[ssn]] and she was born in Ohio.
please run a background check: [[name]], social [[ssn]]
Social Security Number (no dashes): [[ssn9]]
The SSN on file is [[ssn9]].
| [[name]] | [[ssn]] | [[day]] |
assert mask("[[ssn]]") == "***"
Dependents: [[name]] [[ssn]]; [[name]] [[ssn]]
agent> lookup_taxpayer(ssn="[[ssn]]")
Número de seguro social: [[ssn]]
Enrollee's SSN is: [[ssn: ]] (verified by phone)
""",
    "email": """
Contact me at [[email]] for details.
From: [[name]] <[[email]]>
cc [[email]], [[email]] on the thread please
User [[email]] failed login from [[ip]]
mailto:[[email]]?subject=Invoice%20[[int]]
my e-mail is [[email]].
[[stamp]] DEBUG smtp: RCPT TO:<[[email:upper]]> 250 OK
Author: [[name]] <[[email]]>
git commit --author="[[name]] <[[email]]>" -m "fix build"
SELECT * FROM users WHERE email = '[[email]]' LIMIT 1;
Please forward the contract to [[email]]; he's out until Monday.
curl -d 'email=[[email]]&plan=pro' https://api.example.com/signup
Reply-To: [[email]]
(reach her via [[email]])
Unsubscribed: [[email]],[[email]],[[email]]
new ticket #[[int]] opened by [[email]]
"assignee": "[[email]]"
Envíame la factura a [[email]] por favor
Bitte an [[email]] senden.
notify: [[[email]]]
http://admin.example.com/users?q=[[email]]
""",
    "phone": """
Call me at [[phone]] after 5pm.
Phone: [[phone]]
tel:[[phone:plus]]
My number is [[phone:dash]], ask for [[first]].
You can reach the clinic on [[phone:paren]] or fax [[phone:dash]].
mobile [[phone_intl]]
Cell: [[phone10]]
WhatsApp me: [[phone_intl]]
text [[first]] at [[phone:dot]] when the parcel arrives
emergency contact [[name]] [[phone:paren]]
[[stamp]] INFO sms to=[[phone:plus]] status=delivered
Support line [[phone:one]] is open 9-5.
Customer callback requested, phone number [[phone10]]
Ph. [[phone:ext]]
Telefon: [[phone_intl]]
Tél. [[phone_intl]]
Mobile No: [[phone_intl]]
dial [[phone:plus1]] and enter the pin
<a href="tel:[[phone:plus1]]">call us</a>
she texted from [[phone:space]] yesterday
PID|1||77||DOE^JANE||19800101|F|||||[[phone:tight]]
send_sms(to="[[phone:plus]]", body="Your order shipped")
contact: [[name]] / [[phone:tight]]
sms verification sent to [[phone:plus1]]
Fax number [[phone:dash]]
""",
    "address": """
Ship to [[address]].
I live at [[street]] in [[first]]ville.
Mailing address: [[pobox]], Austin, TX 78701
Deliver the package to [[street]] before noon please
++
Billing Address
[[name]]
[[address]]
--
Patient resides at [[address]] with spouse.
The property at [[street]] was sold for $450,000.
Send the check to [[pobox]].
driver en route to [[address]], ETA 12 min
Home: [[address]]
returned mail: [[name]], [[address]]
moved from [[street]] to [[street]] last year
Service address [[address]] - meter read on [[day]]
PID|||123^^^H^PI||DOE^JOHN||19800101|M|||[[street]]^^Boise^ID^83702
pickup at [[street]], dropoff at [[street]]
my new address is [[address]], can you update it?
UPDATE customers SET addr='[[address]]' WHERE id=[[int]];
Adresse: [[address_abroad]]
Our flat is at [[address_uk]].
address_line_1,[[street]]
Residence: [[address]]; Tel none
The witness lives at [[street]].
""",
    "mrn": """
MRN: [[mrn]]
Patient MRN [[mrn_digits]] admitted to ICU overnight.
Medical record number [[mrn]] was merged with a duplicate chart.
Pt [[name]] (MRN# [[mrn_digits]]) seen in clinic today.
PID|1||[[mrn_digits]]^^^GENHOSP^MR||DOE^JANE||19800101|F
Please pull the chart for medical record # [[mrn]]
mrn=[[mrn]] encounter=[[int]] ward=4B
Med Rec No: [[mrn_digits]]
the patient's MRN is [[mrn_digits]], discharge summary pending
Transfer of record, M.R.N. [[mrn_digits]]
++
DISCHARGE SUMMARY
Name: [[name]]
MRN: [[mrn]]
Admitted: [[day]]
--
lookup_patient(mrn="[[mrn]]")
Hospital MRN - [[mrn_digits]]
SELECT * FROM encounters WHERE mrn = '[[mrn]]';
[[stamp]] WARN ehr sync failed for MRN [[mrn_digits]]
Chart number: [[mrn_digits]]
Radiology report. Patient: [[name]]. MRN:[[mrn_digits]]. Exam: CT head.
Patient medical record no [[mrn]]
re: med record number [[mrn_digits]] - imaging consult
""",
    "health_insurance": """
Member ID: [[member]] (Blue Cross PPO)
Health insurance policy number [[member]] expires in June.
Medicare beneficiary [[mbi]]
MBI: [[mbi:-]]
Insurance ID [[member]], group number 44120
patient's Medicare number is [[mbi:-]]
Subscriber ID: [[member]]
The insurer asked for my health plan ID, it's [[member]].
Medicaid ID [[member]] verified on [[day]]
IN1|1|PPO|[[int]]|AETNA||||||||||||SELF|||||||||||||||||||[[mbi]]
coverage check: insurance member id [[member]] -> active
Health Plan Member Number: [[member]]
Aetna member # [[member]], copay $25
claim denied for subscriber number [[member]]
eligibility(member_id="[[member]]", payer="UHC")
health insurance number: [[member]]
my insurance card says ID# [[mbi:-]]
Policyholder health insurance ID [[member]]
UnitedHealthcare member ID [[member]]
Medicare claim number [[mbi]]
""",
    "icd10": """
Diagnosis: [[icd]]
Dx [[icd]] - continue current meds.
Assessment: type 2 diabetes ([[icd]]), hypertension ([[icd_short]]).
ICD-10: [[icd]]
ICD-10-CM code [[icd_flat]] billed on [[day]]
patient coded as [[icd]] and [[icd]]
DG1|1|ICD10|[[icd]]|Condition||F
Primary dx: [[icd_short]]
icd10=[[icd_flat]] cpt=99213
Referral for [[icd]], please schedule imaging
The claim lists diagnosis code [[icd_short]].
Problem list: [[icd]]; [[icd]]; [[icd]]
discharged with diagnoses [[icd]], [[icd_short]]
ICD10 codes: [[icd_flat]], [[icd_flat]]
A/P: [[icd]] stable, RTC 3 months
Encounter for [[icd]]
Superbill: 99214 / [[icd]]
pt c/o back pain, [[icd]], PT ordered
Admitting diagnosis [[icd]]
CONDITION CODE (ICD-10) [[icd_short]]
""",
    "credit_card": """
My card number is [[card:space]], exp 04/28.
Charge [[card:bare]] for $[[price]] please
CC: [[card:dash]]
Visa ending soon: [[card:space:visa]] exp 12/27
please update my amex to [[card:space:amex]]
I'd like to pay with [[card:bare:master]].
Payment failed for card [[card:bare]] (insufficient funds)
[[track]]
swipe data [[track2]]
customer read out: [[card:dash:discover]] and it was declined
pan=[[card:bare]] amount=[[price]] currency=USD
Diners [[card:space:diners]]
test with [[testcard]]
Mastercard [[card:space:master2]] valid thru 09/29
JCB card: [[card:space:jcb]]
UnionPay [[card:bare:unionpay]]
Kreditkarte: [[card:space]]
numéro de carte [[card:space]]
charge_card(number="[[card:bare]]", exp="11/29")
Credit card no. [[card:dash]]
they stored [[card:space]] in plain text in the CRM notes!!
billing: [[name]], [[card:bare]], 10/28
""",
    "cvv": """
CVV: [[cvv]]
the security code on the back is [[cvv]]
cvc [[cvv]], exp 09/27
CVV2=[[cvv]]
Amex CID: [[cvv4]]
card security code: [[cvv]]
My cvv is [[cvv]]
CVV code [[cvv]]
cvv number is [[cvv]] thanks
exp 01/29 cvv [[cvv]]
CVC2: [[cvv]]
card verification value [[cvv]]
authorise(amount=100, cvv="[[cvv]]")
CSC: [[cvv]]
cvn: [[cvv]]
Three-digit security code: [[cvv]]
cvv/[[cvv]] zip/90210
Card verification code = [[cvv]]
its cvv# is [[cvv]]
(cvc: [[cvv]])
""",
    "aws_key": """
aws_access_key_id = [[aws]]
aws_secret_access_key = [[aws_secret]]
export AWS_ACCESS_KEY_ID=[[aws]]
export AWS_SECRET_ACCESS_KEY="[[aws_secret]]"
++
[default]
aws_access_key_id=[[aws]]
aws_secret_access_key=[[aws_secret]]
--
found key [[aws]] in the repo history
boto3.client("s3", aws_access_key_id="[[aws]]", aws_secret_access_key="[[aws_secret]]")
AWS_SECRET_KEY: [[aws_secret]]
the access key is [[aws]] and it has admin rights
https://bucket.s3.amazonaws.com/x?AWSAccessKeyId=[[aws]]&Expires=[[epoch]]
Credential=[[aws]]/20240501/us-east-1/s3/aws4_request
[[stamp]] ERROR InvalidAccessKeyId: [[aws]] does not exist
{"AccessKeyId":"[[aws]]","SecretAccessKey":"[[aws_secret]]"}
++
access_key = "[[aws]]"
  secret_key = "[[aws_secret]]"
--
rotate [[aws]], it leaked
const AWS = { accessKeyId: '[[aws]]' };
AWS secret: [[aws_secret]]
s3cmd --access_key=[[aws]] --secret_key=[[aws_secret]] ls
my aws key id is [[aws]]
""",
    "private_key": """
[[pem:RSA PRIVATE KEY]]
[[pem:PRIVATE KEY]]
[[pem:OPENSSH PRIVATE KEY]]
[[pem:EC PRIVATE KEY]]
[[pem:ENCRYPTED PRIVATE KEY]]
[[pem:PGP PRIVATE KEY BLOCK]]
[[pem:DSA PRIVATE KEY]]
++
here is my key:
[[pem:RSA PRIVATE KEY]]
keep it safe
--
[[pem:OPENSSH PRIVATE KEY:cut]]
"private_key": "[[pem:PRIVATE KEY:escaped]]\\n"
SSH_KEY="[[pem:OPENSSH PRIVATE KEY:escaped]]"
++
tls.key: |
  [[pem:PRIVATE KEY]]
--
[[age]]
++
# public key: age1xyz
[[age]]
--
++
cat id_rsa
[[pem:RSA PRIVATE KEY]]
$ logout
--
key on one line [[pem:RSA PRIVATE KEY:spaces]]
[[pem:RSA PRIVATE KEY:cut]]
""",
    "jwt": """
Authorization: Bearer [[jwt]]
token=[[jwt]]
curl -H "Authorization: Bearer [[jwt]]" https://api.example.com/v1/me
session cookie: auth=[[jwt]]; Path=/; HttpOnly
[[jwt]]
id_token: [[jwt]]
here's my token [[jwt:none]]
wss://example.com/socket?access_token=[[jwt]]
[[stamp]] DEBUG validated [[jwt]]
localStorage.setItem("jwt", "[[jwt]]");
the JWT you gave me ([[jwt]]) has expired
--header 'x-auth-token: [[jwt]]'
const t = `[[jwt]]`;
refresh=[[jwt]] expires_in=3600
decode this: [[jwt:unsigned]]
"assertion": "[[jwt]]"
""",
    "api_key": """
GITHUB_TOKEN=[[github]]
git clone https://[[vendor:github_plain]]@github.com/acme/app.git
export GITLAB_TOKEN=[[vendor:gitlab]]
slack token [[vendor:slack]] stopped working
SLACK_WEBHOOK=[[vendor:slack_hook]]
stripe.api_key = "[[vendor:stripe]]"
STRIPE_SECRET_KEY=[[vendor:stripe_long]]
curl https://api.stripe.com/v1/charges -u [[vendor:stripe]]:
https://maps.googleapis.com/maps/api/js?key=[[vendor:google]]
SENDGRID_API_KEY: [[vendor:sendgrid]]
//registry.npmjs.org/:_authToken=[[vendor:npm]]
++
[pypi]
username = __token__
password = [[vendor:pypi]]
--
openai.api_key = '[[vendor:openai]]'
OPENAI_API_KEY=[[vendor:openai_project]]
ANTHROPIC_API_KEY=[[vendor:anthropic]]
HF_TOKEN=[[vendor:huggingface]] python train.py
bot token is [[vendor:telegram]]
https://api.telegram.org/bot[[vendor:telegram]]/sendMessage
vault login [[vendor:vault]]
doctl auth init -t [[vendor:digitalocean]]
X-Shopify-Access-Token: [[vendor:shopify]]
api_key = "[[opaque]]"
X-API-Key: [[opaque]]
apikey=[[opaque]]&format=json
Authorization: Bearer [[opaque]]
access_token: [[opaque]]
my api key is [[opaque]]
curl -H "Authorization: token [[github]]" https://api.github.com/user
DATADOG_API_KEY=[[hexn_key:32]]
headers = {"x-api-key": "[[opaque]]"}
?api_key=[[opaque]]
DISCORD_TOKEN=[[discord]]
TWILIO_AUTH_TOKEN=[[hexn_key:32]]
AccountKey=[[azure]];EndpointSuffix=core.windows.net
auth_token = [[opaque]]
the token [[vendor]] was posted in #general
leaked in the CI log: [[vendor]]
Use this key: [[vendor]] (expires Friday)
--token [[vendor]]
key="[[vendor]]"
[[vendor]]
please revoke [[vendor]] asap
const KEY = '[[vendor]]'
  value: [[vendor]]
remote: https://oauth2:[[vendor:gitlab]]@gitlab.com/acme/app.git
secret [[vendor]] pushed in [[sha]]
{"key": "[[vendor]]", "env": "prod"}
""",
    "password": """
password: [[password]]
my password is [[password]]
DB_PASSWORD=[[password]]
login: [[first]] / password: [[password]]
pwd=[[password]];
the wifi password is [[password:word]]
export PGPASSWORD='[[password]]'
passwd: [[password:leet]]
sshpass -p '[[password]]' ssh root@[[ip]]
mysql -u root -p[[password:leet]] prod
CREATE USER app IDENTIFIED BY '[[password]]';
ALTER ROLE app WITH PASSWORD '[[password]]';
username=admin password=[[password:plain]]
Temporary password: [[password]] (change it at first login)
user [[first]], pass [[password:leet]]
{"user":"admin","passwd":"[[password]]"}
conn = psycopg2.connect(host="db", user="app", password="[[password]]")
spring.datasource.password=[[password]]
Passwort: [[password]]
contraseña: [[password]]
mot de passe : [[password]]
  MYSQL_ROOT_PASSWORD: [[password]]
his passphrase is "[[password:phrase]]"
Your new password is: [[password]]
<password>[[password]]</password>
admin_password = "[[password]]"
net use Z: \\\\srv\\share /user:bob password:[[password]]
root password = [[password]]
curl -u admin:[[basic]] https://api.example.com/
try pw [[password:leet]] for the staging box
Password=[[password]];Server=db;Database=x
requests.post(url, data={"username": "bob", "password": "[[password]]"})
""",
    "other": """
Date of birth: [[dob]]
DOB [[dob]], male
Passport number: [[passport]]
Driver's license: [[license]]
ITIN [[itin]]
NPI: [[npi]]
DEA number [[dea]]
IBAN: [[iban]]
Please wire to [[iban]] by Friday
Routing number [[aba]]
ABA routing [[aba]], account number [[account]]
Account number: [[account]]
DATABASE_URL=postgres://app:[[conn]]@db.internal:5432/main
mongodb+srv://root:[[conn]]@cluster0.abcde.mongodb.net/test
redis://:[[conn]]@cache:6379/0
amqp://svc:[[conn]]@mq.internal/vhost
https://deploy:[[basic]]@git.example.com/repo.git
Authorization: Basic [[basic64]]
jdbc:mysql://db/app?user=app&password=[[conn]]
Server=tcp:db.example.net;User ID=sa;Password=[[conn]];
signing_secret: [[generic]]
client_secret=[[generic]]
encryption_key="[[generic]]"
HMAC_SECRET=[[generic]]
""",
}

MIXED = """
Hi, I'm [[name]], SSN [[ssn]], phone [[phone]], email [[email]]. My card [[card:space]] was charged twice.
++
Patient: [[name]]
MRN: [[mrn_digits]]
Insurance Member ID: [[member]]
Dx: [[icd]]
Phone: [[phone]]
--
++
name,email,phone,ssn
[[name]],[[email]],[[phone:dash]],[[ssn]]
--
Order for [[name]], [[address]], [[phone:paren]], card [[card:bare]] cvv [[cvv]] exp 05/29
Payment: [[card:space]], CVV [[cvv]]. Receipt to [[email]].
++
.env
DB_PASSWORD=[[password]]
STRIPE_KEY=[[vendor:stripe]]
AWS_ACCESS_KEY_ID=[[aws]]
--
[[name]] ([[email]]) moved to [[address]]; new cell [[phone:dot]].
Pt [[name]], MRN [[mrn_digits]], Medicare [[mbi:-]], assessed for [[icd]] and [[icd]].
curl -u admin:[[basic]] -H "X-Api-Key: [[opaque]]" https://api.example.com
user=[[email]] password=[[password]] token=[[jwt]]
++
To: [[email]]
Subject: refund
The card is [[card:dash]] and my number is [[phone:dash]].
--
HISTORY: SSN [[ssn]]; DX [[icd]]; MRN [[mrn_digits]]
cust [[int]] | [[name]] | [[email]] | [[phone:paren]] | [[street]]
aws_access_key_id=[[aws]] aws_secret_access_key=[[aws_secret]] contact [[email]]
{"name":"[[name]]","ssn":"[[ssn]]","email":"[[email]]","address":"[[address]]"}
GITHUB_TOKEN=[[github]] OPENAI_API_KEY=[[vendor:openai]] PASSWORD=[[password]]
Ship to [[pobox]]; call [[phone_intl]]; bill [[card:space]]
<patient mrn="[[mrn_digits]]"><tel>[[phone:dash]]</tel><icd10>[[icd]]</icd10></patient>
Claim: subscriber ID [[member]], diagnosis [[icd]], provider phone [[phone:paren]]
login with [[email]] and password [[password]]
"""
