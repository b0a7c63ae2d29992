// Values that something beside them names: labels in other objects, questions, the lines of an array. Values are made
// up.
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;

void check_each(std::initializer_list<std::pair<const char*, Types>> messages) {
  ScanCase at;
  for (const auto& [message, types] : messages) {
    INFO(message);
    CHECK(at.types(message) == types);
  }
}

}  // namespace

TEST_CASE("identifiers of FHIR are named by their type or system") {
  check_each({
      {R"({"identifier": [{"type": {"text": "Medical record number"}, "value": "4472579"}]})", {"mrn"}},
      {R"({"identifier": [{"value": "4472579", "type": {"coding": [{"system": "v2-0203", "code": "MR"}]}}]})", {"mrn"}},
      {R"({"type": {"coding": [{"display": "Passport number"}]}, "value": "X12345678"})", {"passport"}},
      {R"({"system": "http://hl7.org/fhir/sid/us-ssn", "value": "219459876"})", {"ssn"}},
      {R"({"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"})", {"npi"}},
      {R"({"identifier": [{"type": {"text": "Accession number"}, "value": "4472579"}]})", {}},
      {R"({"identifier": [{"type": {"coding": [{"code": "PLAC"}]}, "value": "4472579"}]})", {}},
      {R"({"type": {"text": "Medical record number"}, "note": {"value": "4472579"}})", {}},
      {R"({"type": {"text": "Medical record number"}, "value": "see the chart"})", {}},
      {R"({"system": "http://loinc.org", "value": "219459876"})", {}},
  });
}

TEST_CASE("an answer is what its question asks for") {
  check_each({
      {R"({"question": "What is your SSN?", "answer": "858912200"})", {"ssn"}},
      {R"({"answer": "219 45 9876", "question": "Your social security number, please"})", {"ssn"}},
      {R"({"prompt": "What is the admin password?", "response": "k9V!tq2ZmR"})", {"password"}},
      {R"({"question": "Your date of birth?", "answer": "1980-03-05"})", {"date_of_birth"}},
      {R"({"question": "What is your SSN?", "answer": "I would rather not say."})", {}},
      {R"({"question": "What is the SSN format?", "answer": "Nine digits: area, group, serial."})", {}},
      {R"({"question": "How many SSNs were in the file?", "answer": "219459876"})", {}},
      {R"({"question": "Which order is it?", "answer": "219459876"})", {}},
      {R"({"question": "How do I reset my password?", "answer": "Settings2026"})", {}},
      {R"({"question": "What is the password policy?", "answer": "14-characters"})", {}},
  });
}

TEST_CASE("what was the pw? is answered in the next words or line") {
  check_each({
      {"Ann: what was the pw again? Bob: root / k9V!tq2ZmR", {"password"}},
      {"what's the password of the lab?\nk9V!tq2ZmR", {"password"}},
      {"Bob: and the password?\nAnn: k9V!tq2ZmR", {"password"}},
      {"Forgot your password? Click here / contact support2", {}},
      {"did you change the password?\nv1.2.3-rc1", {}},
      {"what was the pw again? Bob: ask Ann / the ops2 team", {}},
      {"is the password set?\n/etc/app2/config.d", {}},
      {"  24: user::ignore_inner_graph::h269aed82a54c2bad", {}},
  });
}

TEST_CASE("a private key whose lines are elements of an array") {
  const char* kLine1 =
      "\"MIIEvQIBADANbFB+pH79RCMqtIDNlLK52"
      "U8blYGTQfRyrjVT+F2lOCnffv+oYtaV\"";
  const char* kLine2 = "\"rNyKLcQJAC/tDU+DjTbAli709PC/xjcuawneTDWmEi6Enqi9uxdp3UF7acpxLfQF\"";
  auto lines = [&](const char* first, const char* last) {
    return std::string("{\"lines\": [\"") + first + "\", " + kLine1 + ", " + kLine2 + ", \"" + last + "\"]}";
  };
  ScanCase at;
  CHECK(at.types(lines("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----")) == Types{"private_key"});
  std::string masked = at.rewritten(lines("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"));
  CHECK(masked.find("MIIEvQ") == std::string::npos);
  CHECK(masked.find("rNyKLc") == std::string::npos);
  CHECK(at.types(lines("-----BEGIN RSA PRIVATE KEY-----\\n", "cut off")) == Types{"private_key"});
  CHECK(at.types(lines("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----")) == Types{});
  CHECK(at.types(lines("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")) == Types{});
  CHECK(at.types(R"(["-----BEGIN PRIVATE KEY-----", "is what the file begins with", "see the manual"])") == Types{});
  CHECK(at.types(R"({"begin": "-----BEGIN PRIVATE KEY-----", "end": "-----END PRIVATE KEY-----"})") == Types{});
}

TEST_CASE("emphasis of Markdown is no part of a number") {
  check_each({
      {"**CVV**: _998_", {"cvv"}},
      {"CVV: __998__", {"cvv"}},
      {"cvv_998_x and the cvv_table", {}},
  });
}

TEST_CASE("a card's number that is the whole of a text, and marked") {
  check_each({
      {R"({"text": "`4111111111111111`"})", {"credit_card"}},
      {R"({"object": "card", "number": "4111111111111111", "exp_month": 5})", {"credit_card"}},
      {R"({"text": "`4111111111111112`"})", {}},
      {R"({"text": "run `4111111111111111` failed"})", {}},
      {R"({"trace_id": "`4111111111111111`"})", {}},
      {R"({"object": "event", "number": "4111111111111111"})", {}},
  });
}

TEST_CASE("social, where a number of that form follows") {
  check_each({
      {"her social is 536 22 8714", {"ssn"}},
      {"My social: 536228714", {"ssn"}},
      {"the social 536 22 8714 post ids", {}},
      {"her social life, page 536 of 22", {}},
  });
}
