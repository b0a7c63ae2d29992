"""Forms in which programs write a value under its name: JSON, YAML, .env, CSV, SQL, XML, query strings and so on."""
import json
import re

KEYS = {
    "ssn": ("ssn ssn9", "ssn SSN social_security_number socialSecurityNumber employee_ssn ssn_number applicantSsn social-security-no customer.ssn"),
    "email": ("email", "email emailAddress contact_email to from user username work_email recipient owner"),
    "phone": ("phone phone10 phone_intl", "phone phoneNumber mobile cell tel contact_phone home_phone mobile_number telephone workPhone"),
    "address": ("address street", "address street address_line1 addressLine1 shipping_address mailingAddress street_address home_address billTo location"),
    "mrn": ("mrn mrn_digits", "mrn MRN medical_record_number medicalRecordNumber patient_mrn mrn_number patientMrn med_rec_no medical-record-no"),
    "health_insurance": ("member mbi", "member_id insurance_id healthInsuranceNumber insuranceMemberId health_plan_id subscriber_id medicare_number mbi memberId health_insurance_id"),
    "icd10": ("icd icd_short icd_flat", "icd10 icd_10 icd10_code diagnosis_code dx_code diagnosis primaryDiagnosis icd10Code dx diagnosisCodes"),
    "credit_card": ("card", "card_number cardNumber credit_card cc_number pan creditCardNumber card ccnum payment_card number"),
    "cvv": ("cvv", "cvv cvc cvv2 card_cvv cvvCode security_code cardCvc cvc2 card_security_code CVV"),
    "aws_key": ("aws aws_secret", "aws_access_key_id aws_secret_access_key"),
    "private_key": ("pem", "private_key privateKey key ssh_key tls.key signing_key"),
    "jwt": ("jwt", "token jwt access_token id_token authorization session auth idToken bearer refreshToken"),
    "api_key": ("vendor opaque", "api_key apiKey x-api-key access_token auth_token apikey service_api_key api_secret accessToken api-token"),
    "password": ("password", "password passwd pwd db_password userPassword PASSWORD admin_pass smtp_password loginPassword root_password"),
}


def neighbours(values):
    return {"id": int(values.digits(6)), "name": values.name(), "status": values.rng.choice(["active", "new", "closed"]),
            "created": values.day(), "request": values.uuid()}


def record(values, key, value):
    """The value between two harmless fields."""
    fields = list(neighbours(values).items())
    values.rng.shuffle(fields)
    return dict(fields[:1] + [(key, value)] + fields[1:2])


def as_json(values, key, value):
    return json.dumps(record(values, key, value), ensure_ascii=False)


def as_pretty_json(values, key, value):
    return json.dumps({"data": {values.rng.choice(["customer", "record", "item", "settings"]): record(values, key, value)}}, indent=2, ensure_ascii=False)


def as_yaml(values, key, value):
    value = value if "\n" not in value else "|\n    " + value.replace("\n", "\n    ")
    return f"# settings\n{values.rng.choice(['service', 'entry', 'profile'])}:\n  id: {values.int()}\n  {key}: {value}\n"


def as_env(values, key, value):
    key = re.sub(r"[^A-Za-z0-9]", "_", re.sub(r"([a-z])([A-Z])", r"\1_\2", key)).upper()
    quote = '"' if " " in value or "\n" in value else ""
    return f"LOG_LEVEL=info\n{key}={quote}{value}{quote}\nPORT={values.int('1024', '9999')}\n"


def as_csv(values, key, value):
    value = f'"{value}"' if "," in value or "\n" in value else value
    return f"id,{key},created\n{values.int()},{value},{values.day()}\n"


def as_sql(values, key, value):
    column = re.sub(r"[^A-Za-z0-9]", "_", key)
    return f"INSERT INTO records (id, {column}) VALUES ({values.int()}, '{value}');"


def as_update(values, key, value):
    column = re.sub(r"[^A-Za-z0-9]", "_", key)
    return f"UPDATE records SET {column} = '{value}' WHERE id = {values.int()};"


def as_python(values, key, value):
    return repr(record(values, key, value))


def as_code(values, key, value):
    return f"const {re.sub(r'[^A-Za-z0-9]', '_', key)} = {json.dumps(value)};"


def as_xml(values, key, value):
    tag = re.sub(r"[^A-Za-z0-9]", "_", key)
    return f"<record><id>{values.int()}</id><{tag}>{value}</{tag}></record>"


def as_query(values, key, value):
    value = value.replace("%", "%25").replace("&", "%26").replace("+", "%2B").replace(" ", "%20").replace("\n", "%0A").replace("#", "%23")
    return f"POST /v1/records?id={values.int()}&{key}={value}&lang=en HTTP/1.1"


def as_logfmt(values, key, value):
    value = json.dumps(value, ensure_ascii=False) if " " in value or "\n" in value else value
    return f"{values.stamp()} level=info msg=saved {key}={value} took={values.int()}ms"


def as_form(values, key, value):
    label = re.sub(r"([a-z])([A-Z])", r"\1 \2", re.sub(r"[_.-]", " ", key)).title()
    return f"Name: {values.name()}\n{label}: {value}\nSubmitted: {values.day()}"


def as_table(values, key, value):
    return f"| id | {key} |\n|---|---|\n| {values.int()} | {value} |"


def as_toml(values, key, value):
    return f"[record]\nid = {values.int()}\n\"{key}\" = {json.dumps(value, ensure_ascii=False)}\n"


def as_html(values, key, value):
    return f'<input type="text" name="{key}" value="{value}">'


TEXTS = [as_json, as_pretty_json, as_yaml, as_env, as_csv, as_sql, as_update, as_python, as_code, as_xml, as_query, as_logfmt, as_form,
         as_table, as_toml, as_html]


def payload_tool(values, key, value):
    return {"tool": "crm.update", "call_id": "call_" + values.hexn("24"), "arguments": {"id": int(values.digits(9)), key: value}}


def payload_envelope(values, key, value):
    return {"sender_id": "intake", "target_id": "billing", "message_type": "record.changed", "data": {"records": [record(values, key, value)]},
            "meta": {"version": "1.0", "correlation_id": values.uuid()}, "timestamp": float(values.epoch()), "message_id": values.uuid()}


def payload_flat(values, key, value):
    return record(values, key, value)


PAYLOADS = [payload_tool, payload_envelope, payload_flat]
