// What is found, what is left alone, and what is found though it is written in another way. Values are made up.
#include <string>

#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;

struct Case {
  std::string message;
  Types types;
};

void check(ScanCase& at, const std::vector<Case>& cases) {
  for (const auto& one : cases) {
    INFO(one.message);
    CHECK(at.types(one.message) == one.types);
  }
}

const std::string kBody = "Zq7Rk2Vw9Xb4Nc8Td3Yf6Hg1Jm5Lp0Sa2Ue7Ki4Qo9";  // letters and digits for tokens

}  // namespace

TEST_CASE("people") {
  ScanCase at;
  check(at, {
                {"My SSN is 219-45-9876 thanks", {"ssn"}},
                {"ssn 219459876", {"ssn"}},
                {R"({"ssn":219459876})", {"ssn"}},
                {R"({"user":{"socialSecurityNumber":"219 45 9876"}})", {"ssn"}},
                {"taxpayer 912-70-1234", {"itin"}},
                {"mail bob.smith+x@example.com now", {"email"}},
                {"call (415) 555-2671 or +44 20 7946 0958", {"phone"}},
                {R"({"phone":4155552671})", {"phone"}},
                {"lives at 123 Main Street, Springfield", {"address"}},
                {"send it to P.O. Box 1234", {"address"}},
                {"Ship to Post Office Box 1234; thanks", {"address"}},
                {"{'street': '59 Birch Way', 'n': 1}", {"address"}},
                {"212 555 0143", {"phone"}},
                {"212 - 555 - 0143", {"phone"}},
                {"Phone: (555) 123-4567", {"phone"}},
                {"range 555-123-4567", {}},
                {R"({"dob":"1980-03-05"})", {"date_of_birth"}},
                {"born on March 5, 1980 in Leeds", {"date_of_birth"}},
                {"passport number X12345678", {"passport"}},
                {R"({"drivers_license":"D1234567"})", {"drivers_license"}},
            });
}

TEST_CASE("what looks like people's data and is not") {
  ScanCase at;
  for (auto message :
       {R"({"user_id":219459876,"order":219459876})", "order number 219459876",
        "000-12-3456 and 666-12-3456 and 219-00-9876", "219-45-98761", "1-219-45-9876",
        R"({"id":4155552671,"ts":1700000000})", "icon@2x.png and git@host and a@b", "bob..smith@",
        "version 1.2.3 of 2024-01-15 10:30:00", "in 2019 we drove for 5 minutes", R"({"date":"1980-03-05"})",
        "ratio 415 / 555", "sum 12+12345678", R"({"passport":"not needed"})"}) {
    INFO(message);
    CHECK(at.types(message) == Types{});
  }
}

TEST_CASE("health") {
  ScanCase at;
  check(at, {
                {"MRN: 00482913", {"mrn"}},
                {"Medical record number 7839201 was opened", {"mrn"}},
                {R"({"mrn":7839201})", {"mrn"}},
                {"Medicare 1EG4-TE5-MK73", {"health_insurance"}},
                {R"({"member_id":"W123456789"})", {"health_insurance"}},
                {"diagnosis E11.9", {"icd10"}},
                {"coded as J45.909 today", {"icd10"}},
                {"ICD-10 codes: J45909, E119", {"icd10"}},
                {R"({"diagnosis":{"code":"S72001A"}})", {"icd10"}},
                {"part E1198 of rack J45909", {}},
                {"const medicalRecordNumber = '7839201';", {"mrn"}},
                {"NPI 1234567893", {"npi"}},
                {"DEA number AB1234563", {"dea"}},
                {"PID|1||582333^^^HOSP^MR||DOE", {"mrn"}},
                {"MRN: 00000000", {}},
                {"see table E11 of part B12", {}},
                {"1234567893 items", {}},
            });
}

TEST_CASE("money") {
  ScanCase at;
  check(at, {
                {"card 4111 1111 1111 1111", {"credit_card"}},
                {"4111-1111-1111-1111", {"credit_card"}},
                {R"({"n":4111111111111111})", {}},
                {R"({"card":4111111111111111})", {"credit_card"}},
                {R"({"card":4.111111111111111e15})", {"credit_card"}},
                {"3782 822463 10005", {"credit_card"}},
                {"4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", {"credit_card"}},
                {"%B4111111111111111^DOE/JOHN^2512101?", {"credit_card"}},
                {"4111 1111 1111 1112", {}},
                {R"({"trace_id":"4111111111111111"})", {}},
                {"txn_4111111111111111 and a4111111111111111b", {}},
                {R"({"created":1700000000000,"ns":1700000000000000000})", {}},
                {"550e8400-e29b-41d4-a716-446655440000", {}},
                {R"({"card":{"number":"4111111111111111","cvv":"123"}})", {"credit_card", "cvv"}},
                {"cvv 123", {"cvv"}},
                {"cvv: n/a", {}},
                {"Three-digit security code: 595", {"cvv"}},
                {"security code 123 of conduct", {}},
                {"DE89 3704 0044 0532 0130 00", {"iban"}},
                {"DE88 3704 0044 0532 0130 00", {}},
                {"routing number 021000021", {"bank_routing"}},
                {"account number 123456789012", {"bank_account"}},
                {"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", {"crypto_wallet"}},
            });
}

TEST_CASE("columns under their names") {
  ScanCase at;
  check(at, {
                {"id,cvv,mrn\n37,229,7839201\n38,104,\n", {"cvv", "mrn"}},
                {"name;password\nbob;\"hunter2;x\"\n", {"password"}},
                {"| id | member id |\n|----|:---:|\n| 37 | W123456789 |", {"health_insurance"}},
                {"INSERT INTO t (id, cvv) VALUES (1, 'a, b'), (37, '229');", {"cvv"}},
                {"a,b,c\nname,mrn\n1,7839201", {"mrn"}},
                {"id,cvv\n37,229,5\n", {}},
                {"id,password_hint\n37,rex2024\n", {}},
                {"| Setting | Password |\n|---|---|\n| Length | 12 letters |", {}},
            });
}

TEST_CASE("secrets") {
  ScanCase at;
  std::string id = "AKIA" + std::string("Q3EGXF7P2LM5TR4K");
  check(at,
        {
            {"key " + id, {"aws_key"}},
            {"AKIAIOSFODNN7EXAMPLE", {}},
            {"aws_secret_access_key = " + kBody.substr(0, 20) + kBody.substr(10, 20), {"aws_key"}},
            {"token ghp_" + kBody.substr(0, 36), {"api_key"}},
            {"SK" + std::string("0123456789abcdef0123456789abcdef"), {"api_key"}},
            {"sk-proj-" + kBody, {"api_key"}},
            {"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", {}},
            {R"({"api_key":")" + kBody.substr(0, 24) + "\"}", {"api_key"}},
            {R"({"public_key":")" + kBody.substr(0, 24) + "\"}", {}},
            {R"({"api_key":"${API_KEY}","token":"<your token>"})", {}},
            {R"({"monkey":"capuchin","keybinding":"ctrl+k","commit":"3f786850e387550fdab836ed7e6dc881de23001b"})", {}},
            {R"({"password":"hunter2"})", {"password"}},
            {"password: hunter2", {"password"}},
            {"the password is hunter2", {"password"}},
            {"PASSWORD=s3cr3tPa55", {"password"}},
            {"PASSWORD_MIN_LENGTH=12", {}},
            {"const passwordRegex = /^[a-z0-9]{8,}$/", {}},
            {"the password for the west gate is s3cr3t99", {"password"}},
            {"the password for server42 expired", {}},
            {"Mz1/pw9xQ2r7Kd8 and +pw/h4Tq8sL2", {}},
            {"password = getpass.getpass()", {}},
            {"CREATE TABLE t (password VARCHAR(255))", {}},
            {"password: !vault secret/db", {}},
            {"\"password\": \"Passwort\"", {}},
            {"<password>orbit-velvet</password>", {"password"}},
            {"mongodb://<user>:<password>@host/db", {}},
            {"curl -u bob:hunter2 https://h.example.org", {"basic_auth"}},
            {"docker run curl -u 1000:1000 x", {}},
            {"podman run -u node:node x", {}},
            {"https://oauth2:glpat-" + kBody.substr(0, 20) + "@h.example.org/x.git", {"api_key"}},
            {"https://ghp_" + kBody.substr(0, 36) + "@h.example.org/x.git", {"api_key"}},
            {"Credential=" + id + "/20240501/us-east-1/s3/aws4_request", {"aws_key"}},
            {"hf_" + std::string("sHyRozlkyybxKIcINcIfJZSslzUPCLvnNS"), {"api_key"}},
            {"the passphrase is \"orbit-velvet-horse\"", {"password"}},
            {R"({"env":[{"name":"DB_PASSWORD","value":"hunter2"}]})", {"password"}},
            {"access_token: " + kBody.substr(0, 32), {"api_key"}},
            {"password reset requested, the password is required", {}},
            {R"({"password":null,"passwordHint":"my dog1","password_policy":"strong1"})", {}},
            {R"({"password":"********"})", {}},
            {R"({"name":"password","value":"hunter2"})", {"password"}},
            {R"({"value":"hunter2","key":"password"})", {"password"}},
            {R"({"name":"password","type":"text","value":"hunter2"})", {"password"}},
            {R"({"label":"text","name":"password","value":"hunter2"})", {"password"}},
            {R"({"value":"hunter2","type":"text","name":"password"})", {"password"}},
            {R"({"value":"hunter2","type":"text","name":"colour"})", {}},
            {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", {"jwt"}},
            {"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.", {"jwt"}},
            {"eyJmb28iOiJiYXIifQ.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x", {}},
            {"-----BEGIN "
             "PRIVATE KEY-----\n" +
                 kBody +
                 "\n-----END "
                 "PRIVATE KEY-----",
             {"private_key"}},
            {"-----BEGIN OPENSSH "
             "PRIVATE KEY-----\\n" +
                 kBody,
             {"private_key"}},
            {"-----BEGIN PUBLIC KEY-----\n" + kBody + "\n-----END PUBLIC KEY-----", {}},
            {"a file begins with -----BEGIN "
             "PRIVATE KEY----- and so on",
             {}},
            {"postgres://admin:s3cr3t@db:5432/x", {"connection_string"}},
            {"https://bob:tok123@h.example.org/", {"basic_auth"}},
            {"postgres://admin:${DB_PASSWORD}@db/x and http://host:8080/a@b", {}},
            {"Authorization: Basic Ym9iOmh1bnRlcjI=", {"basic_auth"}},
            {R"({"client_secret":"q8Zr4Tn1Xw7Pk3Vb"})", {"api_key"}},
            {R"({"salt":"q8Zr4Tn1Xw7Pk3Vb"})", {"generic_secret"}},
            {R"({"secret":"550e8400-e29b-41d4-a716-446655440000"})", {}},
        });
}

TEST_CASE("types that are off are not found, and are when they are switched on") {
  ScanCase off;
  ScanCase on{Type::ip_address, Type::mac_address, Type::uk_nino, Type::uk_nhs, Type::ca_sin, Type::in_aadhaar};
  for (const Case& one : std::vector<Case>{{"host 8.8.8.8", {"ip_address"}},
                                           {"nic 00:1b:44:11:3a:b7", {"mac_address"}},
                                           {"NI AB 12 34 56 C", {"uk_nino"}},
                                           {"NHS 943 476 5919", {"uk_nhs"}},
                                           {"SIN 130 692 544", {"ca_sin"}},
                                           {"aadhaar 2341 2341 2346", {"in_aadhaar"}}}) {
    INFO(one.message);
    CHECK(off.types(one.message) == Types{});
    CHECK(on.types(one.message) == one.types);
  }
  CHECK(on.types("10.0.0.1 192.168.1.1 127.0.0.1 300.1.1.1 1.2.3.4.5") == Types{});
}

TEST_CASE("the same in other writing") {
  ScanCase at;
  check(at, {
                {"４１１１ １１１１ １１１１ １１１１", {"credit_card"}},     // fullwidth
                {"4111‑1111‑1111‑1111", {"credit_card"}},                     // no-break hyphens
                {"4111 1111 1111 1111", {"credit_card"}},                     // no-break spaces
                {"ssn 219\u200b-45\u200b-9876", {"ssn"}},                     // zero width
                {"ssn 219\u00ad459\u00ad876", {"ssn"}},                       // soft hyphen
                {"ssn ٢١٩-٤٥-٩٨٧٦", {"ssn"}},                                 // Arabic digits
                {R"({"\u0073sn":"219459876"})", {"ssn"}},                     // escaped key
                {R"({"x":"\u0032\u0031\u0039-45-9876"})", {"ssn"}},           // escaped value
                {R"({"x":"{\"ssn\":219459876}"})", {"ssn"}},                  // JSON within
                {R"({"x":"{\"y\":\"{\\\"ssn\\\":219459876}\"}"})", {"ssn"}},  // twice
                {R"({"x":"c3NuOiAyMTktNDUtOTg3Ng=="})", {"ssn"}},             // base64
                {R"({"x":"73736e3a203231392d34352d39383736"})", {"ssn"}},     // hexadecimal
                {R"({"x":"ssn%3A%20219%2D45%2D9876"})", {"ssn"}},             // percent
                {R"({"x":"ssn&#58; 219&#45;45&#x2d;9876"})", {"ssn"}},        // entities
                {R"({"219-45-9876":true})", {"ssn"}},                         // in a key
                {R"({"people":["219-45-9876"]})", {"ssn"}},
            });
}

TEST_CASE("an envelope's routing is not its content") {
  ScanCase at;
  std::string envelope =
      R"({"sender_id":"a","target_id":"219-45-9876","message_type":"t","data":{"ssn":"219-45-9876"},)"
      R"("meta":{"correlation_id":"219-45-9876","traceparent":"219-45-9876","tracestate":"a=219-45-9876",)"
      R"("note":"219-45-9876"},"extra":"219-45-9876"})";
  REQUIRE(at.scanner->scan_json(envelope, Document::Shape::kEnvelope).ok());
  std::set<std::string> paths;
  for (const auto& finding : at.scanner->report().findings) paths.insert(at.scanner->path(finding));
  CHECK(paths == std::set<std::string>{"data.ssn", "meta.traceparent", "meta.tracestate", "meta.note", "extra"});
}

TEST_CASE("a traceparent is no content where it has room for nothing else") {
  ScanCase at;
  auto found = [&](const std::string& traceparent) {
    std::string envelope = R"({"sender_id":"a","target_id":"b","message_type":"t","data":{},"meta":{"traceparent":")" +
                           traceparent + R"("}})";
    REQUIRE(at.scanner->scan_json(envelope, Document::Shape::kEnvelope).ok());
    return !at.scanner->report().findings.empty();
  };
  const std::string ids = "-00000000000000004111111111111111-4111111111111111-01";
  CHECK_FALSE(found("00" + ids));
  CHECK(found("cc" + ids + "-ssn 219-45-9876"));
  CHECK(found("ssn 219-45-9876"));
}

TEST_CASE("paths name the place, not what was found") {
  ScanCase at;
  at.scan(R"({"a":[{"b c":"219-45-9876"}],"219-45-9876":{"ssn":"219459876"}})");
  REQUIRE(at.scanner->report().findings.size() == 3);
  CHECK(at.scanner->path(at.scanner->report().findings[0]) == R"(a[0]["b c"])");
  CHECK(at.scanner->path(at.scanner->report().findings[1]) == "$");
  CHECK(at.scanner->path(at.scanner->report().findings[2]) == R"(["*"].ssn)");
}

TEST_CASE("the strictest action decides") {
  ScanCase at;
  at.scan("bob@example.com");
  CHECK(at.scanner->report().action == Action::kAlert);
  at.scan("bob@example.com 219-45-9876");
  CHECK(at.scanner->report().action == Action::kRedact);
  at.scan("bob@example.com 219-45-9876 4111 1111 1111 1111");
  CHECK(at.scanner->report().action == Action::kBlock);
  at.scan("nothing");
  CHECK(at.scanner->report().action == Action::kOff);
}

TEST_CASE("everything that is delivered is looked at, also what a reader of the JSON would overrule") {
  ScanCase at;
  // Of two members of the same name most readers take the last, some the first.
  CHECK(at.types(R"({"a":"219-45-9876","a":1})") == std::set<std::string>{"ssn"});
  CHECK(at.types(R"({"a":1,"a":"219-45-9876"})") == std::set<std::string>{"ssn"});
  CHECK(at.rewritten(R"({"ssn":219459876,"ssn":"219-45-9877","ssn":{"x":"219-45-9878"}})") ==
        R"({"ssn":"XXX-XX-9876","ssn":"XXX-XX-9877","ssn":{"x":"XXX-XX-9878"}})");
  CHECK(at.rewritten(R"({"\u0073sn":219459876,"ssn":219459877})") ==
        R"({"\u0073sn":"XXX-XX-9876","ssn":"XXX-XX-9877"})");
  // The members that route an envelope are left out where they route it, and nowhere else.
  auto in_envelope = [&](std::string_view json) {
    REQUIRE(at.scanner->scan_json(json, Document::Shape::kEnvelope).ok());
    return at.scanner->report().findings.size();
  };
  CHECK(in_envelope(R"({"timestamp":1,"data":{"message_type":"219-45-9876","meta":{"hops":"219-45-9877"}}})") == 2);
  CHECK(in_envelope(R"({"other":"219-45-9876","meta":{"x":"219-45-9877"},"data":1})") == 2);
}
